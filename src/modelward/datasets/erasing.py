# SPDX-License-Identifier: Apache-2.0
"""The verb that takes somebody's rows out of a dataset for good, and out of every shard that was divided off it.

The rest is sealed anew under the same names, and the keys of all that was sealed before are destroyed, in one change. Whoever is
cut off before it has the datasets as they were, and after it as they are; what is left of the old ones opens for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from modelward.access import Actor, Permission, Seal
from modelward.audit import Ledger, checked_reason
from modelward.datasets import store
from modelward.datasets.agreement import Agreement
from modelward.datasets.dataset import DATASET_READ, LEAST_ROWS, Column
from modelward.datasets.description import Description, describe_table, description_label, sealable
from modelward.datasets.erasure import (
    DATASET_ERASED,
    Erased,
    ErasedMeanwhileError,
    ErasedPart,
    NotErasableError,
    NothingToEraseError,
    RecordedErasure,
)
from modelward.datasets.owners import Owners
from modelward.datasets.row_filter import RowFilter
from modelward.datasets.sharding import is_called_shard
from modelward.datasets.shelf import Shelf
from modelward.datasets.table import Table
from modelward.datasets.tracing import DATASET_TRACED
from modelward.datasets.view import GrantedTable, column_as_seen
from modelward.digest import keyed_digest, sha256_hex
from modelward.errors import InvalidError, ModelwardError
from modelward.storage import Connection, Database, Keyring, Vault

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One dataset that loses rows, or learns that what it is a shard of did."""

    found: store.Registration
    described: Description
    table: Table
    gone: pl.Series
    parent: str

    @property
    def count(self) -> int:
        """How many rows are taken out."""
        return int(self.gone.sum())


@dataclass(frozen=True, slots=True, eq=False)
class _Rest:
    """What is left of one, as it is registered."""

    part: _Part
    table: GrantedTable
    described: Description


