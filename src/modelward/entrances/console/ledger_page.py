# SPDX-License-Identifier: Apache-2.0
"""The ledger: the badge, the checkpoint, the entries. A ledger that was tampered with is shown all the same, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.access import Permission
from modelward.entrances.console.recent import Recent
from modelward.entrances.console.visit import Visit
from modelward.errors import ModelwardError

if TYPE_CHECKING:
    from modelward.audit import LoggedEntry, Verification
    from modelward.entrances.console.recent import Seen

SHOWN = 50
UNASKED_LIMIT_ENTRIES = 200_000
"""A ledger larger than this is verified when somebody asks, not whenever somebody looks."""
_KEY = "ledger"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the visitor looks for."""

    event: str
    actor: str
    subject: str
    request: str

    @property
    def filters(self) -> dict[str, Any]:
        """Those that were given."""
        named = {"event": self.event, "actor": self.actor, "subject": self.subject, "request": self.request}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in the table; without `logged` it cannot be read any more. `is_faulty`: the verification names it."""

    index: int
    logged: LoggedEntry | None
    is_faulty: bool


class LedgerPages:
    """The ledger's page, and the button that verifies it."""

    def __init__(self) -> None:
        self._verified: Recent[Verification] = Recent()

    async def show(self, visit: Visit) -> Response:
        """Entries, newest first, under the latest verification."""
        return visit.page("ledger.html", section="ledger", **await run_in_threadpool(self._read, visit))

    async def verify(self, visit: Visit) -> Response:
        """Verify a ledger that is too large to verify unasked, and show it. The answer is the page itself: a redirect may lead to
        another worker, who does not know what this one found.
        """
        await visit.form()
        await run_in_threadpool(self._verify, visit)
        return await self.show(visit)

    def _verify(self, visit: Visit) -> Seen[Verification]:
        return self._verified.get(_KEY, lambda: visit.platform.auditing.verify(by=visit.by))

    def _read(self, visit: Visit) -> dict[str, Any]:
        visit.by.require(Permission.AUDIT_READ)
        chosen = Chosen(*(visit.asked(name) for name in ("event", "actor", "subject", "request")))
        head, size = _head(visit)
        verified = self._verify(visit) if size <= UNASKED_LIMIT_ENTRIES else self._verified.last(_KEY)
        top = max(size, verified.value.size if verified else 0)
        before = visit.asked("before", limit=15)
        until = int(before) if before.isdecimal() else top
        lines, fault = _lines(visit, chosen, until=until, faulty=_named(verified))
        return {
            "chosen": chosen,
            "verified": verified,
            "checkpoint": head,
            "lines": lines,
            "fault": fault,
            "is_newest": until >= top,
            "older": _older(chosen, lines),
        }


def _head(visit: Visit) -> tuple[str, int]:
    """The checkpoint's text and how many entries it signs. One that is broken is no reason not to look."""
    try:
        checkpoint = visit.platform.auditing.checkpoint(by=visit.by)
    except ModelwardError as error:
        return str(error), 0
    return checkpoint.text, checkpoint.size


def _named(verified: Seen[Verification] | None) -> set[int]:
    return {fault.index for fault in verified.value.faults if fault.index is not None} if verified else set()


def _lines(visit: Visit, chosen: Chosen, *, until: int, faulty: set[int]) -> tuple[list[Line], str]:
    """The entries, and where those that match cannot be read, why."""
    log, by = visit.platform.auditing.log, visit.by
    try:
        found = log(**chosen.filters, until=until, limit=SHOWN, by=by)
    except ModelwardError as error:
        if chosen.filters:
            return [], str(error)
        return [_line(visit, index, faulty) for index in range(until - 1, max(-1, until - 1 - SHOWN), -1)], ""
    return [Line(logged.index, logged, logged.index in faulty) for logged in found], ""


def _line(visit: Visit, index: int, faulty: set[int]) -> Line:
    """One entry by itself, where one of its neighbours cannot be read."""
    try:
        found = visit.platform.auditing.log(since=index, until=index + 1, limit=1, by=visit.by)
    except ModelwardError:
        return Line(index, None, is_faulty=True)
    return Line(index, found[0] if found else None, index in faulty or not found)


def _older(chosen: Chosen, lines: list[Line]) -> str:
    """The query that shows what came before; empty where nothing did."""
    if len(lines) < SHOWN or lines[-1].index == 0:
        return ""
    return urlencode({"before": lines[-1].index, **chosen.filters})
