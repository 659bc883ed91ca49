# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of grants. A row that it tells of and that is gone, or an older one that was put back, gives nothing.

A seal says that a row is as it was written, and nothing of a row that is not there. Who may grant makes the first grant of all by
beginning, so that a row that is gone could open more than it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from threading import Lock

from modelward.audit import Ledger, LoggedEntry, Tail
from modelward.datasets.grant import DATASET_GRANTED, GRANT_REVOKED, Grant


class GrantedOnRecord:
    """Reads the ledger for the grants that were made, and for those that were taken back, and reads on from there."""

    def __init__(self, ledger: Ledger) -> None:
        self._grants, self._revocations = Tail(ledger, DATASET_GRANTED), Tail(ledger, GRANT_REVOKED)
        self._lock = Lock()
        self._granted: set[tuple[str, str]] = set()
        self._revoked: dict[str, LoggedEntry] = {}

    def as_told(self, grants: Iterable[Grant]) -> Sequence[Grant]:
        """The grants; revoked, where the ledger tells that one was, or that another took its place, and its row does not."""
        if not (rows := [*grants]):
            return rows
        with self._lock:
            for each in self._revocations.further():
                self._revoked.setdefault(str(each.entry.facts.get("grant")), each)
            told = {grant.id: self._revoked.get(grant.id) for grant in rows if not grant.revoked}
        return [
            replace(grant, revoked=ended.entry.at, revoked_by=ended.entry.actor) if (ended := told.get(grant.id)) else grant
            for grant in rows
        ]

    def granted(self) -> frozenset[tuple[str, str]]:
        """Which models were ever granted something of which datasets."""
        with self._lock:
            self._read_on()
            return frozenset(self._granted)

    def was_granted(self, model: str, dataset: str) -> bool:
        """Whether that model was ever granted something of that dataset."""
        with self._lock:
            self._read_on()
            return (model, dataset) in self._granted

    def _read_on(self) -> None:
        for each in self._grants.further():
            self._granted.add((str(each.entry.facts.get("model")), each.entry.subject))
