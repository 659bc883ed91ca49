# SPDX-License-Identifier: Apache-2.0
"""Object stores keep bytes under their own digest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol

from modelward.errors import InvalidError, NotFoundError, RefusedError

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class InvalidDigestError(InvalidError):
    """What should name an object is no SHA-256."""


class ObjectMissingError(NotFoundError):
    """No object of that digest is on the shelf."""


class ObjectChangedError(RefusedError):
    """An object's bytes are not those its digest names."""


class ObjectStore(Protocol):
    """Keeps bytes under their SHA-256: they come out unchanged, or not at all.

    An object MUST NOT be visible before all its bytes are durable. Putting the same bytes twice MUST leave one object, as young as
    the second put. Every verb that takes a digest MUST refuse what is none with `InvalidDigestError`, see `check_digest`.
    """

    def put(self, source: BinaryIO) -> str:
        """Store all of `source` and return the hexadecimal SHA-256 of its bytes.

        Raises:
            NoSpaceError: there was no room; nothing is left behind.
        """
        ...

    def open(self, digest: str) -> BinaryIO:
        """A stream of the object's bytes, checked to be those that `digest` names.

        Raises:
            ObjectMissingError: there is none. ObjectChangedError: its bytes are others.
        """
        ...

    def holds(self, digest: str) -> bool:
        """Whether an object of that digest is there; its bytes are not read."""
        ...

    def delete(self, digest: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...

    def digests(self, *, idle_seconds: float = 0.0) -> Iterator[str]:
        """The digest of every object that was last put at least `idle_seconds` ago, in no particular order."""
        ...

    def remove_fragments(self, *, idle_seconds: float) -> int:
        """Remove what puts that were cut off left behind, untouched for `idle_seconds`; how many there were. No object is one."""
        ...


def is_digest(text: str) -> bool:
    """Whether `text` is a SHA-256 as we write it: 64 lower-case hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def check_digest(text: str) -> str:
    """`text`, where it is a digest; nothing else may become part of a path or a key.

    Raises:
        InvalidDigestError: it is none.
    """
    if not is_digest(text):
        raise InvalidDigestError(f"{text[:80]!r} names no object: a digest is 64 digits out of 0-9 and a-f.")
    return text
