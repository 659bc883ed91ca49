# SPDX-License-Identifier: Apache-2.0
"""Digests and the one canonical form of JSON they are taken over."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, BinaryIO

import msgspec
import rfc8785

_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 64
INNER = bytes(value ^ 0x36 for value in range(256))
OUTER = bytes(value ^ 0x5C for value in range(256))


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256 of `data`, 64 characters."""
    return sha256(data).hexdigest()


def sha256_of_stream(stream: BinaryIO) -> str:
    """Lower-case hexadecimal SHA-256 of all that is left in `stream`, read in bounded memory."""
    digest = sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


class KeyedDigest:
    """HMAC-SHA-256 (RFC 2104) under one key: digests that nobody without the key can confirm a guess against."""

    # By hand, because `hmac.new` takes twice as long and `hmac.digest` gives up the interpreter lock even for a few bytes, which
    # a busy server waits to get back.
    __slots__ = ("inner", "outer")

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= _BLOCK_BYTES else sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
        self.inner = block.translate(INNER)
        self.outer = block.translate(OUTER)

    def raw(self, data: bytes) -> bytes:
        """The 32 bytes of the digest of `data`."""
        return sha256(self.outer + sha256(self.inner + data).digest()).digest()

    def hexadecimal(self, data: bytes) -> str:
        """The digest of `data` in lower-case hexadecimal, 64 characters."""
        return sha256(self.outer + sha256(self.inner + data).digest()).hexdigest()


def keyed_digest(key: bytes, data: bytes) -> str:
    """`KeyedDigest` of one text, in hexadecimal."""
    return KeyedDigest(key).hexadecimal(data)


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of `value` (JSON types, dataclasses or msgspec structs), so that equal values have equal digests.

    Raises:
        ValueError: a number is not finite, or an integer lies beyond 2**53.
    """
    return rfc8785.dumps(msgspec.to_builtins(value))
