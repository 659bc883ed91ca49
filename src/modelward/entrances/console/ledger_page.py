# SPDX-License-Identifier: Apache-2.0
"""The ledger's page: the badge, the checkpoint, the entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.entrances.console.pages import Visit

_SHOWN = 50
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the visitor looks for."""

    event: str
    subject: str
    request: str


async def ledger(visit: Visit) -> Response:
    """Entries, newest first, under a verification made for this very page."""
    query = visit.request.query_params
    chosen = Chosen(*(query.get(name, "")[:_LONGEST] for name in ("event", "subject", "request")))
    return visit.page("ledger.html", section="ledger", chosen=chosen, **await run_in_threadpool(_read, visit, chosen))


def _read(visit: Visit, chosen: Chosen) -> dict[str, Any]:
    auditing, by = visit.platform.auditing, visit.by
    before = visit.request.query_params.get("before", "")
    until = int(before) if before.isdecimal() and len(before) < 16 else None
    return {
        "verification": auditing.verify(by=by),
        "checkpoint": auditing.checkpoint(by=by).text,
        "entries": auditing.log(
            event=chosen.event, subject=chosen.subject, request=chosen.request, until=until, limit=_SHOWN, by=by
        ),
    }
