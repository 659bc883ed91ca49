# SPDX-License-Identifier: Apache-2.0
"""Which datasets hold the same rows: shards of what was divided, de-identified copies, and what was registered twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress

from modelward.datasets import store
from modelward.datasets.agreement import Agreement
from modelward.datasets.sharding import may_be_shard, wholes_by_name
from modelward.errors import ModelwardError
from modelward.storage import Database


class SameRows:
    """Knows from names, fingerprints and divisions which datasets hold rows of one another."""

    def __init__(self, database: Database, agreement: Agreement) -> None:
        self._database = database
        self._agreement = agreement

    def whole(self, name: str) -> str:
        """What the dataset was divided or copied from at first; itself, where it was not.

        Raises:
            ModelwardError: it cannot be told.
        """
        with self._database.look() as connection:
            copied = self._copied({each.name: each.origin for each in store.every(connection) if each.origin})
        seen: set[str] = set()
        while (first := self._agreement.line(name)[-1]) in copied and first not in seen:
            seen.add(first)
            name = copied[first]
        return first

    def of(self, name: str, prints: Mapping[str, frozenset[str]]) -> frozenset[str]:
        """The names of all datasets that hold rows of that one, itself among them. `prints` are fingerprints that names had."""
        with self._database.look() as connection:
            every = store.every(connection)
        registered = {each.name: each.fingerprint for each in every}
        copied = self._copied({each.name: each.origin for each in every if each.origin})
        near: dict[str, set[str]] = defaultdict(set)
        for each in {*registered, *prints, *copied}:
            marks = {*prints.get(each, ()), *([registered[each]] if each in registered else [])}
            for other in (*(f"#{mark}" for mark in marks), *self._above(each), *([copied[each]] if each in copied else [])):
                near[each].add(other)
                near[other].add(each)
        found, waiting = {name}, [name]
        while waiting:
            new = near[waiting.pop()] - found
            found |= new
            waiting += new
        return frozenset(each for each in found if not each.startswith("#"))

    def _copied(self, registered: Mapping[str, str]) -> dict[str, str]:
        """What each copy was made of, by its name: as its row says, or the ledger, which tells it where the row is gone."""
        return {**self._agreement.copies(), **registered}

    def _above(self, name: str) -> Iterable[str]:
        if not may_be_shard(name):
            return ()
        with suppress(ModelwardError):
            return self._agreement.line(name)[1:]
        # It cannot be told; its name says what it may be a shard of.
        return wholes_by_name(name)
