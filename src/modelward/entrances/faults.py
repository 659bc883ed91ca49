# SPDX-License-Identifier: Apache-2.0
"""What a failure looks like to whoever asked, by whichever door. Each door has a table with every kind of error; which kind an
error counts as is told here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from modelward.errors import (
    ConflictError,
    InvalidError,
    LimitedError,
    ModelwardError,
    NotFoundError,
    PrerequisiteError,
    RefusedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)

T = TypeVar("T")
# Of HTTP, which two doors speak.
STATUS: dict[type[ModelwardError], int] = {
    InvalidError: 400,
    TooLargeError: 413,
    UnauthenticatedError: 401,
    RefusedError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    UnavailableError: 503,
    LimitedError: 429,
    PrerequisiteError: 503,
    ModelwardError: 500,
}


def by_kind(error: BaseException, table: Mapping[type[ModelwardError], T]) -> T:
    """What a table says of the nearest kind an error is of; of a fault nobody meant, what it says of `ModelwardError`."""
    return next((table[kind] for kind in type(error).__mro__ if kind in table), table[ModelwardError])


def kind_of(error: BaseException) -> str:
    """The name of the nearest kind an error is of."""
    return next((kind.__name__ for kind in type(error).__mro__ if kind in STATUS), "fault")


def without_frames(error: BaseException) -> None:
    """Take from an error that is kept the frames that it came through. A frame holds what was received, and those above it, and
    one of them may hold the error before it, so that whoever is refused again and again would fill the memory.
    """
    error.__traceback__ = None
    for before in (error.__cause__, error.__context__):
        if before is not None:
            without_frames(before)


def message_of(error: BaseException) -> str:
    """What may be said over the network: our own messages; of an unexpected fault only that there was one, for its text may hold a
    payload.
    """
    if isinstance(error, ModelwardError):
        return str(error)
    return "An unexpected fault. The server's log names its place, and the x-request-id of who met it first."
