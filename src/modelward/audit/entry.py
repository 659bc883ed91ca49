# SPDX-License-Identifier: Apache-2.0
"""Entries: who did what to what, when, in answer to which request.

The bytes of an entry are one JSON object. They hold digests, names and counts, never a payload. Each holds the leaf hash of
the entry before, so that an entry rewritten together with its own hash is named by its successor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from modelward.audit.event import Event
from modelward.errors import InvalidError, RefusedError

ENTRY_LIMIT_BYTES = 64 << 10


class UnrecordableError(InvalidError):
    """The facts of an entry are not JSON, or there are too many of them."""


class EntryUnreadableError(RefusedError):
    """The bytes of an entry are not what any ledger wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `previous` is the hexadecimal leaf hash of the entry before, empty in the first.

    `key` is the SHA-256 of the key of this request's commitments; it is empty where the entry belongs to no request.
    """

    index: int
    at: datetime
    event: str
    actor: str
    subject: str
    request: str
    facts: dict[str, Any]
    key: str
    previous: str


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry where it stands: its index and its leaf hash in hexadecimal."""

    index: int
    leaf: str
    entry: Entry


class _Body(msgspec.Struct):
    event: str
    actor: str
    subject: str
    request: str
    facts: Mapping[str, Any]


class Draft:
    """What is to be recorded, before it has a place. Made by the caller, so that what cannot be recorded fails there.

    `key` is what the entry will hold as its own, where a form derived it already; otherwise the ledger does.

    Raises:
        UnrecordableError: a fact is not JSON, or the entry would pass 64 KiB.
    """

    __slots__ = ("actor", "body", "event", "key", "request", "subject")

    def __init__(
        self,
        event: Event,
        *,
        actor: str,
        subject: str,
        facts: Mapping[str, Any] | None = None,
        request: str = "",
    ) -> None:
        self.event = event.name
        self.actor = actor
        self.subject = subject
        self.request = request
        self.key = ""
        try:
            self.body = _encode(_Body(event.name, actor, subject, request, facts or {}))[1:-1]
        except (TypeError, ValueError, RecursionError) as wrong:
            raise UnrecordableError(f"The facts of {event.name!r} are not JSON: {wrong}. Nothing was recorded.") from wrong
        if len(self.body) > ENTRY_LIMIT_BYTES:
            raise UnrecordableError(
                f"The entry {event.name!r} takes {len(self.body)} bytes, the limit is {ENTRY_LIMIT_BYTES}. Nothing was recorded. "
                "Shorten the texts or lists that it tells: purposes, reasons, names of columns."
            )


def entry_bytes(index: int, body: bytes, *, at: bytes, key: str, previous: str) -> bytes:
    """The bytes of the entry at `index`: a draft's body in its place. `at` is `timestamp()`."""
    return b'{"index":%d,"at":%b,%b,"key":"%b","previous":"%b"}' % (index, at, body, key.encode(), previous.encode())


def timestamp() -> bytes:
    """Now, as a JSON string."""
    return _encode(datetime.now(UTC))


def read_entry(data: bytes) -> Entry:
    """The entry that `data` spells.

    Raises:
        EntryUnreadableError: it is no entry.
    """
    try:
        return _decode(data)
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as wrong:
        raise EntryUnreadableError(
            "An entry of the ledger cannot be read; it is not as it was written. Run `modelward audit verify`."
        ) from wrong


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode
