# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of grants. A row that it tells of and that is gone, or an older one that was put back, gives nothing.

A seal says that a row is as it was written, and nothing of a row that is not there. Who may grant makes the first grant of all by
beginning, so that a row that is gone could open more than it did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Lock
from typing import Final

from modelward.audit import Ledger, LoggedEntry
from modelward.datasets.grant import DATASET_GRANTED, GRANT_REVOKED, Grant

_AT_ONCE: Final = 1000


class GrantedOnRecord:
    """Reads the ledger for the grants that were made, and for those that were taken back, and reads on from there."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = Lock()
        self._granted: set[tuple[str, str]] = set()
        self._revoked: dict[str, LoggedEntry] = {}
        self._read: dict[str, int] = {}

    def as_told(self, grant: Grant) -> Grant:
        """The grant; revoked, where the ledger tells that it was, or that another took its place, and its row does not."""
        with self._lock:
            for each in self._further(GRANT_REVOKED.name):
                self._revoked.setdefault(str(each.entry.facts.get("grant")), each)
            told = self._revoked.get(grant.id)
        if grant.revoked or told is None:
            return grant
        return replace(grant, revoked=told.entry.at, revoked_by=told.entry.actor)

    def granted(self) -> frozenset[tuple[str, str]]:
        """Which models were ever granted something of which datasets."""
        with self._lock:
            for each in self._further(DATASET_GRANTED.name):
                self._granted.add((str(each.entry.facts.get("model")), each.entry.subject))
            return frozenset(self._granted)

    def _further(self, event: str) -> Iterator[LoggedEntry]:
        """The entries of that event that were not read yet."""
        begin = self._read.get(event, 0)
        while found := self._ledger.entries(event=event, since=begin, limit=_AT_ONCE, newest_first=False):
            yield from found
            begin = found[-1].index + 1
            # What nobody proves does not say how far the ledger goes, or it would hide what comes before it.
            proved = next((each for each in reversed(found) if self._ledger.proves(each)), None)
            self._read[event] = max(self._read.get(event, 0), proved.index + 1 if proved else 0)
