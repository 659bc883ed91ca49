# SPDX-License-Identifier: Apache-2.0
"""A job is one piece of work that some other thread or machine does; a ticket is what its owner holds meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from modelward.errors import ConflictError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class JobCancelledError(ConflictError):
    """The job was told to stop before it had a result."""


class Report(Protocol):
    """What a job is handed, to say how far it is and to hear whether it should stop.

    Calling it MUST be cheap and safe from the job's thread; a job SHOULD call it at least once a second.
    """

    def __call__(self, share: float, word: str = "") -> None:
        """Tell how much is done (0 to 1) and with what it is busy.

        Raises:
            JobCancelledError: the owner cancelled; the job lets it pass and ends.
        """
        ...

    @property
    def is_cancelled(self) -> bool:
        """Whether the owner cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """Work with a name. `call` MUST NOT depend on any other job, or on the thread or process in which it runs."""

    name: str
    call: Callable[[Report], T]


class Ticket(Protocol[T_co]):
    """The owner's end of a submitted job."""

    @property
    def name(self) -> str:
        """The job's name."""
        ...

    @property
    def is_done(self) -> bool:
        """Whether `result` answers at once: finished, failed or cancelled."""
        ...

    def result(self) -> T_co:
        """Wait, and return what the job returned, or raise exactly what it raised.

        Raises:
            JobCancelledError: it was cancelled before it had a result.
        """
        ...

    def cancel(self) -> None:
        """Ask the job to stop: it never starts, or ends at its next report. One that is done stays done."""
        ...


def silent(_share: float, _word: str) -> None:
    """Hear a job's progress and say nothing."""
