# SPDX-License-Identifier: Apache-2.0
"""Regulars: callers who ask again as soon as they are answered, as every client does that has one question at a time.

Without a moment's wait for them, callers of a dear engine fall into two halves for good, each of which always finds the engine busy
with the other, and a call answers half of what it could.
"""

from __future__ import annotations

_SHARE = 0.75
_LEARNED_AT_ONCE = 0.3


class Regulars:
    """Counts how many of those who were answered were back within a moment, and says how many are still awaited."""

    def __init__(self) -> None:
        self._share = 0.0
        self._answered = self._back = 0
        self._until = float("-inf")

    def answered(self, questions: int, *, now: float, within: float) -> None:
        """So many questions are answered now, and whoever is back `within` so many seconds is one of the regulars."""
        if self._answered:
            self._share += (min(1.0, self._back / self._answered) - self._share) * _LEARNED_AT_ONCE
        left = max(0, self._answered - self._back) if now < self._until else 0
        self._answered, self._back, self._until = left + questions, 0, now + within

    def came(self, questions: int, *, now: float) -> None:
        """So many questions came."""
        if now < self._until:
            self._back += questions

    def seconds(self, now: float) -> float:
        """How long it is worth to wait for those who are not back yet; 0 where most of them never were in time."""
        if self._share < _SHARE or self._back >= self._answered:
            return 0.0
        return max(0.0, self._until - now)
