# SPDX-License-Identifier: Apache-2.0
"""What went wrong, as MLflow's clients know it: `{"error_code", "message"}` with one of MLflow's codes.

MLflow tells in plain text what kind of body it does not read; so do we. It quotes the rows that it could not use; we never do.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from modelward.entrances.api.problems import HttpError, status_of
from modelward.entrances.faults import message_of
from modelward.errors import InvalidError
from modelward.serving import Written

# The nearest of MLflow's codes to each status. It has none for what is too large, or for a method that is not allowed.
_CODES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


class UnreadMediaError(HttpError):
    """The body is of a kind that is not read here."""

    status = 415


class UnknownParamError(InvalidError):
    """`params` says something that no version here takes."""


class MlflowFailure(msgspec.Struct):
    """What went wrong: one of MLflow's codes, and what to do."""

    error_code: str
    message: str


def told_to_mlflow(error: BaseException) -> Written:
    """The body of a failure."""
    status = status_of(error)
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return Written(message_of(error).encode(), "text/plain; charset=utf-8")
    return Written(msgspec.json.encode(MlflowFailure(_code(error, status), message_of(error))))


def _code(error: BaseException, status: int) -> str:
    if isinstance(error, UnknownParamError):
        return "INVALID_PARAMETER_VALUE"
    return _CODES.get(status, "BAD_REQUEST" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "INTERNAL_ERROR")
