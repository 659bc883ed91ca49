# SPDX-License-Identifier: Apache-2.0
"""What two processes say to each other: frames of a JSON object, and bytes that go with it."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

_HEAD_LIMIT = 64 << 20
_BODY_LIMIT = 4 << 30
_SIZES = struct.Struct(">IQ")


class Frame(NamedTuple):
    """One message, and how many bytes it took."""

    head: dict[str, Any]
    body: bytes
    size: int


class Wire:
    """One end of a pair of connected sockets. Any thread may send; one receives."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._sending = threading.Lock()

    def send(self, head: dict[str, Any], body: bytes | memoryview = b"") -> None:
        """Send one frame.

        Raises:
            OSError: the other end is gone.
        """
        encoded = msgspec.json.encode(head)
        with self._sending:
            self._end.sendall(_SIZES.pack(len(encoded), len(body)) + encoded)
            if body:
                self._end.sendall(body)

    def receive(self) -> Frame | None:
        """The next frame; None once the other end is gone, or says what is no frame."""
        try:
            sizes = self._exactly(_SIZES.size)
            head, body = _SIZES.unpack(sizes) if sizes is not None else (0, 0)
            if not 0 < head <= _HEAD_LIMIT or body > _BODY_LIMIT:
                return None
            said, given = self._exactly(head), self._exactly(body)
            if said is None or given is None:
                return None
            return Frame(msgspec.json.decode(said, type=dict[str, Any]), bytes(given), head + body)
        except (OSError, msgspec.DecodeError, RecursionError, MemoryError):
            # Also what is nested too deep, or said to be larger than memory: nothing that is sent brings down who listens.
            return None

    def close(self) -> None:
        """Say that nothing more comes, and hear nothing more."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()

    def _exactly(self, size: int) -> bytearray | None:
        filled, got = bytearray(size), 0
        view = memoryview(filled)
        while got < size:
            count = self._end.recv_into(view[got:])
            if not count:
                return None
            got += count
        view.release()
        return filled
