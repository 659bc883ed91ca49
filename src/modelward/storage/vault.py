# SPDX-License-Identifier: Apache-2.0
"""The vault: sealed objects. What the shelves of data and of models put their bytes into."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from modelward.storage.encryption import seal, unseal
from modelward.storage.keyring import Keyring
from modelward.storage.objects import ObjectStore

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Vault:
    """Puts plaintext in, keeps ciphertext under the ciphertext's digest, gives plaintext out to who knows digest and label."""

    def __init__(self, store: ObjectStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def put(self, source: BinaryIO, *, label: str) -> str:
        """Seal `source` under `label`; the digest of the ciphertext, by which it is opened again."""
        # Sealed while the store reads: neither plaintext nor ciphertext lies anywhere on the way.
        return self._store.put(io.BufferedReader(_Pieces(seal(source, label=label, keyring=self._keyring))))

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

    def remove_fragments(self, *, idle_seconds: float) -> int:
        """Remove what puts that were cut off left behind, untouched for `idle_seconds`; how many there were."""
        return self._store.remove_fragments(idle_seconds=idle_seconds)


class _Pieces(io.RawIOBase):
    """An iterator of bytes, read as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        room = memoryview(buffer).cast("B")
        size = min(len(room), len(self._rest))
        room[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
