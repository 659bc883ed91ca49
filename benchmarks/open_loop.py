# SPDX-License-Identifier: Apache-2.0
"""Open-loop load: questions fall due at a rate, whether or not earlier ones were answered.

A question takes a free connection, and no connection carries two at a time; one that finds none free is not sent, and counted. So
at twice what a server can do it has every connection busy and every refusal is followed by the next question at once. Latencies
count from when a question was due. Good is an answer that is a 200 and comes within the patience.

    python benchmarks/open_loop.py http://127.0.0.1:8321/v1/models/income/predict --bodies FILE --rate 20000 [--connections 256] \\
        [--seconds 5] [--patience 1] [--header "Authorization: Bearer mw_…"]

It is one process on core 1 that looks for what is due every millisecond and at each answer. `own_cores` says how busy it was: near
1 it was the limit, and not the server. What finds no connection costs it next to nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop
from machine import ASKER_CORE, asked_by

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *\d", re.IGNORECASE)
_TICK_SECONDS = 0.001


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it. `refused` has the answers that were no 200, by status; `with_retry_after` how many of them say when to come
    again; `answer_p50_ms` counts from sending.
    """

    seconds: float
    offered_per_second: float
    sent_per_second: float
    good_per_second: float
    good: int
    late: int
    without_connection: int
    refused: dict[str, int]
    with_retry_after: int
    broken: int
    p50_ms: float
    p99_ms: float
    answer_p50_ms: float
    answer_p99_ms: float
    own_cores: float


class Load:
    """The questions of one run: which are due, which connection is free, and what came of them."""

    def __init__(self, questions: Sequence[bytes], *, rate: float, seconds: float, patience: float) -> None:
        self._questions = questions
        self._rate = rate
        self._patience = patience
        self._next = 0
        self._seconds = seconds
        self._began = 0.0
        self.free: list[Caller] = []
        self.sent = self.good = self.late = self.without_connection = self.broken = self.with_retry_after = self.open = 0
        self.refused: Counter[str] = Counter()
        self.since_due, self.since_sent = array("d"), array("d")

    def begin(self) -> None:
        self._began = time.perf_counter()

    def send(self) -> None:
        """Send what is due on what is free."""
        now = time.perf_counter()
        passed = now - self._began
        if passed > self._seconds:
            return
        due = int(passed * self._rate) + 1
        while self._next < due and self.free:
            self.free.pop().ask(self._questions[self._next % len(self._questions)], self._began + self._next / self._rate, now)
            self._next += 1
            self.sent += 1
            self.open += 1
        # Between two looks nobody could have been sent: only who has waited longer than that found no connection.
        missed = int((passed - _TICK_SECONDS) * self._rate) - self._next
        if missed > 0:
            self.without_connection += missed
            self._next += missed

    def note(self, caller: Caller, status: bytes, head: bytes) -> None:
        """An answer is there, and its connection free."""
        now = time.perf_counter()
        self.open -= 1
        if status == b"200":
            waited = now - caller.due
            self.since_due.append(waited)
            self.since_sent.append(now - caller.sent)
            if waited <= self._patience:
                self.good += 1
            else:
                self.late += 1
        else:
            self.refused[status.decode()] += 1
            self.with_retry_after += bool(_RETRY_AFTER.search(head))
        self.free.append(caller)


class Caller(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._parts = b""
        self._needed = 0
        self._is_asking = False
        self.due = self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.Transport, transport).write
        self._load.free.append(self)

    def ask(self, question: bytes, due: float, now: float) -> None:
        self.due, self.sent, self._is_asking = due, now, True
        self._write(question)

    def data_received(self, data: bytes) -> None:
        if self._parts:
            data = self._parts + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or not self._is_whole(data, end):
            self._parts = data
            return
        self._parts = b""
        self._is_asking = False
        self._load.note(self, data[9:12], data[: end + 2])
        self._load.send()

    def _is_whole(self, data: bytes, end: int) -> bool:
        length = _LENGTH.search(data, 0, end + 2)
        # Without a length it comes in chunks, of which an empty one is the last.
        return len(data) >= end + 4 + int(length[1]) if length else data.endswith(b"\r\n0\r\n\r\n")

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._is_asking:
            self._load.broken += 1
            self._load.open -= 1
        elif self in self._load.free:
            self._load.free.remove(self)


def offer(
    url: str, bodies: Sequence[bytes], *, rate: float, seconds: float, connections: int, headers: Sequence[str] = ()
) -> Outcome:
    """Do so from a process of its own, on its core."""
    with tempfile.TemporaryDirectory(prefix="open-loop-") as folder:
        lines = Path(folder) / "bodies.jsonl"
        lines.write_bytes(b"".join(body + b"\n" for body in bodies))
        told = ["--bodies", str(lines), "--rate", str(rate), "--seconds", str(seconds), "--connections", str(connections)]
        command = [sys.executable, __file__, url, *told, *(word for header in headers for word in ("--header", header))]
        said = asked_by(command, os.environ)
    return Outcome(**json.loads(said))


async def _offer(
    url: str, bodies: Sequence[bytes], *, rate: float, seconds: float, connections: int, patience: float, headers: Sequence[str]
) -> Outcome:
    """Offer `rate` questions a second for so many seconds, and wait for the last answers."""
    place = urlsplit(url)
    host, port = place.hostname or "127.0.0.1", place.port or 80
    extra = "".join(f"{header}\r\n" for header in headers)
    lead = f"POST {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n{extra}Content-Length: "
    load = Load(
        [lead.encode() + b"%d\r\n\r\n%b" % (len(body), body) for body in bodies], rate=rate, seconds=seconds, patience=patience
    )
    loop = asyncio.get_running_loop()
    callers = [await loop.create_connection(lambda: Caller(load), host, port) for _ in range(connections)]
    before, began = sum(os.times()[:2]), time.perf_counter()
    load.begin()
    while time.perf_counter() < began + seconds:
        load.send()
        await asyncio.sleep(_TICK_SECONDS)
    used, took = sum(os.times()[:2]) - before, time.perf_counter() - began
    while load.open and time.perf_counter() < began + seconds + patience:
        await asyncio.sleep(_TICK_SECONDS)
    for transport, _ in callers:
        transport.abort()
    return Outcome(
        seconds=took,
        offered_per_second=rate,
        sent_per_second=load.sent / took,
        good_per_second=load.good / took,
        good=load.good,
        late=load.late,
        without_connection=load.without_connection,
        refused=dict(load.refused),
        with_retry_after=load.with_retry_after,
        broken=load.broken + load.open,
        p50_ms=_quantile(load.since_due, 0.5),
        p99_ms=_quantile(load.since_due, 0.99),
        answer_p50_ms=_quantile(load.since_sent, 0.5),
        answer_p99_ms=_quantile(load.since_sent, 0.99),
        own_cores=used / took,
    )


def _quantile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[int(len(seconds) * share)] * 1e3 if seconds else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--bodies", type=Path, required=True, help="file with one JSON body on each line, sent in turn")
    parser.add_argument("--rate", type=float, required=True, help="questions a second")
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--patience", type=float, default=1, help="seconds after which nobody waits for an answer")
    parser.add_argument("--header", action="append", default=[], help="such as 'x-request-timeout-ms: 20'; may be repeated")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {ASKER_CORE})
    found = uvloop.run(
        _offer(
            given.url,
            given.bodies.read_bytes().splitlines(),
            rate=given.rate,
            seconds=given.seconds,
            connections=given.connections,
            patience=given.patience,
            headers=given.header,
        )
    )
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
