# SPDX-License-Identifier: Apache-2.0
"""Encryption of streams of any size in bounded memory, each under a data key that does not lie in the stream.

A stream names its data key; the key itself is somebody else's business (`data_keys`). From the data key and a random salt comes, by
HKDF-SHA-256, a key that only this stream has, so that one data key may seal many streams. The plaintext is cut into chunks of
AES-256-GCM; a chunk's nonce is its number and a flag that marks the last one, the STREAM construction (Hoang, Reyhanitabar,
Rogaway, Vizar, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015), so that a chunk that is changed,
dropped, repeated, moved or cut off is refused. The label that says what the stream is (for instance `version income:3 model.onnx`)
is bound to the key of the stream and to every chunk: a sealed file put in another's place does not open.

Layout: magic (8 bytes), length of the head (4, big endian), head (JSON), then chunks of `chunk_bytes` + 16 bytes. A stream of the
first layout has its wrapped data key in the head, and a random prefix in its nonces. What has no row to stand beside it, a backup,
is still made so (`enclosing`), and so were all objects once.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_hex
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from modelward.errors import RefusedError

FIRST_MAGIC = b"MWSEAL1\n"
MAGIC = b"MWSEAL2\n"
CHUNK_BYTES = 1 << 20
_CHUNK_LIMIT_BYTES = 1 << 26
_TAG_BYTES = 16
_SALT_BYTES = 32
_HEAD_LIMIT_BYTES = 4096


class SealBrokenError(RefusedError):
    """What lies on the shelf is not what was put there, or was put there as something else."""


class FirstHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head of a stream of the first layout: its data key lies here, wrapped by the master key of that name."""

    master: str
    wrapped: bytes
    prefix: bytes
    chunk_bytes: int


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head of a stream: which data key opens it."""

    key: str
    salt: bytes
    chunk_bytes: int


@dataclass(frozen=True, slots=True)
class Opening:
    """How a stream begins: its head, and the bytes that every chunk is bound to."""

    head: Head | FirstHead
    raw: bytes


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and unseals streams as `label` with one data key. Who holds one needs no keyring, and can open nothing else.

    A process that is trusted with this alone is handed `id`, `key` and `label`.
    """

    label: str
    id: str = field(default_factory=lambda: token_hex(16))
    key: bytes = field(default_factory=lambda: AESGCM.generate_key(256), repr=False)

    def seal(self, source: BinaryIO, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Encrypt all of `source`: the sealed stream in pieces."""
        if not 1 <= chunk_bytes <= _CHUNK_LIMIT_BYTES:
            raise ValueError(f"chunk_bytes is {chunk_bytes}, and must be 1 to {_CHUNK_LIMIT_BYTES}.")
        head = Head(self.id, os.urandom(_SALT_BYTES), chunk_bytes)
        raw = msgspec.json.encode(head)
        opening = MAGIC + len(raw).to_bytes(4, "big") + raw
        yield opening
        yield from sealed_chunks(source, self._cipher(head), chunk_bytes, bound=opening + self.label.encode())

    def unseal(self, source: BinaryIO) -> Iterator[bytes]:
        """Decrypt what `seal` wrote, by this sealer or one like it; see `unsealed`.

        Raises:
            SealBrokenError: any byte differs, a chunk is missing, moved or repeated, or the key or the label is another.
        """
        yield from self.unseal_after(opening_of(source, label=self.label), source)

    def unseal_after(self, opening: Opening, source: BinaryIO) -> Iterator[bytes]:
        """Decrypt the chunks of `source`, of which the opening was read already. Each chunk is authentic when it is yielded; that
        the stream is complete is known only at the end, so a consumer MUST exhaust the iterator before it acts on what it read.

        Raises:
            SealBrokenError: as `unseal`.
        """
        head = opening.head
        if isinstance(head, FirstHead):
            cipher, prefix = AESGCM(self.key), head.prefix
        else:
            cipher, prefix = self._cipher(head), b""
        bound = opening.raw + self.label.encode()
        try:
            if isinstance(head, Head) and head.key != self.id:
                raise ValueError
            for number, chunk, is_last in _chunks(source, head.chunk_bytes + _TAG_BYTES):
                yield cipher.decrypt(_nonce(prefix, number, is_last=is_last), chunk, bound)
        except (InvalidTag, ValueError) as broken:
            raise seal_broken(self.label) from broken

    def _cipher(self, head: Head) -> AESGCM:
        info = f"modelward stream 2 {head.key} {self.label}".encode()
        return AESGCM(HKDF(SHA256(), length=32, salt=head.salt, info=info).derive(self.key))


def opening_of(source: BinaryIO, *, label: str) -> Opening:
    """Read how the stream begins that should be the one called `label`.

    Raises:
        SealBrokenError: it is none of ours, or is cut off.
    """
    try:
        opening = _exactly(source, len(MAGIC) + 4)
        magic, size = opening[: len(MAGIC)], int.from_bytes(opening[-4:], "big")
        if magic not in (MAGIC, FIRST_MAGIC) or size > _HEAD_LIMIT_BYTES:
            raise ValueError
        raw = _exactly(source, size)
        head = msgspec.json.decode(raw, type=Head) if magic == MAGIC else msgspec.json.decode(raw, type=FirstHead)
        if not 1 <= head.chunk_bytes <= _CHUNK_LIMIT_BYTES or (isinstance(head, FirstHead) and len(head.prefix) != 7):
            raise ValueError
    except (ValueError, msgspec.DecodeError, EOFError) as broken:
        raise seal_broken(label) from broken
    return Opening(head, opening + raw)


def sealed_chunks(source: BinaryIO, cipher: AESGCM, chunk_bytes: int, *, bound: bytes, prefix: bytes = b"") -> Iterator[bytes]:
    """The chunks of `source`, encrypted, each bound to the bytes that are `bound`."""
    for number, chunk, is_last in _chunks(source, chunk_bytes):
        yield cipher.encrypt(_nonce(prefix, number, is_last=is_last), chunk, bound)


def seal_broken(label: str) -> SealBrokenError:
    """The error that says that what was sealed as `label` is not what lies there."""
    return SealBrokenError(
        f"The sealed object for {label!r} was changed, cut off, swapped, or sealed with another keyring. It is not opened. "
        "Restore it from a backup, and run `modelward audit verify`."
    )


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes | memoryview, bool]]:
    """Number, bytes and is-it-the-last of each chunk; an empty stream is one empty chunk."""
    if isinstance(source, io.BytesIO):
        # What is in memory already is not copied: that would take half as long again as the encryption.
        rest = memoryview(source.getvalue())[source.tell() :]
        last = max(0, (len(rest) - 1) // size)
        for number in range(last + 1):
            yield number, rest[number * size : (number + 1) * size], number == last
        return
    number, chunk = 0, _up_to(source, size)
    while True:
        following = _up_to(source, size)
        yield number, chunk, not following
        if not following:
            return
        number, chunk = number + 1, following


def _nonce(prefix: bytes, number: int, *, is_last: bool) -> bytes:
    """12 bytes: the first layout has a prefix of 7, ours none."""
    return prefix + number.to_bytes(11 - len(prefix), "big") + (b"\x01" if is_last else b"\x00")


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
