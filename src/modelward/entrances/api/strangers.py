# SPDX-License-Identifier: Apache-2.0
"""Strangers: addresses that send wrong keys, and for which nobody asks the database any more."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FREE: Final = 20
_FORGIVEN_A_SECOND: Final = 0.2
_ADDRESSES: Final = 4096


class Strangers:
    """How many wrong keys each address sent lately. A key of 256 bits is not guessed; this keeps who tries from costing anything.

    Kept in this process alone, of at most 4096 addresses, the latest that sent one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._turn = threading.Lock()

    def note(self, address: str) -> None:
        """Another wrong key came from there."""
        with self._turn:
            self._wrong[address] = (self._left(address) + 1, self._clock())
            self._wrong.move_to_end(address)
            if len(self._wrong) > _ADDRESSES:
                self._wrong.popitem(last=False)

    def is_one(self, address: str) -> bool:
        """Whether so many came from there that a key is looked for in memory before anybody is asked for it."""
        with self._turn:
            return self._left(address) >= FREE

    def _left(self, address: str) -> float:
        wrong, at = self._wrong.get(address, (0.0, 0.0))
        return max(0.0, wrong - (self._clock() - at) * _FORGIVEN_A_SECOND) if wrong else 0.0
