# SPDX-License-Identifier: Apache-2.0
"""Whether somebody accepted the terms of what they want rows or figures of; for a shard, those of what was divided, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelward.access import Actor, Agreeing
from modelward.audit import Ledger
from modelward.datasets import store
from modelward.datasets.dataset import DATASET_REGISTERED, DatasetChangedError, DatasetMissingError, DatasetShreddedError
from modelward.datasets.registered_on_record import registered_on_record
from modelward.datasets.sharding import may_be_shard
from modelward.datasets.shelf import Shelf
from modelward.errors import ModelwardError


class Agreement:
    """Knows from which datasets the rows of one come, and asks for the terms of all of them."""

    def __init__(self, shelf: Shelf, terms: Agreeing, ledger: Ledger) -> None:
        self._shelf = shelf
        self._terms = terms
        self._ledger = ledger
        self._lines: dict[str, tuple[str, ...]] = {}

    def require(self, found: store.Registration, *, by: Actor) -> None:
        """Nothing, where `by` accepted the terms of the dataset, and of all that it is a shard of at any depth.

        Raises:
            TermsNotAcceptedError: they did not. AlteredRowError: some terms were altered.
        """
        for name in self.names(found):
            self._terms.require(f"dataset:{name}", by)

    def require_named(self, name: str, *, by: Actor) -> None:
        """As `require`, of what may not be on the shelf of this house."""
        try:
            found = self._shelf.find(name)
        except DatasetMissingError:
            self._terms.require(f"dataset:{name}", by)
        else:
            self.require(found, by=by)

    def names(self, found: store.Registration) -> Iterator[str]:
        """The name of the dataset, of the one that it is a shard of, of the one that that is a shard of, and so on.

        Raises:
            DatasetChangedError: the ledger should tell it of one that was shredded, and does not prove what it tells.
        """
        name = found.name
        while name:
            yield name
            try:
                shard = self._shelf.description(self._shelf.find(name)).shard
                name = shard.dataset if shard else ""
            except DatasetShreddedError:
                name = self._recorded(name, must_be=True)
            except DatasetMissingError:
                name = self._recorded(name, must_be=False)

    def line(self, name: str) -> Sequence[str]:
        """As `names`, of what may not be on the shelf; looked up once, for a dataset stays a shard of what it was divided from.

        Raises:
            ModelwardError: it cannot be told.
        """
        if not may_be_shard(name):
            return (name,)
        if name not in self._lines:
            try:
                shard = self._shelf.description(self._shelf.find(name)).shard
                whole = shard.dataset if shard else ""
            except DatasetMissingError:
                return (name,)
            except ModelwardError:
                # It was shredded, or what was sealed of it is damaged.
                whole = self._recorded(name, must_be=True)
            self._lines[name] = (name, *self.line(whole)) if whole else (name,)
        return self._lines[name]

    def _recorded(self, name: str, *, must_be: bool) -> str:
        """What the dataset is a shard of, as the ledger says."""
        told = registered_on_record(self._ledger, name)
        if told is None and (must_be or self._ledger.entries(event=DATASET_REGISTERED.name, subject=name, limit=1)):
            raise DatasetChangedError(
                f"What {name!r} is a shard of, an entry of the ledger told that is gone or was altered, so nothing that was "
                "divided from it is opened. Restore the home from a backup, and run `modelward audit verify`."
            )
        shard = told.facts.get("shard") if told else None
        return str(shard.get("dataset", "")) if isinstance(shard, dict) else ""
