# SPDX-License-Identifier: Apache-2.0
"""Quotas: what each limited key asked in this minute and on this day, counted together by all processes over one home.

The counts lie in a file that each process has in its memory, 64 bytes for each key, found by the key's id. Whoever counts holds the
file's lock for about a microsecond. A process that was stopped just then must not stop the others: after a while they count without
the lock, and a count may be a little short.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import time
from collections.abc import Callable
from fcntl import flock
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Final, TypeAlias

from modelward.access import Actor, Quota
from modelward.errors import LimitedError
from modelward.serving.answer import TooManyRowsError

COUNTS_FILE: Final = "quotas"
_PLACES = 1 << 17
# Key, minute, day, requests and rows of the minute, those of the day, and of which windows it was said that they are used up.
_PLACE = Struct("<8sIIQQQQI12x")
_unpack, _pack = _PLACE.unpack_from, _PLACE.pack_into
_AT_ONCE = fcntl.LOCK_EX | fcntl.LOCK_NB
_TRIES = 64
_WAIT_SECONDS = 0.05
_MINUTE_SECONDS, _DAY_SECONDS = 60, 86_400
_OF_MINUTE, _OF_DAY = 1, 2
_NO_LIMIT: Final = 1 << 62
_Limits: TypeAlias = tuple[int, ...]


class QuotaUsedUpError(LimitedError):
    """The key asked as much as its quota is, until the next minute or day. `is_first` in that window."""

    def __init__(self, message: str, *, retry_after_seconds: float, is_first: bool) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.is_first = is_first


class Quotas:
    """Counts what limited keys ask, and refuses what is more."""

    def __init__(self, home: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._file = home / COUNTS_FILE
        self._clock = clock
        self._handle = -1
        self._counts: mmap.mmap | None = None
        # The key as it stands in the file, and its limits: requests and rows of a minute, and of a day. And where it stands.
        self._known: dict[str, tuple[bytes, _Limits]] = {}
        self._places: dict[bytes, int] = {}
        # Whose questions were refused here, by the ids of their keys.
        self._refused: set[str] = set()

    def take(self, actor: Actor, *, requests: int = 0, rows: int = 0) -> None:
        """Count what an actor with a quota asks.

        Raises:
            QuotaUsedUpError: it would be more than the quota is, and is not counted. TooManyRowsError: no window has as many rows.
        """
        if (quota := actor.quota) is None:
            return
        key, limits = self._known.get(actor.credential) or self._learn(actor.credential, quota)
        if rows > limits[1] or rows > limits[3]:
            raise _too_many(quota, rows)
        counts = self._counts or self._open()
        # A call of a function costs as much as what it does here, so what is usual is done in this one.
        now = int(self._clock())
        is_locked = True
        try:
            flock(self._handle, _AT_ONCE)
        except BlockingIOError:
            is_locked = self._lock()
        try:
            place = self._places.get(key, 0)
            there, minute, day, first, second, third, fourth, told = _unpack(counts, place)
            # Where all rows are used up, a request is not even read.
            least = rows or (1 if requests else 0)
            if (
                there == key
                and minute == now // _MINUTE_SECONDS
                and day == now // _DAY_SECONDS
                and first + requests <= limits[0]
                and second + least <= limits[1]
                and third + requests <= limits[2]
                and fourth + least <= limits[3]
            ):
                _pack(counts, place, key, minute, day, first + requests, second + rows, third + requests, fourth + rows, told)
                return
            fault = self._count(counts, key, limits, now=now, requests=requests, rows=rows)
        finally:
            if is_locked:
                flock(self._handle, fcntl.LOCK_UN)
        if fault is not None:
            self._refused.add(actor.credential)
            raise fault

    def check(self, actor: Actor) -> None:
        """Refuse who has used up their quota and was told so by this process; of who has not, nothing is counted. It needs no lock.

        Raises:
            QuotaUsedUpError.
        """
        # Whoever was never refused may be now, by `take`, once their question is read: looking at the counts twice for each
        # question would cost everybody more.
        if actor.credential not in self._refused or (quota := actor.quota) is None:
            return
        key, limits = self._known.get(actor.credential) or self._learn(actor.credential, quota)
        counts, place = self._counts, self._places.get(key)
        if counts is None or place is None:
            return
        there, minute, day, *used, _ = _unpack(counts, place)
        now = int(self._clock())
        if there == key and day == now // _DAY_SECONDS:
            first, second, third, fourth = used
            if (
                third >= limits[2]
                or fourth >= limits[3]
                or ((first >= limits[0] or second >= limits[1]) and minute == now // _MINUTE_SECONDS)
            ):
                self.take(actor, requests=1)
                return
        self._refused.discard(actor.credential)

    def _learn(self, credential: str, quota: Quota) -> tuple[bytes, _Limits]:
        if len(self._known) >= _PLACES:
            self._known, self._places = {}, {}
        told = (quota.requests_per_minute, quota.rows_per_minute, quota.requests_per_day, quota.rows_per_day)
        limits = tuple(_NO_LIMIT if limit is None else limit for limit in told)
        learnt = self._known[credential] = credential.encode()[:8].ljust(8, b"\0"), limits
        return learnt

    def _count(
        self, counts: mmap.mmap, key: bytes, limits: _Limits, *, now: float, requests: int, rows: int
    ) -> QuotaUsedUpError | None:
        minute, day = int(now) // _MINUTE_SECONDS, int(now) // _DAY_SECONDS
        place = self._places.get(key, -1)
        if place < 0 or counts[place : place + 8] != key:
            place = self._places[key] = _place_of(counts, key, day)
        there, at, on, first, second, third, fourth, told = _unpack(counts, place)
        if there != key or on != day:
            first = second = third = fourth = told = 0
        elif at != minute:
            first = second = 0
            told &= ~_OF_MINUTE
        # Where all rows are used up, a request is not even read.
        least = rows or min(requests, 1)
        if (
            first + requests <= limits[0]
            and second + least <= limits[1]
            and third + requests <= limits[2]
            and fourth + least <= limits[3]
        ):
            _pack(counts, place, key, minute, day, first + requests, second + rows, third + requests, fourth + rows, told)
            return None
        is_day = third + requests > limits[2] or fourth + least > limits[3]
        window = _OF_DAY if is_day else _OF_MINUTE
        _pack(counts, place, key, minute, day, first, second, third, fourth, told | window)
        of_requests = third + requests > limits[2] if is_day else first + requests > limits[0]
        limit = limits[2 * is_day + (not of_requests)]
        return _used_up(limit, "requests" if of_requests else "rows", window, now=now, is_first=not told & window)

    def close(self) -> None:
        """Let go of the file."""
        if self._counts is not None:
            self._counts.close()
            os.close(self._handle)
            self._counts = None

    def _lock(self) -> bool:
        until = 0.0
        while True:
            try:
                flock(self._handle, _AT_ONCE)
            except BlockingIOError:
                now = time.monotonic()
                until = until or now + _WAIT_SECONDS
                if now > until:
                    return False
                os.sched_yield()
            else:
                return True

    def _open(self) -> mmap.mmap:
        self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Pages that nobody counted on take no room on the disk.
        os.ftruncate(self._handle, _PLACES * _PLACE.size)
        self._counts = mmap.mmap(self._handle, _PLACES * _PLACE.size)
        return self._counts


def _too_many(quota: Quota, rows: int) -> TooManyRowsError:
    window, limit = ("minute", quota.rows_per_minute) if rows > (quota.rows_per_minute or rows) else ("day", quota.rows_per_day)
    return TooManyRowsError(f"The request has {rows} rows, and the quota of this key is {limit} a {window}. Send fewer.")


def _place_of(counts: mmap.mmap, key: bytes, day: int) -> int:
    """Where a key is counted: a place that it has, or else the first that nobody has today. Where there is none, it shares one."""
    first = int.from_bytes(blake2b(key, digest_size=4).digest(), "big")
    free = -1
    for attempt in range(_TRIES):
        place = (first + attempt) % _PLACES * _PLACE.size
        there = counts[place : place + 8]
        if there == key:
            return place
        if free < 0 and int.from_bytes(counts[place + 12 : place + 16], "little") != day:
            free = place
        if not any(there):
            break
    return free if free >= 0 else first % _PLACES * _PLACE.size


def _used_up(limit: int, what: str, window: int, *, now: float, is_first: bool) -> QuotaUsedUpError:
    name, seconds = ("day", _DAY_SECONDS) if window == _OF_DAY else ("minute", _MINUTE_SECONDS)
    left = max(1, math.ceil(seconds - now % seconds))
    return QuotaUsedUpError(
        f"The quota of this key, {limit} {what} a {name}, is used up. Ask again in {left} s, or ask an administrator for a key "
        "with a larger one: `modelward keys create`.",
        retry_after_seconds=left,
        is_first=is_first,
    )
