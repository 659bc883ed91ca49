# SPDX-License-Identifier: Apache-2.0
"""Whose a dataset is: that of who registered it. A shard is theirs who registered what was divided, whoever divided it."""

from __future__ import annotations

from modelward.access import Actor, Permission
from modelward.audit import Ledger
from modelward.datasets import store
from modelward.datasets.agreement import Agreement
from modelward.datasets.dataset import DATASET_REGISTERED, DatasetMissingError, DatasetShreddedError
from modelward.datasets.shelf import Shelf


class Owners:
    """Knows who registered the rows of a dataset, and whether that is somebody."""

    def __init__(self, shelf: Shelf, agreement: Agreement, ledger: Ledger) -> None:
        self._shelf = shelf
        self._agreement = agreement
        self._ledger = ledger

    def owner(self, found: store.Registration) -> str:
        """The id of who registered the dataset, or what it is a shard of at any depth, be that shredded or not; "" where nobody
        can tell.

        Raises:
            DatasetChangedError: the database says otherwise than what was sealed.
        """
        *_, first = self._agreement.names(found)
        try:
            return self._shelf.genuine(first).by
        except (DatasetMissingError, DatasetShreddedError):
            return self._recorded(first)

    def is_owner(self, by: Actor, found: store.Registration) -> bool:
        """Whether the dataset is that actor's, and they may register data still."""
        return by.may(Permission.DATA_WRITE, dataset=found.name) and self.owner(found) == by.id

    def _recorded(self, name: str) -> str:
        """Who registered it, as the ledger proves: what was sealed of a shredded dataset says it no more."""
        for each in self._ledger.entries(event=DATASET_REGISTERED.name, subject=name, newest_first=False):
            if self._ledger.proves(each):
                return each.entry.actor
        return ""
