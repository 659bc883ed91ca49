# SPDX-License-Identifier: Apache-2.0
"""The bound: as little as pure Python can do and still answer. No keys, no limits, no checks, no record, no metrics.

A protocol on uvloop reads requests with httptools; those that the event loop brings are gathered until a pass of it brings none,
and computed together. It takes no pipelined requests, and no wrong ones.
"""

from __future__ import annotations

import asyncio
import gc

import httptools
import msgspec
import uvloop
from onnx_model import BATCH, HOST, PORT, load, matrix

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
GATHER_SECONDS = 0.002


class Question(msgspec.Struct):
    rows: list[list[float]]


class Gathering:
    """Those who wait, and the model."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._predict = load()
        self._encode = msgspec.json.Encoder().encode
        self._waiting: list[tuple[Caller, list[list[float]]]] = []
        self._seen = self._rows = 0
        self._since = 0.0

    def add(self, caller: Caller, rows: list[list[float]]) -> None:
        if not self._waiting:
            self._seen, self._since = 0, self._loop.time()
            self._loop.call_soon(self._look)
        self._waiting.append((caller, rows))
        self._rows += len(rows)

    def _look(self) -> None:
        """Another pass, as long as each brings somebody."""
        count = len(self._waiting)
        if self._seen < count and self._rows < BATCH and self._loop.time() - self._since < GATHER_SECONDS:
            self._seen = count
            self._loop.call_soon(self._look)
            return
        waiting, self._waiting, self._rows = self._waiting, [], 0
        while waiting:
            taken, size = 0, 0
            while taken < len(waiting) and (not taken or size + len(waiting[taken][1]) <= BATCH):
                size += len(waiting[taken][1])
                taken += 1
            self._answer(waiting[:taken])
            waiting = waiting[taken:]

    def _answer(self, asked: list[tuple[Caller, list[list[float]]]]) -> None:
        found = self._predict(matrix([row for _, rows in asked for row in rows])).tolist()
        at = 0
        for caller, rows in asked:
            body = self._encode({"probabilities": found[at : at + len(rows)]})
            at += len(rows)
            if not caller.transport.is_closing():
                caller.transport.write(HEAD % (len(body), body))


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._parser = httptools.HttpRequestParser(self)
        self._decode = msgspec.json.Decoder(Question).decode
        self._parts: list[bytes] = []

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._gathering.add(self, self._decode(body).rows)


async def main() -> None:
    loop = asyncio.get_running_loop()
    gathering = Gathering(loop)
    gc.collect()
    gc.freeze()
    server = await loop.create_server(lambda: Caller(gathering), HOST, PORT, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
