# SPDX-License-Identifier: Apache-2.0
"""A closed-loop load on a service: each connection asks, waits for the answer, and asks again."""

from __future__ import annotations

import asyncio
import platform
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from modelward.errors import UnavailableError

_BODIES = 64
_FAILURES_LIMIT = 100


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
    draw = random.Random(0)  # noqa: S311  # which rows are asked is no secret
    bodies = [msgspec.json.encode({"rows": draw.choices(list(examples), k=rows)}) for _ in range(_BODIES)]
    return asyncio.run(_measure(url, key, model, bodies, connections, seconds, rows))


async def _measure(url: str, key: str, model: str, bodies: list[bytes], connections: int, seconds: float, rows: int) -> Load:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    times: list[float] = []
    failed = 0
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30.0) as client:
        until = time.perf_counter() + seconds

        async def ask(first: int) -> None:
            nonlocal failed
            turn = first
            while time.perf_counter() < until and failed < _FAILURES_LIMIT:
                began = time.perf_counter()
                try:
                    response = await client.post(f"/v1/models/{model}/predict", content=bodies[turn % _BODIES])
                    response.raise_for_status()
                    times.append(time.perf_counter() - began)
                except httpx.HTTPError:
                    failed += 1
                turn += 1

        began = time.perf_counter()
        await asyncio.gather(*(ask(first) for first in range(connections)))
        took = time.perf_counter() - began
    if not times:
        raise NoAnswerError(
            f"No request to {model} at {url} was answered; {failed} failed. Check the key, and that {model} is live."
        )
    times.sort()
    return Load(
        url=url,
        model=model,
        connections=connections,
        seconds=took,
        rows=rows,
        requests=len(times),
        failed=failed,
        requests_per_second=len(times) / took,
        rows_per_second=len(times) * rows / took,
        p50_ms=1e3 * times[len(times) // 2],
        p99_ms=1e3 * times[min(len(times) - 1, len(times) * 99 // 100)],
        machine=f"{platform.machine()}, {platform.system()}, CPython {platform.python_version()}",
    )
