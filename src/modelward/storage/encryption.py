# SPDX-License-Identifier: Apache-2.0
"""Envelope encryption of streams of any size in bounded memory.

Each sealed stream has its own random AES-256-GCM data key, wrapped (AES key wrap with GCM) by a master key of the keyring. The
plaintext is cut into chunks; a chunk's nonce is a random prefix, its number and a flag that marks the last one, the STREAM
construction (Hoang, Reyhanitabar, Rogaway, Vizar, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance",
2015), so that a chunk that is changed, dropped, repeated, moved or cut off is refused. The label that says what the stream is
(for instance `version income:3 model.onnx`) is associated data of the wrapped key and of every chunk: a sealed file put in
another's place does not open.

Layout: magic (8 bytes), length of the head (4, big endian), head (JSON), then chunks of `chunk_bytes` + 16 bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelward.errors import RefusedError
from modelward.storage.keyring import Keyring

MAGIC = b"MWSEAL1\n"
CHUNK_BYTES = 1 << 20
_CHUNK_LIMIT_BYTES = 1 << 26
_TAG_BYTES = 16
_HEAD_LIMIT_BYTES = 4096


class SealBrokenError(RefusedError):
    """What lies on the shelf is not what was put there, or was put there as something else."""


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    master: str
    wrapped: bytes
    prefix: bytes
    chunk_bytes: int


def seal(source: BinaryIO, *, label: str, keyring: Keyring, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Encrypt all of `source`, bound to `label`: the sealed stream in pieces."""
    if not 1 <= chunk_bytes <= _CHUNK_LIMIT_BYTES:
        raise ValueError(f"chunk_bytes is {chunk_bytes}, and must be 1 to {_CHUNK_LIMIT_BYTES}.")
    key, prefix = AESGCM.generate_key(256), os.urandom(7)
    master, wrapped = keyring.wrap(key, label=label)
    head = msgspec.json.encode(_Head(master, wrapped, prefix, chunk_bytes))
    opening = MAGIC + len(head).to_bytes(4, "big") + head
    yield opening
    cipher = AESGCM(key)
    for number, chunk, is_last in _chunks(source, chunk_bytes):
        yield cipher.encrypt(_nonce(prefix, number, is_last=is_last), chunk, opening + label.encode())


def unseal(source: BinaryIO, *, label: str, keyring: Keyring) -> Iterator[bytes]:
    """Decrypt what `seal` wrote under the same `label`, chunk by chunk. Each chunk is authentic when it is yielded; that the
    stream is complete is known only at the end, so a consumer MUST exhaust the iterator before it acts on what it read.

    Raises:
        SealBrokenError: any byte differs, a chunk is missing, moved or repeated, or the label or the master key is another.
    """
    try:
        opening = _exactly(source, len(MAGIC) + 4)
        size = int.from_bytes(opening[-4:], "big")
        if opening[: len(MAGIC)] != MAGIC or size > _HEAD_LIMIT_BYTES:
            raise ValueError
        raw = _exactly(source, size)
        head = msgspec.json.decode(raw, type=_Head)
        if not 1 <= head.chunk_bytes <= _CHUNK_LIMIT_BYTES:
            raise ValueError
        cipher = AESGCM(keyring.unwrap(head.master, head.wrapped, label=label))
        for number, chunk, is_last in _chunks(source, head.chunk_bytes + _TAG_BYTES):
            yield cipher.decrypt(_nonce(head.prefix, number, is_last=is_last), chunk, opening + raw + label.encode())
    except (InvalidTag, ValueError, msgspec.DecodeError, EOFError) as broken:
        raise SealBrokenError(
            f"The sealed object for {label!r} was changed, cut off, swapped, or sealed with another keyring. It is not opened. "
            "Restore it from a backup, and run `modelward audit verify`."
        ) from broken


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Number, bytes and is-it-the-last of each chunk; an empty stream is one empty chunk."""
    number, chunk = 0, _up_to(source, size)
    while True:
        following = _up_to(source, size)
        yield number, chunk, not following
        if not following:
            return
        number, chunk = number + 1, following


def _nonce(prefix: bytes, number: int, *, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + (b"\x01" if is_last else b"\x00")


def _up_to(source: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end: a raw stream may hand out less than it was asked for."""
    parts: list[bytes] = []
    while size and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = _up_to(source, size)
    if len(data) < size:
        raise EOFError
    return data
