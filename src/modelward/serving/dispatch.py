# SPDX-License-Identifier: Apache-2.0
"""The way off the event loop and back: work is done in a few threads, and results come back to the loop in bunches.

Waking an event loop from another thread costs more than a small answer, and so does waking a thread. So whatever has gathered
when one of them wakes is done at once; nobody waits for company, and no window of time is waited out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, NamedTuple, TypeVar

from modelward.serving.answer import ShuttingDownError

BUNCH_SECONDS = 0.002
BUNCH_JOBS = 64
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


Task = TypeVar("Task")


class Job(NamedTuple, Generic[Task]):
    """A task, whoever waits for it, and about how long it takes."""

    waiting: asyncio.Future[Any]
    task: Task
    seconds: float


class Dispatch(Generic[Task]):
    """Threads that do what they are handed, in order. What has gathered by the time a thread is free is done together, so that
    cheap tasks share its costs; a thread takes no more at once than about `BUNCH_SECONDS` of work, and leaves the rest to others.
    """

    def __init__(self, homeward: Homeward, do: Callable[[Sequence[Job[Task]]], None], *, threads: int, name: str) -> None:
        self._homeward = homeward
        self._do = do
        self._is_closed = False
        self._work: SimpleQueue[Job[Task] | None] = SimpleQueue()
        self._threads = [Thread(target=self._toil, name=f"{name}-{number}", daemon=True) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def do(self, task: Task, *, seconds: float) -> asyncio.Future[Any]:
        """Have a thread do `task`. What `do` raises settles the future; what it finds it sends home itself, then or later.

        Cancelling the future drops a task not yet begun.
        """
        waiting = self._homeward.loop.create_future()
        self._work.put(Job(waiting, task, seconds))
        return waiting

    def close(self) -> None:
        """Take no more: what was begun is finished, what was not is refused, and the threads end."""
        self._is_closed = True
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(_END_SECONDS)

    def _toil(self) -> None:
        is_open = True
        while is_open:
            bunch, is_open = self._next_bunch()
            try:
                if self._is_closed:
                    raise ShuttingDownError("The service is shutting down and began no more answers. Ask again later.")
                if bunch:
                    self._do(bunch)
            except Exception as fault:  # noqa: BLE001 (whoever waits is told)
                self._homeward.send((job.waiting, fault) for job in bunch)
            # A thread that waits for work must not hold on to what it did last.
            del bunch

    def _next_bunch(self) -> tuple[list[Job[Task]], bool]:
        """Wait for a job, and take along what else is there; whether the thread goes on after it."""
        bunch: list[Job[Task]] = []
        seconds, job = 0.0, self._work.get()
        while job is not None:
            if not job.waiting.done():
                bunch.append(job)
                seconds += job.seconds
            if seconds >= BUNCH_SECONDS or len(bunch) >= BUNCH_JOBS:
                return bunch, True
            try:
                job = self._work.get_nowait()
            except Empty:
                return bunch, True
        return bunch, False
