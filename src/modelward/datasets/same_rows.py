# SPDX-License-Identifier: Apache-2.0
"""Which datasets hold the same rows: shards of what was divided, and what was registered twice."""

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
        """What the dataset was divided from at first; itself, where it was not.

        Raises:
            ModelwardError: it cannot be told.
        """
        return self._agreement.line(name)[-1]

    def of(self, name: str, prints: Mapping[str, frozenset[str]]) -> frozenset[str]:
        """The names of all datasets that hold rows of that one, itself among them. `prints` are fingerprints that names had."""
        with self._database.look() as connection:
            registered = {each.name: each.fingerprint for each in store.every(connection)}
        near: dict[str, set[str]] = defaultdict(set)
        for each in {*registered, *prints}:
            marks = {*prints.get(each, ()), *([registered[each]] if each in registered else [])}
            for other in (*(f"#{mark}" for mark in marks), *self._above(each)):
                near[each].add(other)
                near[other].add(each)
        found, waiting = {name}, [name]
        while waiting:
            new = near[waiting.pop()] - found
            found |= new
            waiting += new
        return frozenset(each for each in found if not each.startswith("#"))

    def _above(self, name: str) -> Iterable[str]:
        if not may_be_shard(name):
            return ()
        with suppress(ModelwardError):
            return self._agreement.line(name)[1:]
        # It cannot be told; its name says what it may be a shard of.
        return wholes_by_name(name)
