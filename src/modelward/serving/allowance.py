# SPDX-License-Identifier: Apache-2.0
"""Allowances: what strangers can cause is done as often as cannot make it dear."""

from __future__ import annotations

import time


class Allowance:
    """How often something may be done: `rate` times a second on average, as many at once where it was not done for a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate
        self._counted = time.monotonic()

    def take(self) -> bool:
        """Whether it may be done once more now."""
        now = time.monotonic()
        self._left = min(self._rate, self._left + (now - self._counted) * self._rate)
        self._counted = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
