# SPDX-License-Identifier: Apache-2.0
"""The verb that takes somebody's rows out of a dataset for good, and out of every shard that was divided off it.

The rest is sealed anew under the same names, and the keys of all that was sealed before are destroyed, in one change. Whoever is
cut off before it has the datasets as they were, and after it as they are; what is left of the old ones opens for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from modelward.access import Actor, Permission
from modelward.audit import Ledger, checked_reason
from modelward.datasets import store
from modelward.datasets.agreement import Agreement
from modelward.datasets.derived import DATASET_DEIDENTIFIED
from modelward.datasets.description import description_label, is_label_of, rows_label, sealable
from modelward.datasets.erasable import Erasable, Part, Rest, Witness, copied_still, nobody, rests_of
from modelward.datasets.erased_on_record import ErasedOnRecord, ErasureEntry
from modelward.datasets.erasure import (
    DATASET_ERASED,
    Erased,
    ErasedMeanwhileError,
    ErasedPart,
    NothingToEraseError,
    RecordedErasure,
)
from modelward.datasets.grant_book import GrantBook
from modelward.datasets.owners import Owners
from modelward.datasets.row_filter import RowFilter
from modelward.datasets.sharding import is_called_shard
from modelward.datasets.shelf import Shelf
from modelward.datasets.tracing import DATASET_TRACED
from modelward.digest import keyed_digest, sha256_hex
from modelward.storage import Connection, Database, Keyring, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What somebody wants erased, as the ledger tells it: of the filter a digest, and which columns it names."""

    digest: str
    columns: tuple[str, ...]
    reason: str
    by: Actor


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
        book: GrantBook,
    ) -> None:
        self._agreement = agreement
        self._owners = owners
        self._database = database
        self._vault = vault
        self._ledger = ledger
        self._shelf = shelf
        self._digest_key = keyring.secret("digests")
        self._erasable = Erasable(database, shelf, book)
        self._on_record = ErasedOnRecord(ledger)

    def erase(self, name: str, *, rows: str, reason: str, is_trial: bool = False, witness: Witness = nobody, by: Actor) -> Erased:
        """Take the rows that the filter `rows` means out of the dataset called `name` and out of all its shards, for good. One that
        `is_trial` says what would be taken out, and changes nothing. Either is on record as a trace is before anything is told of
        the rows, also where it is refused then. The `witness` tells what versions saw of the rows, which they alone know once those
        are gone; it is on record.

        Who was cut off after it was done types it again: then no file has anything of it left.

        Raises:
            NotPermittedError: the actor neither holds data:erase nor is it theirs. DatasetMissingError: there is none.
            InvalidFilterError: the filter does not fit its columns. NothingToEraseError: it means no row.
            NotErasableError: it is a shard of what has these rows, too, or what is left is too little to be a dataset.
            TermsNotAcceptedError: the actor did not accept the terms of the data. ReasonError: there is no reason.
            ErasedMeanwhileError: somebody else changed it; nothing was done.
            DatabaseBusyError: it is done, and what was deleted could not be overwritten yet; type it again.
        """
        by.require(Permission.DATA_READ, dataset=name)
        found = self._shelf.genuine(name)
        if by.may(Permission.DATA_ERASE, dataset=name) or not self._owners.is_owner(by, found):
            by.require(Permission.DATA_ERASE, dataset=name)
        # What it tells is a figure of the rows, also where it is refused: that none is meant, or that too few would be left.
        self._agreement.require(found, by=by)
        filter_, digest = RowFilter.parse(rows), keyed_digest(self._digest_key, f"erase:{name}:{rows}".encode())
        asked = _Asked(digest=digest, columns=filter_.columns, reason="" if is_trial else checked_reason(reason), by=by)
        self._erasable.check_whole(found)
        with self._database.look() as connection:
            others = [each for each in store.every(connection) if each.name != found.name]
        looked_at = self._erasable.parts(found, filter_, others)
        top = next(looked_at)
        self._record_look(top, asked)  # Before the shards are opened: that one cannot be tells that rows are meant.
        parts = [top]
        for part in looked_at:
            self._agreement.require(part.found, by=by)  # A shard may have terms of its own, and how many go is told of each.
            parts.append(part)
        if not top.count:
            return self._done_before(found, asked, is_trial=is_trial)
        self._erasable.check_no_copies(parts, self._copied)
        rests = [*rests_of(parts)]
        told = self._erasable.told(parts, witness)
        if is_trial:
            return Erased(dataset=name, parts=told, reason="", by=by.id, erased=None)
        return self._erase(rests, told, asked, known=frozenset(each.name for each in others))

    def _copied(self, name: str) -> list[str]:
        """The de-identified copies of that dataset that the ledger knows of."""
        told = self._ledger.every(event=DATASET_DEIDENTIFIED.name, subject=name)
        return [str(each.entry.facts.get("copy")) for each in told]

    def may_erase(self, name: str, *, by: Actor) -> bool:
        """Whether the actor may erase rows of the dataset called `name`: with data:erase, or because it is theirs."""
        found = self._shelf.find(name)
        return found.shredded is None and (by.may(Permission.DATA_ERASE, dataset=name) or self._owners.is_owner(by, found))

    def recorded(self, name: str) -> list[RecordedErasure]:
        """The erasures from that dataset, as the ledger tells them. One that is not proved kept nothing out."""
        return [each.recorded for each in self._on_record.entries(name)]

    def teller(self, name: str) -> Callable[[datetime, tuple[str, str, str]], list[RecordedErasure]]:
        """What tells the erasures from that dataset of rows that a version may have learned from, given when it was made and from
        which division: the grant, the fingerprint of the rows, and the digest of the split. It reads the ledger now, once.

        Where it is on record what was seen in that division, that decides. Else when the version was made does not decide alone:
        one that is exported and imported again, or was just being registered, is younger than what it learned.
        """
        entries = self._on_record.entries(name)

        def told(made: datetime, division: tuple[str, str, str]) -> list[RecordedErasure]:
            return [found for each in entries if (found := each.concerning(made, division))]

        return told

    def _erase(self, rests: Sequence[Rest], told: Sequence[ErasedPart], asked: _Asked, *, known: frozenset[str]) -> Erased:
        pieces = chain.from_iterable(sealable(each.table, each.described, name=each.part.found.name) for each in rests)
        last = {description_label(each.part.found.name): each for each in rests}
        old = {each.part.found.name: store.objects_of(each.part.found) for each in rests}
        keys = {name: [sha256_hex((key.id or key.object[:32]).encode()) for key in self._vault.keys_of(old[name])] for name in old}
        told = [replace(part, fingerprint=rest.described.profile.fingerprint) for part, rest in zip(told, rests, strict=True)]
        facts = _facts(rests, told, asked, keys=keys)
        views = {part.dataset: self._on_record.views(part, whole=str(facts[part.dataset]["before"])) for part in told if part.gone}
        for shown in views.values():
            shown.read_on()  # Most of it before everybody else has to wait.
        now, traces, digests = datetime.now(UTC), list[bytes](), list[str]()
        with self._vault.sealing(pieces, named=store.sealed_objects) as (connection, sealed):
            _check_no_more_shards(connection, [each.part for each in rests], known=known)
            for label, made in sealed.items():
                digests.append(made)
                if (rest := last.get(label)) is None:
                    continue
                found, profile = rest.part.found, rest.described.profile
                self._shelf.must_be_as_read(connection, found)
                traces += self._vault.shred(connection, old[found.name])
                fresh = replace(found, fingerprint=profile.fingerprint, rows=rest.table.height, sealed=digests[0])
                store.put_anew(connection, replace(fresh, described=digests[-1], further=tuple(digests[1:-1])))
                digests.clear()
                if about := facts.get(found.name):
                    about["views"] = [*views[found.name].read_on()]
                    self._ledger.record(connection, DATASET_ERASED, actor=asked.by.id, subject=found.name, facts=about)
        self._clear(old, traces)
        every_key = tuple(key for name in keys for key in keys[name])
        return Erased(dataset=told[0].dataset, parts=tuple(told), reason=asked.reason, by=asked.by.id, erased=now, keys=every_key)

    def _record_look(self, top: Part, asked: _Asked) -> None:
        """Who asks how many rows a filter means, or has them erased, learns something of them, as who traces a value does, and is
        on record for it, whatever comes of it.
        """
        facts = {"columns": [*asked.columns], "digest": asked.digest, "rows": top.count, "fingerprint": top.found.fingerprint}
        with self._database.change() as connection:
            self._ledger.record(connection, DATASET_TRACED, actor=asked.by.id, subject=top.found.name, facts=facts)

    def _done_before(self, found: store.Registration, asked: _Asked, *, is_trial: bool) -> Erased:
        """The erasure by the same filter that was done before, of which nothing is left now in any file.

        Raises:
            NothingToEraseError: there was none, or one was to be tried.
        """
        done = None if is_trial else self._last(found.name, asked.digest)
        if done is None:
            raise NothingToEraseError(
                f"The filter means no row of {found.name!r}, so nothing is erased. `modelward data trace {found.name} --where "
                "COLUMN=VALUE` looks for records by one value."
            )
        parts, keys = [done.part], [*done.facts["keys"]]
        for told in done.facts.get("shards", []):
            self._agreement.require_named(told["dataset"], by=asked.by)
            shard = self._last(told["dataset"], asked.digest) if told["gone"] else None
            parts.append(shard.part if shard else ErasedPart(**told))
            keys += shard.facts["keys"] if shard else []
        self._clear([part.dataset for part in parts], None)
        entry = done.logged.entry
        return Erased(
            dataset=found.name,
            parts=tuple(parts),
            reason=str(done.facts["reason"]),
            by=entry.actor,
            erased=entry.at,
            keys=tuple(keys),
        )

    def _last(self, name: str, digest: str) -> ErasureEntry | None:
        """The last erasure from that dataset by the filter of that digest."""
        found = [each for each in self._on_record.entries(name) if each.facts.get("digest") == digest]
        return found[-1] if found else None

    def _clear(self, names: Iterable[str], traces: list[bytes] | None) -> None:
        """Leave no key of what those datasets were in a file of the database, and none of the objects."""
        self._vault.clear(traces)
        for name in names:
            for digest, label in self._vault.shredded(rows_label(name, 0)).items():
                if is_label_of(label, name):
                    self._vault.discard(digest)


