# SPDX-License-Identifier: Apache-2.0
"""Answers that are dear to find out, such as whether a ledger is sound: kept for a while, and shown with their time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

_LEAST_SECONDS = 5.0
_SHARE = 0.05
_KEPT = 256


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What was found, when, and how long finding it took."""

    value: T
    at: datetime
    seconds: float
    until: float

    @property
    def is_fresh(self) -> bool:
        """Whether it need not be found out anew yet."""
        return time.monotonic() < self.until


class Recent(Generic[T]):
    """Finds each thing out at most every five seconds, and never spends more than a twentieth of the time on it.

    However often a page is asked for, it costs no more than that. Safe from any thread; whoever asks while somebody else is
    finding out waits for the same answer.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[Hashable, Seen[T]] = OrderedDict()
        self._finding: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, find: Callable[[], T]) -> Seen[T]:
        """What `find` says of `key`, or said lately. What it raises is raised, and not kept."""
        with self._lock:
            finding = self._finding.setdefault(key, Lock())
        with finding:
            held = self.last(key)
            return held if held and held.is_fresh else self._keep(key, find)

    def last(self, key: Hashable) -> Seen[T] | None:
        """What was found last, however long ago; None where nothing was."""
        with self._lock:
            return self._seen.get(key)

    def _keep(self, key: Hashable, find: Callable[[], T]) -> Seen[T]:
        began = time.monotonic()
        value = find()
        ended = time.monotonic()
        lasting = max(_LEAST_SECONDS, (ended - began) / _SHARE)
        seen = Seen(value, datetime.now(UTC), ended - began, ended + lasting)
        with self._lock:
            self._seen[key] = seen
            self._seen.move_to_end(key)
            while len(self._seen) > _KEPT:
                dropped, _ = self._seen.popitem(last=False)
                self._finding.pop(dropped, None)
        return seen
