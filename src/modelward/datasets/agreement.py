# SPDX-License-Identifier: Apache-2.0
"""Whether somebody accepted the terms of what they want rows or figures of; for a shard, those of what was divided, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from modelward.access import Actor, Agreeing
from modelward.audit import Ledger
from modelward.datasets import store
from modelward.datasets.dataset import DATASET_REGISTERED, DatasetChangedError, DatasetMissingError, DatasetShreddedError
from modelward.datasets.derived import DATASET_DEIDENTIFIED
from modelward.datasets.registered_on_record import registered_on_record
from modelward.datasets.sharding import may_be_shard
from modelward.datasets.shelf import Shelf
from modelward.errors import ModelwardError


class Agreement:
    """Knows from which datasets the rows of one come, as shards or as de-identified copies, and asks for the terms of all."""

    def __init__(self, shelf: Shelf, terms: Agreeing, ledger: Ledger) -> None:
        self._shelf = shelf
        self._terms = terms
        self._ledger = ledger
        self._lines: dict[str, tuple[str, ...]] = {}

    def require(self, found: store.Registration, *, by: Actor) -> None:
        """Nothing, where `by` accepted the terms of the dataset, and of all that it is a shard or a copy of at any depth.

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
        """The name of the dataset, of the one that it is a shard or a de-identified copy of, of what that one is, and so on.

        Raises:
            DatasetChangedError: the ledger should tell it of one that was shredded, and does not prove what it tells.
        """
        name = found.name
        while name:
            yield name
            try:
                name = self._shelf.description(self._shelf.find(name)).origin
            except DatasetShreddedError:
                name = self._recorded(name, must_be=True, copies=True)
            except DatasetMissingError:
                name = self._recorded(name, must_be=False, copies=True)

    def divided(self, found: store.Registration) -> Iterator[str]:
        """As `names`, and no further than the first copy: what is granted of a dataset is not granted of its de-identified copies.

        Raises: as `names` does.
        """
        for name in self.names(found):
            yield name
            with suppress(DatasetMissingError, DatasetShreddedError):
                if self._shelf.description(self._shelf.find(name)).derived:
                    return
                continue
            if self._recorded(name, must_be=False, copies=True) != self._recorded(name, must_be=False):
                return

    def copies(self) -> dict[str, str]:
        """What each de-identified copy that the ledger knows of was made of, by its name."""
        told = self._ledger.every(event=DATASET_DEIDENTIFIED.name)
        return {str(each.entry.facts.get("copy")): each.entry.subject for each in told}

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

    def _recorded(self, name: str, *, must_be: bool, copies: bool = False) -> str:
        """What the dataset is a shard of, or with `copies` a copy, as the ledger says."""
        told = registered_on_record(self._ledger, name)
        if told is None and (must_be or self._ledger.entries(event=DATASET_REGISTERED.name, subject=name, limit=1)):
            raise DatasetChangedError(
                f"What {name!r} is a shard of, an entry of the ledger told that is gone or was altered, so nothing that was "
                "divided from it is opened. Restore the home from a backup, and run `modelward audit verify`."
            )
        shard = told.facts.get("shard") if told else None
        if copies and told and (origin := told.facts.get("copy_of")):
            return str(origin)
        return str(shard.get("dataset", "")) if isinstance(shard, dict) else ""
