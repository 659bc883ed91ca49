# SPDX-License-Identifier: Apache-2.0
"""Connections that ask, and what they meet.

In a closed loop each connection asks, waits for the answer, and asks again: it says how much a service can do, and hides how long
questions wait, for a service that stalls is asked less. In an open loop questions come at a rate whatever becomes of them, and each
is timed from the moment at which it was due, also where every connection was busy then.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import inf
from threading import Thread
from urllib.parse import urlsplit

from modelward.client.observed import Observed, is_failure
from modelward.client.wire import Head, head_of

_FAILURES_LIMIT = 100
_AGAIN_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0
_GRACE_SECONDS = 2.0
_LEAST_SLEEP_SECONDS = 0.0002
_LONGEST_SLEEP_SECONDS = 0.05


class Line(asyncio.Protocol):
    """One connection, with one question at a time."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._held = b""
        self._needed = 0
        self.asked_at = inf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's
        self._traffic.free(self)

    def ask(self, request: bytes, *, due: float) -> None:
        """Send a question, which was due at that moment."""
        self.asked_at = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        held = self._held + data if self._held else data
        if len(held) < self._needed:
            self._held = held
            return
        try:
            head = head_of(held)
        except ValueError:
            self._transport.abort()
            return
        if head is None or head.total > len(held):
            self._held, self._needed = held, head.total if head else 0
            return
        self._held, self._needed = b"", 0
        asked_at, self.asked_at = self.asked_at, inf
        self._traffic.answered(head, asked_at)
        if b"\r\nconnection: close" in head.text:
            self._transport.close()
        else:
            self._traffic.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._traffic.lost(self)

    def close(self) -> None:
        """End the connection, at once: whoever says goodbye over TLS waits for an answer."""
        self._transport.abort()


