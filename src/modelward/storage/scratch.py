# SPDX-License-Identifier: Apache-2.0
"""Scratch: blocks of bytes that one piece of work puts aside because memory would not hold them all.

What is small stays in memory. The rest goes into a file without a name, each block sealed with AES-256-GCM under a key that only
this object knows: nothing of it can be read on the disk, and nothing is left of it when the process ends, in whatever way.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelward.storage.disk import NoSpaceError, is_full
from modelward.storage.encryption import SealBrokenError

IN_MEMORY_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    size: int


class Scratch:
    """Takes blocks, and gives each out again by the number it was given. For one thread at a time."""

    def __init__(self, folder: Path, *, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        self._folder = folder
        self._room = in_memory_bytes
        self._blocks: list[bytes | _Place] = []
        self._file: BinaryIO | None = None
        self._end = 0
        self._cipher = AESGCM(AESGCM.generate_key(256))

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def put(self, block: bytes) -> int:
        """The number under which `block` is given out again.

        Raises:
            NoSpaceError: the disk is full.
        """
        if len(block) <= self._room:
            self._room -= len(block)
            self._blocks.append(block)
        else:
            self._blocks.append(self._written(self._cipher.encrypt(_nonce(len(self._blocks)), block, None)))
        return len(self._blocks) - 1

    def get(self, number: int) -> bytes:
        """The block that was put as `number`.

        Raises:
            SealBrokenError: somebody wrote into the file.
        """
        held = self._blocks[number]
        if isinstance(held, bytes):
            return held
        assert self._file is not None  # a place is one in the file
        self._file.seek(held.start)
        try:
            return self._cipher.decrypt(_nonce(number), self._file.read(held.size), None)
        except InvalidTag as broken:
            raise SealBrokenError("What was put aside on the disk was changed there. It is not used. Try again.") from broken

    def discard(self, number: int) -> None:
        """Give back the memory of a block that nobody asks for any more; what it took of the disk is given back at the end."""
        if isinstance(held := self._blocks[number], bytes):
            self._room += len(held)
            self._blocks[number] = b""

    def close(self) -> None:
        """Give up every block."""
        self._blocks.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _written(self, sealed: bytes) -> _Place:
        place = _Place(self._end, len(sealed))
        try:
            if self._file is None:
                # The system's folder for passing files is memory on many machines; this one is where sealed objects have room.
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  # closed with this
            self._file.seek(place.start)
            rest = memoryview(sealed)
            while rest:
                rest = rest[os.write(self._file.fileno(), rest) :]
        except OSError as fault:
            if is_full(fault):
                raise NoSpaceError(
                    f"No space left under {self._folder} to put rows aside. Free some space and try again."
                ) from fault
            raise
        self._end += len(sealed)
        return place


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
