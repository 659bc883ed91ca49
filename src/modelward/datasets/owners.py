# SPDX-License-Identifier: Apache-2.0
"""Whose a dataset is, and who may therefore grant it: that of who registered it. A shard is theirs who registered what was divided,
whoever divided it.
"""

from __future__ import annotations

from modelward.access import Actor, Decision, NotPermittedError, Permission
from modelward.audit import Ledger
from modelward.datasets import store
from modelward.datasets.agreement import Agreement
from modelward.datasets.dataset import DatasetMissingError, DatasetShreddedError
from modelward.datasets.registered_on_record import registered_on_record
from modelward.datasets.shelf import Shelf


class Owners:
    """Knows who registered the rows of a dataset, whether that is somebody, and whether they may grant it."""

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
            # What was sealed of a shredded dataset says it no more.
            told = registered_on_record(self._ledger, first)
            return told.actor if told else ""

    def is_owner(self, by: Actor, found: store.Registration) -> bool:
        """Whether the dataset is that actor's, and they may register data still."""
        return by.may(Permission.DATA_WRITE, dataset=found.name) and self.owner(found) == by.id

    def may_grant(self, found: store.Registration, *, model: str | None = None, by: Actor) -> bool:
        """Whether the actor may grant the dataset: with data:grant, or because it is theirs."""
        return self._granting(by, found, model=model) is not None

    def require_granting(self, found: store.Registration, *, model: str | None = None, by: Actor) -> Decision:
        """What lets the actor grant the dataset. Where nothing but an emergency does, that is on record.

        Raises:
            NotPermittedError: the actor neither holds data:grant nor registered it.
        """
        permission = self._granting(by, found, model=model)
        if permission is None:
            if model is not None and self._granting(by, found, model=None):
                # What is in the way is the model, which is out of their reach.
                holds = by.may(Permission.DATA_GRANT, dataset=found.name)
                return by.require(Permission.DATA_GRANT if holds else Permission.DATA_WRITE, model=model, dataset=found.name)
            raise NotPermittedError(
                f"{by.id} may not grant dataset {found.name!r}: that is for who holds {Permission.DATA_GRANT}, and for "
                f"{self.owner(found)}, who registered it. Ask who owns the data ({found.declared.owner})."
            )
        return by.require(permission, model=model, dataset=found.name)

    def divided(self, found: store.Registration) -> store.Registration:
        """What was divided at first, where that is a shard and the rest is still there; else the dataset itself."""
        shard = self._shelf.description(found).shard
        try:
            return self.divided(self._shelf.genuine(shard.dataset)) if shard else found
        except (DatasetMissingError, DatasetShreddedError):
            return found

    def _granting(self, by: Actor, found: store.Registration, *, model: str | None) -> Permission | None:
        """The permission by which the actor may grant the dataset; None where they may not."""
        if by.may(Permission.DATA_GRANT, model=model, dataset=found.name):
            return Permission.DATA_GRANT
        if by.may(Permission.DATA_WRITE, model=model, dataset=found.name) and self.is_owner(by, found):
            return Permission.DATA_WRITE
        return None
