# SPDX-License-Identifier: Apache-2.0
"""The verb that ends data for good: a dataset's keys are destroyed, and with them every copy of what they sealed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from modelward.access import Actor, Permission
from modelward.audit import Ledger, checked_reason
from modelward.datasets import store
from modelward.datasets.dataset import DATASET_SHREDDED, Shredded
from modelward.datasets.owners import Owners
from modelward.datasets.shelf import Shelf
from modelward.digest import sha256_hex
from modelward.errors import ModelwardError
from modelward.storage import Database, KeyStanding, Vault


class Shredding:
    """Shreds datasets, and says whether their keys are destroyed."""

    def __init__(self, database: Database, vault: Vault, ledger: Ledger, shelf: Shelf, owners: Owners) -> None:
        self._database = database
        self._vault = vault
        self._ledger = ledger
        self._shelf = shelf
        self._owners = owners

    def shred(self, name: str, *, reason: str, by: Actor) -> Shredded:
        """Destroy every key of the dataset called `name`, for that `reason`, and remove its objects: nobody can read it again, in
        no backup of the objects either. What is left is its name, what was declared, and this. Versions made from it stay.

        What somebody cut off goes on where it is called again: a shredded dataset has nothing of it left in the database's files.

        Raises:
            NotPermittedError: the actor neither holds data:shred nor is it theirs. DatasetMissingError: there is none.
            ReasonError: there is no reason, or a long one.
            ErasedMeanwhileError: rows of it were erased just now; nothing was done.
            DatabaseBusyError: it is shredded, and somebody reads for so long that what was deleted could not be overwritten yet.
        """
        by.require(Permission.DATA_READ, dataset=name)
        found = self._shelf.find(name)
        if by.may(Permission.DATA_SHRED, dataset=name) or not self._owners.is_owner(by, found):
            by.require(Permission.DATA_SHRED, dataset=name)
        reason = checked_reason(reason)
        objects, traces = store.objects_of(found), None
        if found.shredded is None:
            shredded, traces = self._destroy(found, objects, reason, by)
        else:
            shredded = found.shredded
        self._vault.clear(traces)
        for digest in objects:
            self._vault.discard(digest)
        return shredded

    def may_shred(self, name: str, *, by: Actor) -> bool:
        """Whether the actor may shred the dataset called `name`: with data:shred, or because it is theirs."""
        return by.may(Permission.DATA_SHRED, dataset=name) or self._owners.is_owner(by, self._shelf.find(name))

    def keys(self, name: str, *, by: Actor) -> list[KeyStanding]:
        """How the keys of the dataset called `name` stand: by which master key each is wrapped, or when it was destroyed.

        Raises:
            DatasetMissingError: there is none.
        """
        by.require(Permission.DATA_READ, dataset=name)
        return self._vault.keys_of(store.objects_of(self._shelf.find(name)))

    def _destroy(
        self, found: store.Registration, objects: dict[str, str], reason: str, by: Actor
    ) -> tuple[Shredded, list[bytes] | None]:
        keys = tuple(sha256_hex((key.id or key.object[:32]).encode()) for key in self._vault.keys_of(objects))
        shredded = Shredded(
            dataset=found.name,
            shredded=datetime.now(UTC),
            by=by.id,
            reason=reason,
            keys=keys,
            shards=self._shards(found),
        )
        facts = {
            "fingerprint": found.fingerprint,
            "rows": found.rows,
            "reason": reason,
            "keys": [*keys],
            "shards": [*shredded.shards],
        }
        with self._database.change() as connection:
            now = store.find(connection, found.name)
            if now is None or now.shredded:
                return (now.shredded if now and now.shredded else shredded), None
            self._shelf.must_be_as_read(connection, found)
            traces = self._vault.shred(connection, objects)
            store.shred(connection, shredded)
            self._ledger.record(connection, DATASET_SHREDDED, actor=by.id, subject=found.name, facts=facts)
        return shredded, traces

    def _shards(self, found: store.Registration) -> tuple[str, ...]:
        """The datasets that hold rows of it still, for it was divided into them, or they are de-identified copies."""
        with self._database.look() as connection:
            others = [each for each in store.every(connection) if each.shredded is None and each.name != found.name]
        names = []
        for each in others:
            with suppress(ModelwardError):
                described = self._shelf.description(each)
                from_ = described.shard or described.derived
                if from_ and (from_.dataset, from_.fingerprint) == (found.name, found.fingerprint):
                    names.append(each.name)
        return tuple(names)