class Erasing:
    """Erases rows of datasets, and says which were."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        ledger: Ledger,
        shelf: Shelf,
        keyring: Keyring,
        agreement: Agreement,
        owners: Owners,
    ) -> None:
        self._agreement = agreement
        self._owners = owners
        self._database = database
        self._vault = vault
        self._ledger = ledger
        self._shelf = shelf
        self._seal = Seal(keyring.secret("pepper"))
        self._digest_key = keyring.secret("digests")

    def erase(self, name: str, *, rows: str, reason: str, is_trial: bool = False, by: Actor) -> Erased:
        """Take the rows that the filter `rows` means out of the dataset called `name` and out of all its shards, for good. One that
        `is_trial` says what would be taken out, changes nothing, and is on record as a trace is.

        Who was cut off after it was done types it again: then no file has anything of it left.

        Raises:
            NotPermittedError: the actor neither holds data:erase nor is it theirs. DatasetMissingError: there is none.
            InvalidFilterError: the filter does not fit its columns. NothingToEraseError: it means no row.
            NotErasableError: it is a shard of what has these rows, too, or what is left is too little to be a dataset.
            TermsNotAcceptedError: one is tried on data whose terms the actor did not accept. ReasonError: there is no
            reason. ErasedMeanwhileError: somebody else changed it; nothing was done.
            DatabaseBusyError: it is done, and what was deleted could not be overwritten yet; type it again.
        """
        by.require(Permission.DATA_READ, dataset=name)
        found = self._shelf.genuine(name)
        if by.may(Permission.DATA_ERASE, dataset=name) or not self._owners.is_owner(by, found):
            by.require(Permission.DATA_ERASE, dataset=name)
        if is_trial:
            # What it tells is a figure of the rows; that they go asks for no terms.
            self._agreement.require(found, by=by)
        reason = "" if is_trial else checked_reason(reason)
        asked, digest = RowFilter.parse(rows), keyed_digest(self._digest_key, f"erase:{name}:{rows}".encode())
        self._check_whole(found)
        with self._database.look() as connection:
            others = [each for each in store.every(connection) if each.name != found.name]
        parts = list(self._parts(found, asked, others))
        if is_trial:
            self._record_trial(parts[0], digest=digest, columns=asked.columns, by=by)
        if not parts[0].count:
            if is_trial:
                raise _nothing_meant(found.name)
            return self._done_before(found, digest)
        if is_trial:
            for part in parts:
                _check_enough(part)
            told = tuple(_told(part, kept_out=self._kept_out(part, parts)) for part in parts)
            return Erased(dataset=name, parts=told, reason=reason, by=by.id, erased=None)
        known = frozenset(each.name for each in others)
        return self._erase([*_rests(parts)], known=known, digest=digest, columns=asked.columns, reason=reason, by=by)

    def may_erase(self, name: str, *, by: Actor) -> bool:
        """Whether the actor may erase rows of the dataset called `name`: with data:erase, or because it is theirs."""
        found = self._shelf.find(name)
        return found.shredded is None and (by.may(Permission.DATA_ERASE, dataset=name) or self._owners.is_owner(by, found))

    def recorded(self, name: str) -> list[RecordedErasure]:
        """The erasures from that dataset, as the ledger tells them. One that is not proved kept nothing out."""
        found = []
        for each in self._ledger.every(event=DATASET_ERASED.name, subject=name):
            facts = each.entry.facts
            kept_out = frozenset(map(str, facts["kept_out"])) if self._ledger.proves(each) else frozenset()
            before = str(facts["before"])
            found.append(RecordedErasure(dataset=name, at=each.entry.at, gone=int(facts["rows"]), before=before, kept_out=kept_out))
        return found

    def concerning(self, name: str, *, fingerprint: str, made: datetime, grant: str) -> list[RecordedErasure]:
        """The erasures from that dataset of rows that a version may have learned from, which was `made` then, under that grant,
        from rows with that `fingerprint`. When it was made does not decide alone: a version that is exported and imported again,
        or was just being registered, is younger than what it learned.
        """
        found = self.recorded(name)
        if not found:
            return []
        shown = self._shown_as(name, fingerprint)
        return [each for each in found if each.concerns(made, grant, shown)]

    def _shown_as(self, name: str, fingerprint: str) -> frozenset[str]:
        """The fingerprints that the dataset had, when rows with that `fingerprint` were shown of it. None, where they are shown of
        it as it is: then nothing of them was erased.
        """
        now = self._shelf.find(name).fingerprint
        told = (each.entry.facts for each in self._ledger.every(event=DATASET_READ.name, subject=name))
        found = {fingerprint, *(str(facts.get("fingerprint")) for facts in told if facts.get("view") == fingerprint)}
        return frozenset() if now in found else frozenset(found)

    def _check_whole(self, found: store.Registration) -> None:
        """Nothing, where no other dataset is known that this one's rows were taken from."""
        shard = self._shelf.description(found).shard
        if shard is None:
            return
        with self._database.look() as connection:
            parent = store.find(connection, shard.dataset)
        if parent is not None and parent.shredded is None and parent.fingerprint == shard.fingerprint:
            raise NotErasableError(
                f"{found.name!r} is a shard of {parent.name!r}, which has these rows, too. Erase them there, and they are gone "
                f"from every shard: `modelward data erase {parent.name} --rows FILTER --reason TEXT`."
            )

    def _parts(self, found: store.Registration, asked: RowFilter, others: Sequence[store.Registration]) -> Iterator[_Part]:
        """The dataset, and below it every one of the `others` whose description speaks of what changes, or which has such rows.

        Raises:
            NotErasableError: one that is called like a shard of it cannot be read.
        """
        top = self._part(found, self._shelf.description(found), asked, parent="")
        yield top
        line = [top] if top.count else []
        while line:
            above = line.pop(0)
            for each in others:
                if each.shredded is not None or not is_called_shard(each.name, above.found.name):
                    continue
                description = self._described(each)
                shard = description.shard
                if shard and (shard.dataset, shard.fingerprint) == (above.found.name, above.found.fingerprint):
                    part = self._part(each, description, asked, parent=above.found.name)
                    yield part
                    # One that loses no row learns of other columns all the same, and so do those that were divided off it.
                    line.append(part)

    def _described(self, each: store.Registration) -> Description:
        try:
            return self._shelf.description(each)
        except ModelwardError as unreadable:
            raise NotErasableError(
                f"Nothing is erased: {each.name!r} may be a shard with such rows, and cannot be read. Restore it from a backup, or "
                f"shred it (`modelward data shred {each.name} --reason TEXT`), and erase again."
            ) from unreadable

    def _part(self, found: store.Registration, described: Description, asked: RowFilter, *, parent: str) -> _Part:
        table = self._shelf.rows(found)
        asked.check(described.columns)
        return _Part(found, described, table, asked.kept(table, described.columns), parent)

    def _erase(
        self, rests: list[_Rest], *, known: frozenset[str], digest: str, columns: tuple[str, ...], reason: str, by: Actor
    ) -> Erased:
        pieces = chain.from_iterable(sealable(each.table, each.described, name=each.part.found.name) for each in rests)
        last = {description_label(each.part.found.name): each for each in rests}
        old = {each.part.found.name: store.objects_of(each.part.found) for each in rests}
        fingerprints = {each.part.found.name: each.described.profile.fingerprint for each in rests}
        keys = {name: [sha256_hex((key.id or key.object[:32]).encode()) for key in self._vault.keys_of(old[name])] for name in old}
        parts = [each.part for each in rests]
        kept_out = {part.found.name: self._kept_out(part, parts) for part in parts}
        told = tuple(_told(each, fingerprint=fingerprints[each.found.name], kept_out=kept_out[each.found.name]) for each in parts)
        now, traces, digests = datetime.now(UTC), list[bytes](), list[str]()
        with self._vault.sealing(pieces, named=store.sealed_objects) as (connection, sealed):
            _check_no_more_shards(connection, parts, known=known)
            for label, made in sealed.items():
                digests.append(made)
                if (rest := last.get(label)) is None:
                    continue
                part, name = rest.part, rest.part.found.name
                self._shelf.must_be_as_read(connection, part.found)
                traces += self._vault.shred(connection, old[name])
                fresh = replace(part.found, fingerprint=fingerprints[name], rows=rest.table.height, sealed=digests[0])
                store.put_anew(connection, replace(fresh, described=digests[-1], further=tuple(digests[1:-1])))
                digests.clear()
                if part.count:
                    facts = {
                        "rows": part.count,
                        "left": rest.table.height,
                        "before": part.found.fingerprint,
                        "fingerprint": fingerprints[name],
                        "columns": [*columns],
                        "digest": digest,
                        "reason": reason,
                        "keys": keys[name],
                        "kept_out": [*kept_out[name]],
                        "shard_of": part.parent,
                    }
                    self._ledger.record(connection, DATASET_ERASED, actor=by.id, subject=name, facts=facts)
        self._database.erase(traces)
        for objects in old.values():
            for object_ in objects:
                self._vault.discard(object_)
        every_key = tuple(key for name in keys for key in keys[name])
        return Erased(dataset=rests[0].part.found.name, parts=told, reason=reason, by=by.id, erased=now, keys=every_key)

    def _record_trial(self, top: _Part, *, digest: str, columns: tuple[str, ...], by: Actor) -> None:
        """Who asks how many rows a filter means learns something of them, as who traces a value does, and is on record for it."""
        facts = {"columns": [*columns], "digest": digest, "rows": top.count, "fingerprint": top.found.fingerprint}
        with self._database.change() as connection:
            self._ledger.record(connection, DATASET_TRACED, actor=by.id, subject=top.found.name, facts=facts)

    def _kept_out(self, part: _Part, parts: Sequence[_Part]) -> tuple[str, ...]:
        """The grants, of the dataset or of what it is a shard of, whose filters had left every one of its rows out that go."""
        above = {each.found.name: each.parent for each in parts}
        names, name = [], part.found.name
        while name:
            names.append(name)
            name = above.get(name, "")
        with self._database.look() as connection:
            grants = [each for name in names for each in store.grants(connection, dataset=name, seal=self._seal) if each.rows]
        clear = []
        for grant in grants:
            with suppress(InvalidError):
                kept = RowFilter.parse(grant.rows).kept(part.table, part.described.columns)
                if not (kept & part.gone).any():
                    clear.append(grant.id)
        return tuple(clear)

    def _done_before(self, found: store.Registration, digest: str) -> Erased:
        """The erasure by the same filter that was done before, of which nothing is left now in any file.

        Raises:
            NothingToEraseError: there was none.
        """
        for each in self._ledger.entries(event=DATASET_ERASED.name, subject=found.name):
            facts = each.entry.facts
            if facts.get("digest") == digest:
                self._database.erase(None)
                before = int(facts["left"]) + int(facts["rows"])
                part = ErasedPart(
                    dataset=found.name,
                    before=before,
                    gone=int(facts["rows"]),
                    fingerprint=str(facts["fingerprint"]),
                    kept_out=tuple(facts["kept_out"]),
                )
                return Erased(
                    dataset=found.name,
                    parts=(part,),
                    reason=str(facts["reason"]),
                    by=each.entry.actor,
                    erased=each.entry.at,
                    keys=tuple(facts["keys"]),
                )
        raise _nothing_meant(found.name)


