# SPDX-License-Identifier: Apache-2.0
"""Callers that ask a server over loopback as fast as it answers, each on a connection of its own, until they are told to stop."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field

import httpx

from entrances.api.house import body

PREDICT = "/v1/models/income/predict"


@dataclass
class Caller:
    """What one caller saw: the answers it got, as request and ledger index; other statuses; connections that broke."""

    answered: list[tuple[str, int]] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    broken: int = 0


@dataclass
class Callers:
    """`with Callers(url, key, 16) as callers:` they ask meanwhile, in a thread of their own."""

    url: str
    key: str
    count: int
    pause_seconds: float = 0.0

    def __enter__(self):
        self.seen = [Caller() for _ in range(self.count)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()))
        self._thread.start()
        return self

    def __exit__(self, *_fault):
        self._stop.set()
        self._thread.join()

    @property
    def answered(self) -> list[tuple[str, int]]:
        """Every answer, as request and ledger index."""
        return [answer for caller in self.seen for answer in caller.answered]

    @property
    def refused(self) -> list[int]:
        """Every status that was no answer."""
        return [status for caller in self.seen for status in caller.refused]

    @property
    def broken(self) -> int:
        """How many callers lost a connection."""
        return sum(caller.broken > 0 for caller in self.seen)

    async def _all(self):
        await asyncio.gather(*map(self._ask, self.seen))

    async def _ask(self, caller: Caller):
        headers, data = {"authorization": f"Bearer {self.key}"}, body()
        while not self._stop.is_set():
            # A new client is a new connection.
            async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30) as http:
                with contextlib.suppress(httpx.TransportError):
                    while not self._stop.is_set():
                        answer = await http.post(PREDICT, content=data)
                        if answer.status_code == 200:
                            index = int(answer.headers["x-modelward-ledger-index"])
                            caller.answered.append((answer.headers["x-request-id"], index))
                        else:
                            caller.refused.append(answer.status_code)
                        await asyncio.sleep(self.pause_seconds)
                    return
                caller.broken += 1
                await asyncio.sleep(0.02)


def until(true, *, seconds=30.0):
    """Wait until `true()` is."""
    waited = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if true():
            return
        waited.wait(0.02)
    raise AssertionError("it never came true")
