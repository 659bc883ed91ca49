# SPDX-License-Identifier: Apache-2.0
"""What the log says of requests that failed: one rule for every door.

That there is too much to do is counted, and not written down for each who is turned away. No other fault writes a line for each who
meets it either: load, or a stranger, could fill the log, and the disk under it, which may be the very one that is full.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from modelward.errors import cause_of, place_of
from modelward.serving import OverloadedError, ShuttingDownError, TooSlowError

_LOG = logging.getLogger("modelward.requests")
_COUNTED = (OverloadedError, ShuttingDownError, TooSlowError)
_EVERY_SECONDS = 1.0


class _Kind(NamedTuple):
    """Faults of which one line tells: those that somebody meant are told by their names, and by what they came of."""

    status: int
    fault: str
    place: str
    cause: str


class FailureLog:
    """Logs the first fault of a kind at once, and as long as others of that kind come, once a second how many they were. It belongs
    to the event loop.
    """

    def __init__(self, *, every_seconds: float = _EVERY_SECONDS) -> None:
        self._every_seconds = every_seconds
        self._left_out: dict[_Kind, int] = {}

    def note(self, fault: BaseException | None, *, request: str, route: str, status: int) -> None:
        """A request was answered with that status because of that fault. `route` is a template, never a path as it was sent."""
        if status < 500 or isinstance(fault, _COUNTED):
            return
        place = place_of(fault) if status == 500 else ""
        kind = _Kind(status, type(fault).__name__ if fault else "", place, cause_of(fault))
        if kind in self._left_out:
            self._left_out[kind] += 1
            return
        said = {"request": request, "route": route, "status": status}
        _LOG.log(_level(status), "request failed", exc_info=fault, extra=said)
        self._look_again(kind)

    def _look_again(self, kind: _Kind) -> None:
        self._left_out[kind] = 0
        asyncio.get_running_loop().call_later(self._every_seconds, self._tell, kind)

    def _tell(self, kind: _Kind) -> None:
        if left_out := self._left_out.pop(kind):
            _LOG.log(_level(kind.status), "more requests failed", extra={**kind._asdict(), "left_out": left_out})
            self._look_again(kind)


def _level(status: int) -> int:
    return logging.ERROR if status == 500 else logging.WARNING
