# SPDX-License-Identifier: Apache-2.0
"""The vault: sealed objects. What the shelves of data and of models put their bytes into."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from modelward.errors import ConflictError
from modelward.storage.database import Connection, Database
from modelward.storage.encryption import seal, unseal
from modelward.storage.keyring import Keyring
from modelward.storage.objects import ObjectStore
from modelward.storage.pieces import as_stream

_ATTEMPTS = 100
_Made = TypeVar("_Made")
Naming = Callable[[Connection], Collection[str]]
"""The digest of every sealed object that some rows name."""


class OvertakenError(ConflictError):
    """Somebody was faster, or swept away what was sealed, before the rows that name it were written; made again it may work."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: sealed objects that no row names, and fragments of objects that were never whole."""

    objects: int
    fragments: int


class Vault:
    """Puts plaintext in, keeps ciphertext under the ciphertext's digest, gives plaintext out to who knows digest and label."""

    def __init__(self, store: ObjectStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def put(self, source: BinaryIO, *, label: str) -> str:
        """Seal `source` under `label`; the digest of the ciphertext, by which it is opened again."""
        # Sealed while the store reads: neither plaintext nor ciphertext lies anywhere on the way.
        return self._store.put(as_stream(seal(source, label=label, keyring=self._keyring)))

    @contextmanager
    def sealing(
        self, pieces: Iterable[tuple[str, bytes]], *, database: Database, named: Naming
    ) -> Iterator[tuple[Connection, dict[str, str]]]:
        """Seal `pieces`, each with its label, for the body that writes the rows which name them: a change of `database`, and the
        digests. The pieces are taken one after the other, so that they need not be in memory at once.

        Where anything fails, what is not `named` is discarded again.

        Raises:
            OvertakenError: a sweep took one for an orphan before the change began. See `until_written`.
        """
        sealed: dict[str, str] = {}
        try:
            for label, piece in pieces:
                sealed[label] = self.put(io.BytesIO(piece), label=label)
            with database.change() as connection:
                # A sweep is a change too, so that what is here now stays until the rows are written.
                if not all(map(self.holds, sealed.values())):
                    raise OvertakenError("What was sealed was swept away before it was recorded. Nothing was written. Try again.")
                yield connection, sealed
        except BaseException:
            # An interrupt may come after the rows were committed: only they say whether an object is in use.
            with database.look() as connection:
                kept = named(connection)
            for digest in sealed.values():
                if digest not in kept:
                    self.discard(digest)
            raise

    def sweep(self, database: Database, *, named: Naming, idle_seconds: float) -> Swept:
        """Remove sealed objects that are not `named`, and fragments of objects, such as a power cut leaves behind.

        What was put less than `idle_seconds` ago stays: somebody may be about to write the row that names it.
        """
        # Looking at the files takes its time, and while a change lasts nobody else can write.
        idle = list(self.digests(idle_seconds=idle_seconds))
        with database.change() as connection:
            kept = named(connection)
            orphans = [digest for digest in idle if digest not in kept]
            for digest in orphans:
                self.discard(digest)
        return Swept(len(orphans), self._store.remove_fragments(idle_seconds=idle_seconds))

    def open(self, digest: str, *, label: str) -> Iterator[bytes]:
        """The plaintext in chunks; exhaust it before acting on it, see `unseal`."""
        with self._store.open(digest) as sealed:
            yield from unseal(sealed, label=label, keyring=self._keyring)

    def read(self, digest: str, *, label: str) -> bytes:
        """The whole plaintext, authentic and complete, or an error."""
        return b"".join(self.open(digest, label=label))

    def holds(self, digest: str) -> bool:
        """Whether the sealed object is on the shelf."""
        return self._store.holds(digest)

    def discard(self, digest: str) -> None:
        """Remove a sealed object that no row speaks of."""
        self._store.delete(digest)

    def digests(self, *, idle_seconds: float = 0.0) -> Iterator[str]:
        """Every sealed object that was last put at least `idle_seconds` ago, named by a row or not."""
        return self._store.digests(idle_seconds=idle_seconds)


def until_written(make: Callable[[], _Made]) -> _Made:
    """What `make` returns. Where it is overtaken, it begins again.

    Raises:
        OvertakenError: it was, a hundred times.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(OvertakenError):
            return make()
    return make()
