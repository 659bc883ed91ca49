# SPDX-License-Identifier: Apache-2.0
"""The verbs of datasets. Polars takes a third of a second to load, so the verbs that need it load it, not this module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from modelward.access import Actor, Agreeing, Permission, Seal, check_name, is_tenant
from modelward.audit import Ledger
from modelward.datasets import declaration, store
from modelward.datasets.agreement import Agreement
from modelward.datasets.budgets import Budgets
from modelward.datasets.dataset import (
    DATASET_READ,
    DATASET_REGISTERED,
    DATASET_SHARDED,
    DATASET_SPLIT,
    Dataset,
    DatasetExistsError,
)
from modelward.datasets.declaration import Declaration, Task
from modelward.datasets.deidentifying import Deidentifying
from modelward.datasets.description import (
    Description,
    Made,
    Said,
    describe_table,
    description_label,
    sealable,
)
from modelward.datasets.erasing import Erasing
from modelward.datasets.grant_book import GrantBook
from modelward.datasets.granting import Grants
from modelward.datasets.owners import Owners
from modelward.datasets.parallel import are_parallel, read_parallel
from modelward.datasets.profile import Profile
from modelward.datasets.reading import read_table
from modelward.datasets.same_rows import SameRows
from modelward.datasets.sharding import Sharding, Shards, described_shards, divide, shard_name, shards_of_tenant, summary_of
from modelward.datasets.shelf import Shelf
from modelward.datasets.shredding import Shredding
from modelward.datasets.splits import Split, SplitSummary, make_split, summarise
from modelward.datasets.statistics import Statistics
from modelward.datasets.table import SlicedTable, Table, frame_of
from modelward.images import at_most, count_anew
from modelward.settings import Settings
from modelward.storage import Connection, Database, Keyring, Scratch, Vault, until_written

if TYPE_CHECKING:
    import polars as pl


_TOO_MANY_PIXELS = (
    "The images have more than {limit:,} pixels together. Register a part of them, make them smaller, or raise the setting "
    "`MODELWARD_DATASET_PIXELS_LIMIT`."
)


class Datasets:
    """The shelf of data. Rows, categories and figures lie encrypted; the database holds names and digests."""

    def __init__(self, database: Database, vault: Vault, ledger: Ledger, keyring: Keyring, *, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._ledger = ledger
        self._settings = settings
        self._seal = Seal(keyring.secret("pepper"))
        self._shelf = Shelf(database, vault)
        self._agreement = Agreement(self._shelf, Agreeing(database, ledger, keyring), ledger)
        owners = Owners(self._shelf, self._agreement, ledger)
        book = GrantBook(database, ledger, keyring)
        self.budgets = Budgets(
            database, ledger, self._shelf, owners, SameRows(database, self._agreement), keyring, settings=settings
        )
        self.grants = Grants(database, ledger, self._shelf, keyring, self._agreement, owners, book, self.budgets)
        self.statistics = Statistics(database, self._shelf, self._agreement, self.budgets, keyring)
        self.deidentifying = Deidentifying(
            database, vault, ledger, self._shelf, keyring, self._agreement, owners, self._register, settings
        )
        self.shredding = Shredding(database, vault, ledger, self._shelf, owners)
        self.erasing = Erasing(database, vault, ledger, self._shelf, keyring, self._agreement, owners, book)

    def add(
        self,
        name: str,
        files: Sequence[Path],
        *,
        target: str = "",
        positive: str = "",
        sensitive: Sequence[str] = (),
        purpose: str,
        owner: str,
        license: str = "",
        task: Task = "classes",
        user: str = "",
        time: str = "",
        by: Actor,
    ) -> Dataset:
        """Register the table in `files` under `name`: profiled, fingerprinted, encrypted, and recorded in the ledger.

        `task` says what it is for; `target` is the column to predict, "" where the task is none. `positive` is the favourable one
        of the target's two classes; where it is not said, see `favourable_class`. `user` and
        `time` are columns of a log of interactions, the task of which is items. Two files of lines, such as `news.en` and
        `news.de`, are parallel texts where the task is text. The same data declared in the same way is registered once: the dataset
        that is there is returned, and nothing changes.

        Raises:
            NotPermittedError: the actor may not write data. InvalidNameError: the name cannot be one.
            UnreadableFileError, FileTooLargeError: a file is not the table it should be. TooManyPixelsError: its images are more
            than the setting allows.
            UnusableTableError, InvalidDeclarationError: the table cannot be learned from, or what is declared does not hold.
            DatasetExistsError: the name is taken by other data, or by the same data declared otherwise.
            OvertakenError: what was sealed was swept away a hundred times before it was recorded.
        """
        by.require(Permission.DATA_WRITE, dataset=name)
        check_name("dataset", name)
        said = {"purpose": purpose, "owner": owner, "license": license}
        declared = Declaration(target=target, sensitive=tuple(sensitive), task=task, user=user, time=time, **said)
        with Scratch(self._settings.home) as scratch, self._bounded_images():
            read = read_parallel if task == "text" and are_parallel(files) else read_table
            table = read(files, limit_bytes=self._settings.upload_limit_bytes, scratch=scratch)
            count_anew()
            return self._add(table, declared, name=name, positive=positive, by=by)

    def _bounded_images(self) -> AbstractContextManager[None]:
        """A small file may hold very many pixels; and what is learned from must not be too large to be asked about."""
        limits = self._settings
        return at_most(limits.dataset_pixels_limit, each=limits.image_pixels_limit, refusal=_TOO_MANY_PIXELS)

    def _add(self, table: SlicedTable, declared: Declaration, *, name: str, positive: str, by: Actor) -> Dataset:
        declaration.check_names(declared, table.columns)
        described = describe_table(table, name=name, declared=declared, positive=positive)
        with self._database.look() as connection:
            if there := store.find(connection, name):
                return self._same(there, declared, described.profile)
        (added,) = until_written(lambda: self._register({name: Made(table, described)}, declared=declared, by=by))
        return added

    def list(self, *, by: Actor) -> list[Dataset]:
        """Every dataset, by name."""
        by.require(Permission.DATA_READ)
        with self._database.look() as connection:
            found = store.every(connection)
        return [self._shelf.opened(each) for each in found if by.may(Permission.DATA_READ, dataset=each.name)]

    def show(self, name: str, *, by: Actor) -> Dataset:
        """The dataset called `name`.

        Raises:
            DatasetMissingError: there is none.
        """
        by.require(Permission.DATA_READ, dataset=name)
        return self._shelf.opened(self._shelf.find(name))

    @staticmethod
    def names(connection: Connection) -> set[str]:
        """The name of every dataset."""
        return {each.name for each in store.every(connection)}

    @staticmethod
    def sealed_objects(connection: Connection) -> dict[str, str]:
        """The digest of every sealed object that this room's rows name, with the label that it is sealed under."""
        return store.sealed_objects(connection)

    def profile(self, name: str, *, by: Actor) -> Profile:
        """The profile taken when the dataset was registered, of every column, granted to a model or not; no row is read.

        Raises:
            DatasetMissingError: there is none. TermsNotAcceptedError: its terms are to be accepted first.
        """
        return self._shelf.description(self._agreed(name, by=by)).profile

    def require_terms(self, name: str, *, by: Actor) -> None:
        """Nothing, where `by` accepted the terms of what is called `name` and of what it is a shard of, be it here or not.

        Raises:
            TermsNotAcceptedError: they did not. AlteredRowError: some terms were altered.
        """
        self._agreement.require_named(name, by=by)

    def divided(self, name: str) -> Sequence[str]:
        """The name of a dataset, and of all that it is a shard of, at any depth: the terms of each bind who uses it, and what a
        policy forbids of each.

        Raises:
            ModelwardError: it cannot be told.
        """
        return self._agreement.line(name)

    def _agreed(self, name: str, *, by: Actor) -> store.Registration:
        """The dataset, where `by` may read it and accepted its terms."""
        by.require(Permission.DATA_READ, dataset=name)
        found = self._shelf.find(name)
        self._agreement.require(found, by=by)
        return found

    def table(self, name: str, *, by: Actor, purpose: str = "") -> pl.DataFrame:
        """The rows, decrypted, checked against the fingerprint, after the ledger says who reads them and for which `purpose`
        (the dataset's own where none is given).

        Numbers are Float64, booleans Boolean, dates Datetime, everything else String; null where missing.

        Raises:
            DatasetMissingError: there is none. TermsNotAcceptedError: its terms are to be accepted first.
            SealBrokenError, DatasetChangedError: the rows are not those registered. ErasedMeanwhileError: some went just now.
        """
        return frame_of(self.columns(name, by=by, purpose=purpose))

    def columns(self, name: str, *, by: Actor, purpose: str = "") -> Table:
        """As `table`, decrypted a column at a time when it is asked for, so that memory need not hold all of them."""
        found = self._agreed(name, by=by)
        table = self._shelf.rows(found)
        facts = {"fingerprint": found.fingerprint, "purpose": purpose or found.declared.purpose, "rows": found.rows}
        with self._database.change() as connection:
            self._shelf.must_be_as_read(connection, found)
            self._ledger.record(connection, DATASET_READ, actor=by.id, subject=name, facts=facts)
        return table

    def split(self, name: str, split: Split, *, by: Actor) -> SplitSummary:
        """How the dataset divides by `split`, and the digest of that division; training makes the same one again.

        Raises:
            DatasetMissingError: there is none. TermsNotAcceptedError: its terms are to be accepted first.
            InvalidSplitError: it cannot be divided so.
        """
        found = self._agreed(name, by=by)
        table, target, task = self._shelf.rows(found), found.declared.target, found.declared.task
        parts = make_split(table, target, split, task=task, log=found.declared.log)
        made = summarise(table, target if task == "classes" else "", dataset=name, split=split, parts=parts)
        facts = {"fingerprint": found.fingerprint, "by": split.by, "seed": split.seed, "digest": made.digest, "rows": found.rows}
        if made.clusters is not None:
            facts |= {"similarity": split.similarity, "clusters": made.clusters, "largest_cluster": made.largest_cluster}
        with self._database.change() as connection:
            self._ledger.record(connection, DATASET_SPLIT, actor=by.id, subject=name, facts=facts)
        return made

    def shard(self, name: str, sharding: Sharding, *, by: Actor) -> Shards:
        """Divide the dataset by `sharding` into datasets of their own, `name`-1, `name`-2 and so on: declared as it is, with its
        columns and its favourable class. Each says where it comes from. What was divided so before is there already, and nothing
        changes.

        Raises:
            DatasetMissingError: there is none. TermsNotAcceptedError: its terms are to be accepted first.
            UndividedError: it cannot be divided so. ShardsOfTenantError: the shards would be a tenant's.
            DatasetExistsError: the name of a shard is taken by other data. Then none is registered.
            ErasedMeanwhileError: rows of it were erased, or it was shredded, just now. None is registered either.
        """
        by.require(Permission.DATA_WRITE, dataset=name)
        found = self._agreed(name, by=by)
        check_name("dataset", shard_name(name, sharding.parts))
        with self._database.look() as connection:
            if is_tenant(connection, name, seal=self._seal):
                raise shards_of_tenant(name)
        with self._bounded_images():
            divided = divide(self._shelf.rows(found), sharding, target=found.declared.target, user=found.declared.user)
            count_anew()
            made = described_shards(divided, self._shelf.description(found), declared=found.declared, sharding=sharding)
        with self._database.look() as connection:
            there = {each: store.find(connection, each) for each in made}
        for each, registration in there.items():
            if registration:
                self._same(registration, found.declared, made[each].described.profile)
                if self._shelf.description(registration).shard != made[each].described.shard:
                    raise _taken(each, "holds the same rows, divided in another way")
        fresh = {each: made[each] for each, registration in there.items() if registration is None}
        facts = {"fingerprint": found.fingerprint, "rows": found.rows, **asdict(sharding), **divided.facts, "registered": [*fresh]}

        def sharded(connection: Connection) -> None:
            self._shelf.must_be_as_read(connection, found)
            self._ledger.record(connection, DATASET_SHARDED, actor=by.id, subject=name, facts=facts)

        if fresh:
            until_written(lambda: self._register(fresh, declared=found.declared, by=by, then=sharded))
        return summary_of(divided, [each.described.profile for each in made.values()], dataset=name, sharding=sharding)

    def _register(
        self, made: Mapping[str, Made], *, declared: Declaration, by: Actor, then: Callable[[Connection], object] = lambda _: None
    ) -> tuple[Dataset, ...]:
        """Put tables on the shelf by their names, all of them or none, `then` write down what else is to be known."""
        said = Said(declared.purpose, declared.owner, by.id)
        made = {name: replace(each, described=replace(each.described, said=said)) for name, each in made.items()}
        pieces = chain.from_iterable(sealable(each.table, each.described, name=name, book=each.book) for name, each in made.items())
        last = {description_label(name): each.described for name, each in made.items()}
        digests, recorded = [], []
        with self._vault.sealing(pieces, named=store.sealed_objects) as (connection, sealed):
            for label, digest in sealed.items():
                digests.append(digest)
                if label in last:
                    recorded.append(self._record(connection, digests, last[label], declared=declared, by=by))
                    digests = []
            then(connection)
        return tuple(map(self._shelf.opened, recorded))

    def _record(
        self, connection: Connection, sealed: Sequence[str], described: Description, *, declared: Declaration, by: Actor
    ) -> store.Registration:
        """Write down the dataset that lies in `sealed`: the pieces of its rows, its book of pseudonyms where it has any, then its
        description.
        """
        *rows, description = sealed
        profile, shard, derived = described.profile, described.shard, described.derived
        book = rows.pop() if derived and derived.pseudonyms else ""
        if store.find(connection, profile.dataset):
            raise _taken(profile.dataset, "was registered by somebody else just now")
        made = store.Registration(
            name=profile.dataset,
            fingerprint=profile.fingerprint,
            rows=profile.rows,
            declared=declared,
            registered=datetime.now(UTC),
            by=by.id,
            sealed=rows[0],
            described=description,
            further=tuple(rows[1:]),
            origin=derived.dataset if derived else "",
            pseudonyms=book,
        )
        store.add(connection, made)
        facts = _facts(made) | {"positive": profile.positive} | ({"shard": asdict(shard)} if shard else {})
        facts |= {"copy_of": derived.dataset} if derived else {}
        self._ledger.record(connection, DATASET_REGISTERED, actor=by.id, subject=made.name, facts=facts)
        return made

    def _same(self, there: store.Registration, declared: Declaration, found: Profile) -> Dataset:
        if there.shredded:
            raise _taken(there.name, "was shredded, and its name stays with it")
        if there.fingerprint != (other := found.fingerprint):
            raise _taken(there.name, f"holds other data (fingerprint {there.fingerprint[:16]}…, these files {other[:16]}…)")
        differs = [field for field in Declaration.__slots__ if getattr(there.declared, field) != getattr(declared, field)]
        opened = self._shelf.opened(there)
        if "target" not in differs and opened.positive != found.positive:
            differs.append("positive class (a spec may state its own as `data.positive`)")
        if differs:
            raise _taken(there.name, f"holds this data with another {' and '.join(differs)}")
        return opened


def _facts(made: store.Registration) -> dict[str, object]:
    # What is for classes is told as it was before there was anything else.
    later = {"task": made.declared.task, "user": made.declared.user, "time": made.declared.time}
    task = {} if made.declared.task == "classes" else {name: said for name, said in later.items() if said}
    return {
        "fingerprint": made.fingerprint,
        "rows": made.rows,
        "target": made.declared.target,
        **task,
        "sensitive": [*made.declared.sensitive],
        "purpose": made.declared.purpose,
        "owner": made.declared.owner,
        "license": made.declared.license,
        "sealed": made.sealed,
        **({"further": [*made.further]} if made.further else {}),
    }


def _taken(name: str, why: str) -> DatasetExistsError:
    return DatasetExistsError(f"The name {name!r} is taken: that dataset {why}. A dataset never changes; choose another name.")
