# SPDX-License-Identifier: Apache-2.0
"""Jobs in threads of this process: the numeric libraries they call release the interpreter's lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Generic, Self, TypeVar

from threadpoolctl import threadpool_limits

from modelward.compute.executor import ExecutorClosedError
from modelward.compute.job import Job, JobCancelledError, silent

T = TypeVar("T")
_STEP_SECONDS = 0.2


class _Line:
    """A job's report: carries progress out and the wish to stop in."""

    def __init__(self, name: str, heard: Callable[[float, str], None]) -> None:
        self._name = name
        self._heard = heard
        self._stop = threading.Event()

    def __call__(self, share: float, word: str = "") -> None:
        if self.is_cancelled:
            raise _stopped(self._name)
        self._heard(min(max(share, 0.0), 1.0), word)

    @property
    def is_cancelled(self) -> bool:
        return self._stop.is_set()

    def cancel(self) -> None:
        self._stop.set()


class _ThreadTicket(Generic[T]):
    def __init__(self, name: str, future: Future[T], line: _Line) -> None:
        self._name = name
        self._future = future
        self._line = line

    @property
    def name(self) -> str:
        return self._name

    @property
    def is_done(self) -> bool:
        return self._future.done()

    def result(self) -> T:
        # In short steps, for a library may handle Ctrl-C so that it does not end a wait (polars does).
        while not self._future.done():
            wait([self._future], timeout=_STEP_SECONDS)
        try:
            return self._future.result()
        except CancelledError as never_started:
            raise _stopped(self._name) from never_started

    def cancel(self) -> None:
        self._line.cancel()
        self._future.cancel()


class InProcess:
    """`workers` threads. A job that is being stopped ends at its next report, not in the middle of a library's call."""

    def __init__(self, *, workers: int) -> None:
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="job")
        self._lock = threading.Lock()
        self._lines: list[_Line] = []
        self._is_closed = False

    def submit(self, job: Job[T], *, heard: Callable[[float, str], None] = silent) -> _ThreadTicket[T]:
        line = _Line(job.name, heard)
        with self._lock:
            if self._is_closed:
                raise ExecutorClosedError(f"The job {job.name!r} came after its executor was closed. Submit it to a new one.")
            # Known before its thread starts: Ctrl-C may come while the job is handed in, and must reach it all the same.
            self._lines.append(line)
            return _ThreadTicket(job.name, self._threads.submit(_run, job, line), line)

    def close(self) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        for line in self._lines:
            line.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _run(job: Job[T], line: _Line) -> T:
    if line.is_cancelled:
        raise _stopped(job.name)
    # The limit is not lifted afterwards: OpenMP keeps one for each thread, linear algebra one for the whole process, in which
    # other jobs may still run.
    threadpool_limits(limits=1)
    return job.call(line)


def _stopped(name: str) -> JobCancelledError:
    return JobCancelledError(f"The job {name!r} was stopped before it had a result.")
