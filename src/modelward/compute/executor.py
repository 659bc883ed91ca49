# SPDX-License-Identifier: Apache-2.0
"""Executors run jobs, here or elsewhere; nobody who submits one can tell which."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TypeVar

from modelward.compute.job import Job, Ticket, silent
from modelward.errors import UnavailableError

T = TypeVar("T")


class ExecutorClosedError(UnavailableError):
    """The executor was closed and takes no more jobs."""


class Executor(Protocol):
    """Runs at most `workers` jobs at once, in the order of submission.

    Jobs MUST be independent: one that fails, in whatever way, leaves every other as it was. A result MUST go to the ticket of
    its own job. Numeric libraries inside a job MUST use one thread, so that `workers` jobs keep `workers` cores busy and the
    CPU time of a job is that of its thread.
    """

    def __init__(self, *, workers: int) -> None: ...

    def submit(self, job: Job[T], *, heard: Callable[[float, str], None] = silent) -> Ticket[T]:
        """Queue `job`. `heard` is called with each share and word it reports, in any thread, so it MUST be thread-safe.

        Raises:
            ExecutorClosedError: `close` was called.
        """
        ...

    def close(self) -> None:
        """Cancel what has not started, tell the rest to stop, and wait until they have."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        """`close`."""
        ...
