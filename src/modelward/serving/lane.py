# SPDX-License-Identifier: Apache-2.0
"""A lane: one thread for work that is long, and the line of those who wait for it, which is no longer than they would wait."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from modelward.serving.answer import OverloadedError
from modelward.serving.line import QUANTUM_ROWS, Line
from modelward.serving.pending import Pending

_KEPT = 0.7
_RELIEF = 0.25
T = TypeVar("T")


class _Place:
    """A place in the line, of so many `rows` of work as it has, measured as `Line` does."""

    __slots__ = ("pending", "rows", "then", "work")

    def __init__(self, pending: Pending, rows: int, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self.pending = pending
        self.rows = rows
        self.work = work
        self.then = then

    @property
    def caller(self) -> str:
        return self.pending.caller

    @property
    def priority(self) -> int:
        return self.pending.priority

    @property
    def group(self) -> Hashable:
        return self


class Lane:
    """Works for those in line as `Line` has it: fair between callers, by priority among the questions of one. It lives in the event
    loop's thread. What goes wrong is told by `fail`; nothing is begun, and nothing gone on with, that nobody waits for any more.
    """

    def __init__(self, name: str, *, fail: Callable[[Pending, Exception], None]) -> None:
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._pool: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._line: Line[_Place] = Line()
        self._places: dict[Pending, _Place] = {}
        self._current: _Place | None = None
        self._began = 0.0
        # What a row of work takes, as far as is known.
        self._row_seconds = 0.0
        self._is_warm = False

    def put(self, pending: Pending, work: Callable[[], T], then: Callable[[T], None], *, turns: float) -> None:
        """Do `work`, and then what follows in the loop. Where callers wait each may have one of the `turns` that it takes after
        another. Whose turn would come too late, by what is known, is told so at once.
        """
        place = _Place(pending, max(1, math.ceil(turns * QUANTUM_ROWS)), work, then)
        if self._current is not None and (fault := self._too_busy(place, self._current)) is not None:
            self._fail(pending, fault)
            return
        self._line.add(place)
        self._places[pending] = place
        self._begin()

    def forget(self, pending: Pending) -> None:
        """Nobody waits for it any more."""
        if (place := self._places.pop(pending, None)) is not None:
            self._line.remove(place)

    def close(self) -> None:
        """Begin nothing more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _too_busy(self, place: _Place, current: _Place) -> OverloadedError | None:
        now = time.perf_counter()
        under_way = max(0.0, current.rows * self._row_seconds - (now - self._began))
        needed = under_way + (self._line.rows_before(place) + place.rows) * self._row_seconds
        left = place.pending.deadline - now
        if needed <= left:
            return None
        return OverloadedError(
            f"The answer would take about {needed:.3g} s, for others wait before it, and the caller waits {max(0.0, left):.3g} s "
            "more. Ask again later, or allow more time (x-request-timeout-ms, or the deadline of a call over gRPC).",
            retry_after_seconds=needed,
        )

    def _begin(self) -> None:
        if self._pool is None or self._current is not None or not (taken := self._line.take(1)):
            return
        (place,) = taken
        del self._places[place.pending]
        self._current, self._began = place, time.perf_counter()
        self._loop.run_in_executor(self._pool, place.work).add_done_callback(partial(self._done, place))

    def _learn(self, row_seconds: float) -> None:
        if not self._is_warm:
            # The first loads libraries.
            self._is_warm = True
            return
        known = self._row_seconds
        # What takes far less than expected says that what made others slow is over.
        is_new = not known or row_seconds < _RELIEF * known
        self._row_seconds = row_seconds if is_new else _KEPT * known + (1 - _KEPT) * row_seconds

    def _done(self, place: _Place, future: asyncio.Future[Any]) -> None:
        fault = None if future.cancelled() else future.exception()
        if not future.cancelled() and fault is None:
            self._learn((time.perf_counter() - self._began) / place.rows)
        self._current = None
        self._begin()
        if future.cancelled() or not place.pending.is_wanted:
            return
        try:
            place.then(future.result())
        except Exception as wrong:  # noqa: BLE001  # whoever asked is told
            self._fail(place.pending, wrong)
