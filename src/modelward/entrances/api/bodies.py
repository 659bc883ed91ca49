# SPDX-License-Identifier: Apache-2.0
"""Reading bodies within limits: the size before anything is parsed, the nesting before anything is decoded."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request

from modelward.errors import InvalidError, TooLargeError

# Everything that is not a bracket outside of a string: what is left is the shape of the nesting.
_NOT_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\[\]{}"]+', re.DOTALL)
# Nesting cannot pass this depth in fewer opening brackets, so most bodies need no closer look.
_OPENING = re.compile(rb"[\[{]")


class BodyTooLargeError(TooLargeError):
    """The body passes the limit of its route."""


class MalformedBodyError(InvalidError):
    """The body is not what the route reads."""


async def read_body(request: Request, *, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        BodyTooLargeError: its declared or its real length passes the limit; no more than the limit was read.
    """
    declared = request.headers.get("content-length")
    if declared is not None and (not declared.isdecimal() or int(declared) > limit_bytes):
        raise _too_large(limit_bytes)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def check_depth(body: bytes, *, limit: int) -> None:
    """Refuse a JSON body nested deeper than `limit`, without building anything from it."""
    if len(_OPENING.findall(body)) <= limit:
        return
    depth = 0
    for bracket in _NOT_BRACKETS.sub(b"", body):
        if bracket in b"[{":
            depth += 1
            if depth > limit:
                raise MalformedBodyError(
                    f"The JSON body is nested deeper than {limit} levels (setting MODELWARD_JSON_DEPTH_LIMIT). Send it flatter."
                )
        elif bracket in b"]}":
            depth -= 1


def decode(body: bytes, kind: Any, *, depth_limit: int) -> Any:
    """`body` as JSON of the given type.

    Raises:
        MalformedBodyError: it is not JSON, too deep, or of another shape; the message names the place, never the content.
    """
    check_depth(body, limit=depth_limit)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as wrong:
        raise MalformedBodyError(f"The JSON body has another shape than this route reads: {_placed(wrong)}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise MalformedBodyError(f"The body is not valid JSON: {_placed(wrong)}.") from None


def _placed(wrong: Exception) -> str:
    """The decoder's message without any value that it quotes from the body."""
    return re.sub(r"(Invalid enum value|Invalid value) '[^']*'", r"\1", str(wrong))


def _too_large(limit_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"The body is larger than {limit_bytes} bytes, the limit of this route. Send fewer rows at once, or ask the operator "
        "to raise MODELWARD_BODY_LIMIT_BYTES."
    )
