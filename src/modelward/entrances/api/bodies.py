# SPDX-License-Identifier: Apache-2.0
"""Reading bodies within limits: the size before anything is parsed, the nesting before anything is decoded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
from starlette.types import Receive, Scope

from modelward.entrances.api.problems import HttpError
from modelward.errors import InvalidError, TooLargeError
from modelward.registry import json_hint

_LINGER_SECONDS = 5.0
_LENGTH_DIGITS = 15
_STRUCTURE = b'[]{}"'
_ELSE = bytes(set(range(256)) - set(_STRUCTURE))
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_TEXT = re.compile(rb'"[^"]*"')
_QUOTED = re.compile(r"(Invalid enum value|Invalid value) '[^']*'")


class BodyTooLargeError(TooLargeError):
    """The body passes the limit of its route."""


class MalformedBodyError(InvalidError):
    """The body is not what the route reads."""


class EncodedBodyError(HttpError):
    """The body is compressed, or encoded in another way that is not read here."""

    status = 415


class CallerLeftError(HttpError):
    """The caller closed the connection before the body was complete. Nobody is told; it is counted under this status."""

    status = 499


async def read_body(scope: Scope, receive: Receive, *, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        BodyTooLargeError: its declared or its real length passes the limit; no more than the limit was read. EncodedBodyError:
        it is compressed. CallerLeftError: it never became complete.
    """
    check_body_head(dict(scope["headers"]), limit_bytes=limit_bytes)
    parts: list[bytes] = []
    size, is_complete = 0, False
    while not is_complete:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeftError("The connection was closed before the body was complete.")
        part = message.get("body", b"")
        size += len(part)
        if size > limit_bytes:
            raise too_large(limit_bytes)
        parts.append(part)
        is_complete = not message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def has_body(scope: Scope) -> bool:
    """Whether the head of a request announces a body."""
    return any((name == b"content-length" and value != b"0") or name == b"transfer-encoding" for name, value in scope["headers"])


async def discard_body(receive: Receive) -> None:
    """Take what is left of a body and forget it, for a few seconds at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass


def check_depth(body: bytes, *, limit: int) -> None:
    """Refuse a JSON body nested deeper than `limit`, without building anything from it.

    What is balanced and at most `limit` deep vanishes when its innermost pairs are taken out `limit` times.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    # Escapes go first, so that each quotation mark left begins or ends a text.
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    shape = _TEXT.sub(b"", unescaped.translate(None, _ELSE)).translate(_AS_SQUARE)
    for _ in range(limit):
        shape = shape.replace(b"[]", b"")
        if not shape:
            return
    # Brackets that never meet are for the parser to refuse, as long as they are few enough for it.
    if b"[]" in shape or shape.count(b"[") > limit:
        raise MalformedBodyError(
            f"The JSON body is nested deeper than {limit} levels (setting MODELWARD_JSON_DEPTH_LIMIT). Send it flatter."
        )


def decode(body: bytes, kind: Any, *, depth_limit: int) -> Any:
    """`body` as JSON of the given type; one that has an `example` shows it to whoever missed it.

    Raises:
        MalformedBodyError: it is not JSON, too deep, or of another shape; the message names the place, never the content.
    """
    check_depth(body, limit=depth_limit)
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError as wrong:
        example = f" Write {kind.example}." if hasattr(kind, "example") else ""
        raise MalformedBodyError(f"The JSON body has another shape than this route reads: {told(wrong)}.{example}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise MalformedBodyError(f"The body is not valid JSON: {told(wrong)}. {json_hint(body)}".rstrip()) from None


def told(wrong: Exception) -> str:
    """A decoder's message without any value that it quotes."""
    if isinstance(wrong, UnicodeDecodeError):
        return f"byte {wrong.start} is not UTF-8"
    return _QUOTED.sub(r"\1", str(wrong))


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def check_body_head(heading: Mapping[bytes, bytes], *, limit_bytes: int) -> int | None:
    """How long a body is by its head, before any of it is read; None where the head does not tell.

    Raises:
        BodyTooLargeError: its declared length passes the limit. EncodedBodyError: it is compressed.
    """
    length = heading.get(b"content-length")
    if length is not None and (len(length) > _LENGTH_DIGITS or not length.isdigit() or int(length) > limit_bytes):
        raise too_large(limit_bytes)
    encoding = heading.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        raise EncodedBodyError("The body has a Content-Encoding, and bodies are read as they are. Send it without.")
    return None if length is None else int(length)


def too_large(limit_bytes: int) -> BodyTooLargeError:
    """The error of a body that passes the limit."""
    return BodyTooLargeError(
        f"The body is larger than {limit_bytes} bytes, the limit of this route. Send fewer rows at once, or ask the operator "
        "to raise MODELWARD_BODY_LIMIT_BYTES."
    )
