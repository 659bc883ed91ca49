# SPDX-License-Identifier: Apache-2.0
"""Something that is asked for once and kept a while, so that strangers at the door do not make the house ask for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from modelward.entrances.console.provider.fetching import ProviderUnavailableError

T = TypeVar("T")
Clock = Callable[[], float]


class Kept(Generic[T]):
    """What `fetch` gives, for `keep_seconds`. Whoever asks meanwhile waits for the one who asks already; at most one asking begins
    in any `pause_seconds`, whether it came to something or not.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]], *, keep_seconds: float, pause_seconds: float, clock: Clock) -> None:
        self._fetch = fetch
        self._keep_seconds = keep_seconds
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._lock = asyncio.Lock()
        self._held: T | None = None
        self._held_since = 0.0
        self._asked: float | None = None
        self._fault: str = ""

    async def get(self) -> T:
        """What is held, or fetched now where that is too old.

        Raises:
            ProviderUnavailableError: it cannot be had, or could not a moment ago.
        """
        async with self._lock:
            if self._held is not None and self._clock() < self._held_since + self._keep_seconds:
                return self._held
            return await self._renew()

    async def again(self, held: T) -> T:
        """What is fetched anew, where somebody misses something in `held`; `held` itself where it was fetched a moment ago."""
        async with self._lock:
            if self._held is not held and self._held is not None:
                return self._held
            return held if self._is_pausing() else await self._renew()

    def _is_pausing(self) -> bool:
        return self._asked is not None and self._clock() < self._asked + self._pause_seconds

    async def _renew(self) -> T:
        if self._fault and self._is_pausing():
            raise ProviderUnavailableError(self._fault)
        self._asked = self._clock()
        try:
            held = await self._fetch()
        except ProviderUnavailableError as fault:
            self._fault = str(fault)
            raise
        self._fault, self._held, self._held_since = "", held, self._clock()
        return held
