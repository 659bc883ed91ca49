# SPDX-License-Identifier: Apache-2.0
"""Erasing somebody's records in the console: first what it would come to, then, on that page, the button that does it."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError


async def erase(visit: Visit) -> Response:
    """What a filter would take out, and the form to have it done; or that it is done."""
    form, name = await visit.form(), visit.path["name"]
    rows, reason, is_trial = form.get("rows", "").strip(), form.get("reason", ""), form.get("deed") != "erase"
    found, fault = None, None
    try:
        found = await run_in_threadpool(
            lambda: visit.platform.assessment.erase(name, rows=rows, reason=reason, is_trial=is_trial, by=visit.by)
        )
    except (ConflictError, InvalidError, NotFoundError, RefusedError) as error:
        fault = error
    return visit.page(
        "erasure.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="data",
        dataset=name,
        rows=rows,
        reason=reason,
        found=found,
        notice=str(fault) if fault else "",
    )
