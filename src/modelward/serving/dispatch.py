# SPDX-License-Identifier: Apache-2.0
"""The way off the event loop and back: work is done in a few threads, and results come back to the loop in bunches.

Waking an event loop from another thread costs more than a small answer, so whatever is ready when it wakes is handed out at
once, and no request has a task, a timer or an executor's future of its own here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeAlias

from modelward.serving.answer import ShuttingDownError

_END_SECONDS = 5.0


class Homeward:
    """Carries results to one event loop; one wake-up for all that are ready."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ready: deque[tuple[asyncio.Future[Any], Any]] = deque()
        self._is_called = False

    def send(self, settled: Iterable[tuple[asyncio.Future[Any], Any]]) -> None:
        """Settle each future with its result, or its exception, when the loop comes to it. Safe from any thread."""
        self._ready.extend(settled)
        # Set before the call and cleared before handing out: at worst the loop is woken once too often, never too seldom.
        if not self._is_called:
            self._is_called = True
            try:
                self.loop.call_soon_threadsafe(self._hand_out)
            except RuntimeError:
                # The loop is closed; nobody waits any more.
                self._ready.clear()

    def _hand_out(self) -> None:
        self._is_called = False
        while self._ready:
            waiting, result = self._ready.popleft()
            # A caller who left is told nothing, and must not keep the others from being told.
            if waiting.done():
                continue
            if isinstance(result, BaseException):
                waiting.set_exception(result)
            else:
                waiting.set_result(result)


Work: TypeAlias = Callable[[asyncio.Future[Any]], None]


class Dispatch:
    """Threads that do what they are handed, in order."""

    def __init__(self, homeward: Homeward, *, threads: int, name: str) -> None:
        self._homeward = homeward
        self._is_closed = False
        self._work: SimpleQueue[tuple[Work, asyncio.Future[Any]] | None] = SimpleQueue()
        self._threads = [Thread(target=self._toil, name=f"{name}-{number}", daemon=True) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def do(self, work: Work) -> asyncio.Future[Any]:
        """Have a thread call `work` with the future that is returned. What `work` raises settles it; what `work` finds is sent
        home by `work` itself, then or later. Cancelling the future drops work not yet begun.
        """
        waiting = self._homeward.loop.create_future()
        self._work.put((work, waiting))
        return waiting

    def close(self) -> None:
        """Take no more work: what was begun is finished, what was not is refused, and the threads end."""
        self._is_closed = True
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(_END_SECONDS)

    def _toil(self) -> None:
        while (job := self._work.get()) is not None:
            work, waiting = job
            try:
                if waiting.done():
                    continue
                if self._is_closed:
                    raise ShuttingDownError("The service is shutting down and began no more answers. Ask again later.")
                work(waiting)
            except Exception as fault:  # noqa: BLE001 (whoever waits is told)
                self._homeward.send([(waiting, fault)])
            # A thread that waits for work must not hold on to what it did last.
            del job, work, waiting
