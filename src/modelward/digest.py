# SPDX-License-Identifier: Apache-2.0
"""Digests and the one canonical form of JSON they are taken over."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, BinaryIO

import msgspec
import rfc8785

_CHUNK_BYTES = 1 << 20


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256 of `data`, 64 characters."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_stream(stream: BinaryIO) -> str:
    """Lower-case hexadecimal SHA-256 of all that is left in `stream`, read in bounded memory."""
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def keyed_digest(key: bytes, data: bytes) -> str:
    """HMAC-SHA-256 in hexadecimal: a digest that nobody without `key` can confirm a guess against."""
    # `hmac.digest` gives up the interpreter lock even for a few bytes, and a busy server waits to get it back.
    return hmac.new(key, data, "sha256").hexdigest()


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of `value` (JSON types, dataclasses or msgspec structs), so that equal values have equal digests.

    Raises:
        ValueError: a number is not finite, or an integer lies beyond 2**53.
    """
    return rfc8785.dumps(msgspec.to_builtins(value))