def _nothing_meant(name: str) -> NothingToEraseError:
    return NothingToEraseError(
        f"The filter means no row of {name!r}, so nothing is erased. `modelward data trace {name} --where COLUMN=VALUE` looks for "
        "records by one value."
    )


def _rests(parts: list[_Part]) -> Iterator[_Rest]:
    """What is left of each, in their order: the fingerprint of a dataset is known before its shards speak of it.

    Raises:
        NotErasableError: one is no dataset any more.
    """
    fingerprints: dict[str, str] = {}
    top = parts[0]
    left = GrantedTable(top.table, top.described.columns, ~top.gone)
    # What is told of a column is told of the rows that are left: a value that nobody else has must not stay in it. The columns of a
    # shard are those of the whole.
    columns = tuple(column_as_seen(column, left.get_column(column.name)) for column in top.described.columns)
    for part in parts:
        _check_enough(part)
        rest = _rest(part, columns, fingerprints)
        fingerprints[part.found.name] = rest.described.profile.fingerprint
        yield rest


def _rest(part: _Part, columns: tuple[Column, ...], fingerprints: Mapping[str, str]) -> _Rest:
    found, described = part.found, part.described
    table = GrantedTable(part.table, columns, ~part.gone)
    try:
        anew = describe_table(table, name=found.name, declared=found.declared, positive=described.profile.positive, columns=columns)
    except InvalidError as refused:
        raise NotErasableError(
            f"What is left of {found.name!r} is no dataset to learn from: {refused} Shred all of it: `modelward data shred "
            f"{found.name} --reason TEXT`."
        ) from refused
    shard = described.shard and replace(described.shard, fingerprint=fingerprints.get(part.parent, described.shard.fingerprint))
    return _Rest(part, table, replace(anew, said=described.said, shard=shard))


def _check_no_more_shards(connection: Connection, parts: Sequence[_Part], *, known: frozenset[str]) -> None:
    looked_at = known | {part.found.name for part in parts}
    for each in store.every(connection):
        if each.name not in looked_at and any(is_called_shard(each.name, part.found.name) for part in parts):
            raise ErasedMeanwhileError(f"Somebody else divided off {each.name!r} just now. Nothing was done; try again.")


def _check_enough(part: _Part) -> None:
    if (left := part.found.rows - part.count) < LEAST_ROWS:
        raise NotErasableError(
            f"{left} rows of {part.found.name!r} would be left, and at least {LEAST_ROWS} are needed. Shred all of it: `modelward "
            f"data shred {part.found.name} --reason TEXT`."
        )


def _told(part: _Part, *, fingerprint: str = "", kept_out: tuple[str, ...] = ()) -> ErasedPart:
    found = part.found
    return ErasedPart(dataset=found.name, before=found.rows, gone=part.count, fingerprint=fingerprint, kept_out=kept_out)
