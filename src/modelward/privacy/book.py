# SPDX-License-Identifier: Apache-2.0
"""The book of pseudonyms of one caller or one dataset: which value each stands for, and the key they are made with.

It is as secret as the values. Whoever keeps it seals its bytes in the vault, and destroys that key to make the pseudonyms nobody's
for good.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from modelward.digest import KeyedDigest
from modelward.errors import ConflictError, RefusedError
from modelward.privacy.forms import form_of

_KEY_BYTES = 32
_ATTEMPTS = 256


class BookFullError(ConflictError):
    """There are no more pseudonyms of a form than were given out."""


class BookUnreadableError(RefusedError):
    """What should be a book of pseudonyms is none."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a pseudonym stands for: a value of that `kind`, as it was `written` where it was met first."""

    kind: str
    value: str
    written: str


class _Line(msgspec.Struct, frozen=True, array_like=True):
    # Bytes, for a text may hold lone surrogates, which UTF-8 does not have.
    kind: bytes
    value: bytes
    written: bytes
    pseudonym: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    key: bytes
    lines: list[_Line]


class Book:
    """Gives one pseudonym to each value, and none to two. `repr` shows no value."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(_KEY_BYTES)
        self._digest = KeyedDigest(self._key)
        self._given: dict[tuple[str, str], str] = {}
        self._meant: dict[str, Meaning] = {}

    def __repr__(self) -> str:
        return f"Book({len(self)} pseudonyms)"

    def __len__(self) -> int:
        return len(self._meant)

    def __iter__(self) -> Iterator[str]:
        return iter(self._meant)

    def digest(self, text: str) -> bytes:
        """The keyed digest of `text`, 32 bytes, by the book's own key."""
        return self._digest.raw(text.encode("utf-8", "surrogatepass"))

    def pseudonym(self, kind: str, value: str, *, written: str) -> str:
        """What stands for that value of that kind; the same whenever it is asked for.

        Raises:
            BookFullError: so many values of the kind have one that no other was found.
        """
        if known := self._given.get((kind, value)):
            return known
        form = form_of(kind, written)
        for attempt in range(_ATTEMPTS):
            made = form.make(int.from_bytes(self.digest(f"pseudonym\0{kind}\0{attempt}\0{value}"), "big"))
            # Nor one that is a value itself, which would be told for itself where it stands for another.
            if made not in self._meant and made != written:
                self._given[kind, value] = made
                self._meant[made] = Meaning(kind, value, written)
                return made
        raise BookFullError(
            f"{len(self):,} values have pseudonyms, and no other of the form {kind or 'hidden'!r} was found. Use `hash` for this "
            "column."
        )

    def meaning(self, pseudonym: str) -> Meaning | None:
        """What it stands for; None where it is no pseudonym of this book."""
        return self._meant.get(pseudonym)

    def sealable(self) -> bytes:
        """All of it, as bytes that are to be sealed before they lie anywhere."""
        lines = [_Line(_bytes(each.kind), _bytes(each.value), _bytes(each.written), made) for made, each in self._meant.items()]
        return msgspec.msgpack.encode(_File(1, self._key, lines))

    @classmethod
    def opened(cls, content: bytes) -> Book:
        """The book that gave these bytes.

        Raises:
            BookUnreadableError: none did.
        """
        try:
            file = msgspec.msgpack.decode(content, type=_File)
            if file.version != 1 or len(file.key) != _KEY_BYTES:
                raise ValueError("another version")
            book = cls(file.key)
            for line in file.lines:
                meant = Meaning(_text(line.kind), _text(line.value), _text(line.written))
                book._given[meant.kind, meant.value] = line.pseudonym
                book._meant[line.pseudonym] = meant
        except ValueError:
            # The cause is not chained: it could quote a value.
            raise BookUnreadableError("The book of pseudonyms cannot be read. Restore the home from a backup.") from None
        return book


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
