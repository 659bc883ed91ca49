# SPDX-License-Identifier: Apache-2.0
"""The vault: sealed objects. What the shelves of data and of models put their bytes into."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from modelward.storage.encryption import seal, unseal
from modelward.storage.keyring import Keyring
from modelward.storage.objects import ObjectStore

_SPOOL_BYTES = 64 << 20


class Vault:
    """Puts plaintext in, keeps ciphertext under the ciphertext's digest, gives plaintext out to who knows digest and label."""

    def __init__(self, store: ObjectStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def put(self, source: BinaryIO, *, label: str) -> str:
        """Seal `source` under `label`; the digest of the ciphertext, by which it is opened again."""
        # Only ciphertext spills to disk when the spool outgrows memory.
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as sealed:
            seal(source, sealed, label=label, keyring=self._keyring)  # type: ignore[arg-type]  # a spooled file is a binary stream
            sealed.seek(0)
            return self._store.put(sealed)  # type: ignore[arg-type]  # a spooled file is a binary stream

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

    def digests(self) -> Iterator[str]:
        """Every sealed object, named by a row or not."""
        return self._store.digests()
