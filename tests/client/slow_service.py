# SPDX-License-Identifier: Apache-2.0
"""A service that answers as it is told to, to hold a load against."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Says:
    """One answer, and after how many seconds. Without a length the caller cannot tell where it ends."""

    status: str = "200 OK"
    seconds: float = 0.0
    headers: tuple[str, ...] = ()
    has_length: bool = True


class Service:
    """Answers questions with what `answers` gives in turn; where it `is_serial`, one at a time."""

    METADATA = b'{"name": "income", "inputs": [{"name": "age", "datatype": "FP32", "shape": [-1, 1]}]}'

    def __init__(self, answers: Iterable[Says] | Callable[[], Iterable[Says]], *, is_serial: bool = False) -> None:
        self._answers = iter(answers() if callable(answers) else answers)
        self._is_serial = is_serial
        self.asked = 0

    def __enter__(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        self._thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *_fault):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self, ready):
        self._loop, self._over, self._turn = asyncio.get_running_loop(), asyncio.Event(), asyncio.Lock()
        self._open = set()
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await self._over.wait()
        server.close()
        for writer in self._open:
            writer.close()

    async def _answer(self, reader, writer):
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
                await reader.readexactly(length)
                if head.startswith(b"get"):
                    body = self.METADATA if b"/models/" in head else b'{"name": "slow", "version": "7"}'
                    self._write(writer, Says(), body)
                    continue
                self.asked += 1
                says = next(self._answers)
                if self._is_serial:
                    async with self._turn:
                        await asyncio.sleep(says.seconds)
                else:
                    await asyncio.sleep(says.seconds)
                self._write(writer, says, b"{}")
                if "connection: close" in says.headers or not says.has_length:
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, StopIteration, RuntimeError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def _write(self, writer, says, body):
        lines = [f"HTTP/1.1 {says.status}", "x-modelward-model: income:7", *says.headers]
        lines += [f"content-length: {len(body)}"] if says.has_length else []
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
