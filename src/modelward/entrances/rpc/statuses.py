# SPDX-License-Identifier: Apache-2.0
"""What a failure looks like to a client of gRPC: one table from kinds to status codes."""

from __future__ import annotations

from modelward.entrances.faults import by_kind
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
from modelward.serving import OverloadedError, TooSlowError

STATUS: dict[type[ModelwardError], str] = {
    InvalidError: "INVALID_ARGUMENT",
    TooLargeError: "RESOURCE_EXHAUSTED",
    UnauthenticatedError: "UNAUTHENTICATED",
    RefusedError: "PERMISSION_DENIED",
    NotFoundError: "NOT_FOUND",
    ConflictError: "FAILED_PRECONDITION",
    OverloadedError: "RESOURCE_EXHAUSTED",
    TooSlowError: "DEADLINE_EXCEEDED",
    UnavailableError: "UNAVAILABLE",
    LimitedError: "RESOURCE_EXHAUSTED",
    PrerequisiteError: "UNAVAILABLE",
    ModelwardError: "INTERNAL",
}


def status_name(error: BaseException) -> str:
    """The name of the status of the nearest kind an error is of; INTERNAL for a fault nobody meant."""
    return by_kind(error, STATUS)
