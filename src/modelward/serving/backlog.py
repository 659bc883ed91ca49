# SPDX-License-Identifier: Apache-2.0
"""Backlog: how much was handed to the ledger's writer and is neither on record nor given up."""

from __future__ import annotations


class Backlog:
    """Counts for two threads without a lock, for each of its numbers is changed by one: what the event loop hands in, and what the
    writer settles.
    """

    __slots__ = ("_handed", "_settled", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._handed = self._settled = 0

    def hand(self, entries: int) -> None:
        """In the loop's thread: so many more wait."""
        self._handed += entries

    def settle(self, entries: int) -> None:
        """In the writer's thread: so many wait no longer."""
        self._settled += entries

    @property
    def waiting(self) -> int:
        """How many do."""
        return self._handed - self._settled

    @property
    def is_full(self) -> bool:
        """Whether no more should."""
        return self.waiting >= self.limit
