# SPDX-License-Identifier: Apache-2.0
"""Object stores keep bytes under their own digest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from modelward.errors import NotFoundError, RefusedError, UnavailableError


class ObjectMissingError(NotFoundError):
    """No object of that digest is on the shelf."""


class ObjectChangedError(RefusedError):
    """An object's bytes are not those its digest names."""


class NoSpaceError(UnavailableError):
    """The place where objects lie is full; nothing was left behind."""


class ObjectStore(Protocol):
    """Keeps bytes under their SHA-256: they come out unchanged, or not at all.

    An object MUST NOT be visible before all its bytes are durable. Putting the same bytes twice MUST leave one object.
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

    def digests(self) -> Iterator[str]:
        """The digest of every object, in no particular order."""
        ...
