# SPDX-License-Identifier: Apache-2.0
"""A closed-loop load on a service: each connection asks, waits for the answer, and asks again.

It writes its requests on plain connections: a client library that does more for each request is many times slower than the
service it should measure.
"""

from __future__ import annotations

import asyncio
import itertools
import platform
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from modelward.errors import UnavailableError

_BODIES = 64
_FAILURES_LIMIT = 100
_PATIENCE_SECONDS = 30.0
_HEAD_LIMIT_BYTES = 1 << 16


class NoAnswerError(UnavailableError):
    """Not one request was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load met. Latencies are milliseconds as this client saw them; a Python client may be the slower side."""

    url: str
    model: str
    connections: int
    seconds: float
    rows: int
    requests: int
    failed: int
    requests_per_second: float
    rows_per_second: float
    p50_ms: float
    p99_ms: float
    machine: str


def measure(
    url: str, *, key: str, model: str, examples: Sequence[Mapping[str, Any]], connections: int, seconds: float, rows: int
) -> Load:
    """Ask `model` for `seconds` with rows drawn from `examples`, on so many connections at once.

    Raises:
        NoAnswerError: nothing was answered.
    """
    import uvloop

    draw = random.Random(0)  # noqa: S311  # which rows are asked is no secret
    bodies = [msgspec.json.encode({"rows": draw.choices(list(examples), k=rows)}) for _ in range(_BODIES)]
    asking = _Asking(url, _requests(url, key=key, model=model, bodies=bodies), seconds=seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        took = runner.run(asking.run(connections))
    times = sorted(asking.times)
    if not times:
        raise NoAnswerError(
            f"No request to {model} at {url} was answered; {asking.failed} failed. Check the key, and that {model} is live."
        )
    return Load(
        url=url,
        model=model,
        connections=connections,
        seconds=took,
        rows=rows,
        requests=len(times),
        failed=asking.failed,
        requests_per_second=len(times) / took,
        rows_per_second=len(times) * rows / took,
        p50_ms=1e3 * times[len(times) // 2],
        p99_ms=1e3 * times[min(len(times) - 1, len(times) * 99 // 100)],
        machine=f"{platform.machine()}, {platform.system()}, CPython {platform.python_version()}",
    )


@dataclass
class _Asking:
    """Connections that ask until the time is over, or too much has failed."""

    url: str
    requests: list[bytes]
    seconds: float
    times: list[float] = field(default_factory=list)
    failed: int = 0
    _until: float = 0.0

    async def run(self, connections: int) -> float:
        """Ask on so many connections; how long it took."""
        began = time.perf_counter()
        self._until = began + self.seconds
        await asyncio.gather(*(self._keep_asking(first) for first in range(connections)))
        return time.perf_counter() - began

    @property
    def _is_on(self) -> bool:
        return time.perf_counter() < self._until and self.failed < _FAILURES_LIMIT

    async def _keep_asking(self, first: int) -> None:
        """One connection after the other, should one break."""
        turns = itertools.cycle(self.requests[first % _BODIES :] + self.requests[: first % _BODIES])
        while self._is_on:
            try:
                await self._ask_on_one_connection(turns)
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
                self.failed += 1

    async def _ask_on_one_connection(self, turns: Iterator[bytes]) -> None:
        place = urlsplit(self.url)
        port = place.port or (443 if place.scheme == "https" else 80)
        reader, writer = await asyncio.open_connection(
            place.hostname, port, ssl=place.scheme == "https" or None, limit=_HEAD_LIMIT_BYTES
        )
        try:
            while self._is_on:
                began = time.perf_counter()
                writer.write(next(turns))
                if await asyncio.wait_for(_is_answered(reader), _PATIENCE_SECONDS):
                    self.times.append(time.perf_counter() - began)
                else:
                    self.failed += 1
        finally:
            writer.close()


async def _is_answered(reader: asyncio.StreamReader) -> bool:
    """Whether the next answer on the connection is a good one; it is read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError("an answer of unknown length")
    await reader.readexactly(int(rest.partition(b"\r")[0]))
    return head.startswith(b"http/1.1 200 ")


def _requests(url: str, *, key: str, model: str, bodies: Sequence[bytes]) -> list[bytes]:
    """Each body as the bytes of a whole request."""
    place = urlsplit(url)
    head = (
        f"POST {place.path.rstrip('/')}/v1/models/{quote(model, safe='')}/predict HTTP/1.1\r\nhost: {place.netloc}\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: "
    )
    return [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]