class Traffic:
    """So many connections to a service, asking for so long after a time to warm up of which nothing is kept."""

    _lines: set[Line]

    def __init__(
        self,
        url: str,
        requests: Sequence[bytes],
        *,
        connections: int,
        warm_up_seconds: float,
        seconds: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._tls = tls
        self._connections = connections
        self._warm_up_seconds = warm_up_seconds
        self._seconds = seconds
        self._turns = itertools.cycle(requests)
        self._failures = 0
        self._lines = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self.observed = Observed()

    async def run(self) -> Observed:
        """Ask, until the time is over or nothing but failures come."""
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self._begin = time.perf_counter() + self._warm_up_seconds
        self._until = self._begin + self._seconds
        self._is_over = False
        self._loop.call_later(self._warm_up_seconds, self._mark)
        self._loop.call_later(self._warm_up_seconds + self._seconds, self._come_to_an_end)
        self._start()
        for _ in range(self._connections):
            self._connect()
        await self._done.wait()
        self._stop()
        return self.observed

    def free(self, line: Line) -> None:
        """A connection has nothing to do."""
        self._lines.add(line)
        now = time.perf_counter()
        if now < self._until and not self._is_over:
            self._ask(line, due=now)
        else:
            self._look_for_end()

    def answered(self, head: Head, asked_at: float) -> None:
        """An answer came."""
        now = time.perf_counter()
        self._failures = self._failures + 1 if is_failure(head) else 0
        if asked_at >= self._begin:
            self.observed.note(head, asked=asked_at - self._begin, took=now - asked_at, is_in_time=now < self._until)
        if self._failures >= _FAILURES_LIMIT:
            self._end()

    def lost(self, line: Line) -> None:
        """A connection ended. Another takes its place."""
        if self._done.is_set():
            return
        self._lines.discard(line)
        if line.asked_at < inf:
            self._broke()
        if not self._is_over:
            self._connect()
        self._look_for_end()

    def _start(self) -> None:
        """Before the first connection is made."""

    def _stop(self) -> None:
        """The load is over: what was asked and not answered took at least until now."""
        now = time.perf_counter()
        for due in (line.asked_at for line in self._lines if self._begin <= line.asked_at < inf):
            self._without_answer(due, now)
        for line in [*self._lines]:
            line.close()
        for task in self._connecting:
            task.cancel()

    def _without_answer(self, due: float, now: float) -> None:
        self.observed.note_unanswered(asked=due - self._begin, waited=now - due)

    def _ask(self, line: Line, *, due: float) -> None:
        line.ask(next(self._turns), due=due)

    def _broke(self) -> None:
        self._failures += 1
        if time.perf_counter() >= self._begin:
            self.observed.broken += 1
        if self._failures >= _FAILURES_LIMIT:
            self._end()

    def _connect(self) -> None:
        task = self._loop.create_task(self._keep_connecting())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _keep_connecting(self) -> None:
        place = urlsplit(self._url)
        while not self._is_over:
            try:
                await self._loop.create_connection(
                    lambda: Line(self), place.hostname or "", place.port or (443 if self._tls else 80), ssl=self._tls
                )
            except OSError:
                self._broke()
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return

    def _mark(self) -> None:
        self._cpu = time.process_time()

    def _come_to_an_end(self) -> None:
        self.observed.cpu_share = (time.process_time() - self._cpu) / self._seconds
        self._end()

    def _end(self) -> None:
        """Ask no more; what was asked may still be answered."""
        if not self._is_over:
            self._is_over = True
            self._loop.call_later(_PATIENCE_SECONDS, self._done.set)
            self._look_for_end()

    def _look_for_end(self) -> None:
        if self._is_over and all(line.asked_at == inf for line in self._lines):
            self._done.set()


class TrafficAtARate(Traffic):
    """An open loop. `arrivals` are the moments, in seconds from the first, at which a question is due."""

    def __init__(
        self,
        url: str,
        requests: Sequence[bytes],
        *,
        arrivals: Iterator[float],
        connections: int,
        warm_up_seconds: float,
        seconds: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(url, requests, connections=connections, warm_up_seconds=warm_up_seconds, seconds=seconds, tls=tls)
        self._arrivals = arrivals
        self._idle: list[Line] = []
        self.due = inf

    def free(self, line: Line) -> None:
        """A connection has nothing to do: it takes a question that waits for one, or waits for a question."""
        self._lines.add(line)
        if self._idle or self._is_over or self.due > time.perf_counter():
            self._idle.append(line)
            # What is due had a connection before this one was free: it is late, and did not wait for one.
            self.send_due()
            self._look_for_end()
        else:
            self.observed.waited += self.due >= self._begin
            self._send(line)

    def lost(self, line: Line) -> None:
        """See `Traffic.lost`."""
        with suppress(ValueError):
            self._idle.remove(line)
        super().lost(line)

    def send_due(self) -> None:
        """Send what is due on connections that have nothing to do."""
        while self._idle and not self._is_over and (now := time.perf_counter()) >= self.due:
            if self.due >= self._begin:
                self.observed.late.append(now - self.due)
            self._send(self._idle.pop())

    @property
    def is_awaited(self) -> bool:
        """Whether a connection has nothing to do."""
        return bool(self._idle)

    def _send(self, line: Line) -> None:
        self._ask(line, due=self.due)
        self._advance()

    def _advance(self) -> None:
        moment = self._origin + next(self._arrivals)
        self.due = moment if moment < self._until else inf
        if self.due == inf and time.perf_counter() >= self._until:
            self._end()

    def _come_to_an_end(self) -> None:
        """What was due and waits for a connection still gets one, for a moment."""
        if self.due < inf:
            self.observed.cpu_share = (time.process_time() - self._cpu) / self._seconds
            self._loop.call_later(_GRACE_SECONDS, self._end)
        else:
            super()._come_to_an_end()

    def _start(self) -> None:
        self._origin = time.perf_counter()
        self._advance()
        self._pacer = _Pacer(self, self._loop)
        self._pacer.start()

    def _stop(self) -> None:
        self._pacer.is_on = False
        self._pacer.join()
        super()._stop()
        now = time.perf_counter()
        while self.due < inf:
            if self.due >= self._begin:
                self._without_answer(self.due, now)
            self._advance()


class _Pacer(Thread):
    """Wakes the loop when a question is due: the loop's own timers count milliseconds."""

    def __init__(self, traffic: TrafficAtARate, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="pacer", daemon=True)
        self.is_on = True
        self._traffic = traffic
        self._loop = loop

    def run(self) -> None:
        while self.is_on:
            left = self._traffic.due - time.perf_counter()
            if left <= 0 and self._traffic.is_awaited:
                self._loop.call_soon_threadsafe(self._traffic.send_due)
            time.sleep(min(max(left, _LEAST_SLEEP_SECONDS), _LONGEST_SLEEP_SECONDS))