def _facts(
    rests: Sequence[Rest], told: Sequence[ErasedPart], asked: _Asked, *, keys: Mapping[str, list[str]]
) -> dict[str, dict[str, object]]:
    """What the ledger is to tell of each dataset that loses rows, by its name; of the first one, of all its shards, too."""
    facts: dict[str, dict[str, object]] = {}
    for rest, part in zip(rests, told, strict=True):
        if not part.gone:
            continue
        facts[part.dataset] = {
            "rows": part.gone,
            "left": rest.table.height,
            "before": rest.part.found.fingerprint,
            "fingerprint": part.fingerprint,
            "columns": [*asked.columns],
            "digest": asked.digest,
            "reason": asked.reason,
            "keys": keys[part.dataset],
            "kept_out": [*part.kept_out],
            "divisions": [asdict(each) for each in part.seen],
            "shard_of": rest.part.parent,
        }
    shards = [{name: getattr(each, name) for name in ("dataset", "before", "gone", "fingerprint")} for each in told[1:]]
    facts[told[0].dataset] |= {"shards": shards}
    return facts


def _check_no_more_shards(connection: Connection, parts: Sequence[Part], *, known: frozenset[str]) -> None:
    looked_at = known | {part.found.name for part in parts}
    for each in store.every(connection):
        if each.name not in looked_at and any(is_called_shard(each.name, part.found.name) for part in parts):
            raise ErasedMeanwhileError(f"Somebody else divided off {each.name!r} just now. Nothing was done; try again.")
    if copied := store.copies(connection, [part.found.name for part in parts if part.count]):
        raise ErasedMeanwhileError(copied_still(copied))
