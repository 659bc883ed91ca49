# SPDX-License-Identifier: Apache-2.0
"""Are the answers right? Those to about 1,000 rows are compared before anything is timed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from peers import Served
from peers.starting import Running
from peers.wording import Wording

_TOLERANCE = 1e-5
_ALONE, _BATCH, _CROWD, _CROWD_ASKS = 64, 32, 16, 400


def check(running: Running, wording: Wording, served: Served) -> int:
    """How many questions were asked. Each row has to be answered as ONNX Runtime answers it alone: one by one, 32 together, and one
    to three of each of 16 callers at once, where a batcher that mixes up its callers is found out.

    Raises:
        SystemExit: one is another.
    """
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {running.key}"} if running.key else {})
    with httpx.Client(base_url=running.url, headers=headers, timeout=30) as http:

        def ask(span: tuple[int, int]) -> None:
            first, last = span
            told = http.post(running.path, content=wording.body(served.rows[first:last])).raise_for_status()
            found, expected = wording.probabilities(told.content), served.probabilities[first:last]
            pairs = [pair for one, other in zip(found, expected, strict=True) for pair in zip(one, other, strict=True)]
            if any(abs(one - other) > _TOLERANCE for one, other in pairs):
                raise SystemExit(f"The answers to rows {first} to {last} of {served.name} are wrong. Nothing is timed.")

        with ThreadPoolExecutor(_CROWD) as crowd:
            asked = [*map(ask, _alone_and_together(len(served.rows))), *crowd.map(ask, _crowd(len(served.rows)))]
            return len(asked)


def _alone_and_together(rows: int) -> Iterator[tuple[int, int]]:
    yield from ((at, at + 1) for at in range(_ALONE))
    yield from ((at, at + _BATCH) for at in range(0, rows - _BATCH + 1, _BATCH))


def _crowd(rows: int) -> Iterator[tuple[int, int]]:
    firsts = [at % (rows - 3) for at in range(_CROWD_ASKS)]
    yield from ((first, first + 1 + first % 3) for first in firsts)
