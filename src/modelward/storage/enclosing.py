# SPDX-License-Identifier: Apache-2.0
"""Streams that carry their data key with them, wrapped by a master key: who has the keyring opens them, without any database.

For what leaves the house as a whole, such as a backup. They are of the first layout of `encryption`, as all objects once were.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelward.storage.encryption import CHUNK_BYTES, FIRST_MAGIC, FirstHead, Sealer, opening_of, seal_broken, sealed_chunks
from modelward.storage.keyring import Keyring


def seal(source: BinaryIO, *, label: str, keyring: Keyring, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Encrypt all of `source`, bound to `label`: the sealed stream in pieces."""
    key, prefix = AESGCM.generate_key(256), os.urandom(7)
    master, wrapped = keyring.wrap(key, label=label)
    head = msgspec.json.encode(FirstHead(master, wrapped, prefix, chunk_bytes))
    opening = FIRST_MAGIC + len(head).to_bytes(4, "big") + head
    yield opening
    yield from sealed_chunks(source, AESGCM(key), chunk_bytes, bound=opening + label.encode(), prefix=prefix)


def unseal(source: BinaryIO, *, label: str, keyring: Keyring) -> Iterator[bytes]:
    """Decrypt what `seal` wrote under the same `label`; exhaust it before acting on it, see `Sealer.unseal_after`.

    Raises:
        SealBrokenError: any byte differs, a chunk is missing, moved or repeated, or the label or the master key is another.
        MasterKeyMissingError: the keyring lacks the master key.
    """
    opening = opening_of(source, label=label)
    if not isinstance(opening.head, FirstHead):
        raise seal_broken(label)
    try:
        key = keyring.unwrap(opening.head.master, opening.head.wrapped, label=label)
    except (InvalidTag, ValueError) as broken:
        raise seal_broken(label) from broken
    yield from Sealer(label, key=key).unseal_after(opening, source)
