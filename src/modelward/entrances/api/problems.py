# SPDX-License-Identifier: Apache-2.0
"""What a failure looks like to a client: its status, and one writer per protocol.

No answer here ever holds a value that the caller sent; names of features and of fields are quoted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from http import HTTPStatus
from typing import Literal

import msgspec
from starlette.responses import Response

from modelward.entrances.faults import STATUS, by_kind, kind_of, message_of
from modelward.errors import InvalidError

RETRY_AFTER_SECONDS = 1
# Of 499, which is counted and never sent, there is none.
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class HttpError(InvalidError):
    """What is wrong is the HTTP around the request, which has status codes of its own."""

    status = 400


class MethodNotAllowedError(HttpError):
    """The path exists and does not take that method. `allowed` are those that it takes."""

    status = 405

    def __init__(self, message: str, *, allowed: Iterable[str]) -> None:
        super().__init__(message)
        self.allowed = ", ".join(sorted(allowed))


def status_of(error: BaseException) -> int:
    """The status of the nearest kind an error is of; 500 for a fault nobody meant."""
    return error.status if isinstance(error, HttpError) else by_kind(error, STATUS)


def asks(path: str) -> bool:
    """Whether a path belongs to a protocol of inference."""
    return speaks(path) != "problem"


def speaks(path: str) -> Literal["plain", "mlflow", "problem"]:
    """How failures are told at a path: as `{"error": text}`, as MLflow does, or as a problem of RFC 9457."""
    if path.startswith(("/v1/", "/v2/")) or path == "/v2":
        return "plain"
    return "mlflow" if path.startswith(("/models/", "/endpoints/")) else "problem"


def problem(error: BaseException) -> Response:
    """RFC 9457 problem details: the control API's way."""
    status = status_of(error)
    body = {
        "type": "about:blank",
        "title": _PHRASES.get(status, ""),
        "status": status,
        "detail": message_of(error),
        "kind": kind_of(error),
    }
    return Response(msgspec.json.encode(body), status, fault_headers(error), "application/problem+json")


def inference_error(error: BaseException) -> Response:
    """`{"error": "text"}`: the way of the Open Inference Protocol, and of our records route."""
    status = status_of(error)
    return Response(told_plainly(error), status, fault_headers(error), "application/json")


def told_plainly(error: BaseException) -> bytes:
    """The body of `inference_error`."""
    return msgspec.json.encode({"error": message_of(error)})


def fault_headers(error: BaseException) -> dict[str, str]:
    """What the head of a failure says besides: how to say who calls, or when to come back."""
    status = status_of(error)
    if isinstance(error, MethodNotAllowedError):
        return {"allow": error.allowed}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"www-authenticate": "Bearer"}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        seconds = getattr(error, "retry_after_seconds", RETRY_AFTER_SECONDS)
        return {"retry-after": str(max(1, math.ceil(seconds)))}
    return {}
