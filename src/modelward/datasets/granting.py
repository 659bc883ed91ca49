# SPDX-License-Identifier: Apache-2.0
"""The verbs of grants: who may have data for which model, and the one door through which the making of models reads it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from modelward.access import (
    Actor,
    Condition,
    Permission,
    PurposeNotAgreedError,
    TermsNotAcceptedError,
    check_name,
    covers,
)
from modelward.audit import Ledger
from modelward.datasets import store
from modelward.datasets.agreement import Agreement
from modelward.datasets.budgets import Budgets
from modelward.datasets.dataset import DATASET_READ, Dataset, DatasetMissingError, DatasetShreddedError
from modelward.datasets.erasure import DatasetErasedError
from modelward.datasets.grant import (
    GRANT_REFUSED,
    Grant,
    GrantMissingError,
    NoSuchGrantError,
    OutsideGrantError,
    command_for,
    principal,
    told_columns,
)
from modelward.datasets.grant_book import GrantBook
from modelward.datasets.grant_conditions import conditions_of
from modelward.datasets.grantable import checked_columns, checked_purpose, checked_rows, checked_until, notes_on
from modelward.datasets.layout import quoted
from modelward.datasets.owners import Owners
from modelward.datasets.readings import Reading, reading_of
from modelward.datasets.shelf import Shelf
from modelward.datasets.tracing import DATASET_TRACED, Records, matching, records_of
from modelward.datasets.view import View, view_of
from modelward.digest import keyed_digest
from modelward.errors import ModelwardError, RefusedError
from modelward.storage import Database, Keyring

READS_SHOWN = 100


class Grants:
    """Grants of datasets to models. Rows of grants are sealed; what was read under them is in the ledger."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        shelf: Shelf,
        keyring: Keyring,
        agreement: Agreement,
        owners: Owners,
        book: GrantBook,
        budgets: Budgets,
    ) -> None:
        self._budgets = budgets
        self._book = book
        self._database = database
        self._ledger = ledger
        self._shelf = shelf
        self._agreement = agreement
        self._owners = owners
        self._digest_key = keyring.secret("digests")

    def grant(
        self,
        model: str,
        dataset: str,
        *,
        purpose: str,
        columns: Sequence[str] | None = None,
        rows: str = "",
        until: datetime | None = None,
        by: Actor,
    ) -> Grant:
        """Grant `columns` of `dataset` (all, where none are said) and those of its rows that the filter `rows` keeps to `model`,
        for `purpose`, `until` a moment. It takes the place of the grant that there was; one that says the same is left as it is.

        A column that the filter asks for need not be granted: the model sees which rows it keeps, never the column. What is granted
        by access that was given in an emergency ends with that at the latest. Its `notes` say of what looks like a slip.

        Raises:
            NotPermittedError: the actor neither holds data:grant nor registered the dataset. DatasetMissingError: there is none.
            InvalidGrantError, InvalidFilterError: what is to be granted is not there, or no model can be made of it.
        """
        check_name("model", model)
        let_in = by.require(Permission.DATA_READ, dataset=dataset)
        found = self._shelf.genuine(dataset)
        granting = self._owners.require_granting(found, model=model, by=by)
        shown = self._shelf.opened(found)
        wanted = Grant(
            id=f"g-{secrets.token_hex(4)}",
            model=model,
            dataset=dataset,
            columns=checked_columns(columns, shown),
            rows=checked_rows(rows, shown),
            purpose=checked_purpose(purpose),
            until=_earliest(checked_until(until), let_in.emergency_ends, granting.emergency_ends),
            granted=datetime.now(UTC),
            by=by.id,
            is_automatic=False,
        )
        with self._database.change() as connection:
            entered = self._book.enter(connection, wanted, by=by)
        return replace(entered, notes=self._notes(found, shown, wanted, by=by))

    def revoke(self, model: str, dataset: str, *, by: Actor) -> Grant:
        """Take back what `model` may have of `dataset`: nothing is read under it any more, and a training that goes on stops.

        Versions that were made stay; what to do with them is for their releases.

        Raises:
            NotPermittedError, DatasetMissingError: as `grant`. NoSuchGrantError: nothing is granted.
        """
        check_name("model", model)
        by.require(Permission.DATA_READ, dataset=dataset)
        found = self._shelf.genuine(dataset)
        self._owners.require_granting(found, model=model, by=by)
        with self._database.change() as connection:
            standing = self._book.standing(connection, dataset, model)
            if standing is None:
                shards = [each for each in self._book.granted_shards(connection, dataset, model) if dataset in self._line(each)]
                raise _nothing_to_revoke(model, dataset, shards)
            return self._book.end(connection, standing, by=by)

    def list(self, *, dataset: str = "", model: str = "", by: Actor) -> list[Grant]:
        """The grants of `dataset`, to `model`, or all that the actor may know of; the latest first, ended ones too. One that was
        made by beginning with a shard has ended when somebody granted or took back what that is a shard of.

        Raises:
            AlteredRowError: one was altered by something other than Modelward.
        """
        by.require(Permission.DATA_READ)
        with self._database.look() as connection:
            found = self._book.rows(connection, dataset=dataset, model=model)
            found = self._book.as_decided(connection, found, self._line)
        return [each for each in found if by.may(Permission.DATA_READ, model=each.model, dataset=each.dataset)]

    def conditions(self, model: str, dataset: str, by: Actor) -> Sequence[Condition]:
        """What is granted to `model` of `dataset`, be it by the grant of what that is a shard of, or of any where none is named, as
        far as the actor may know of it. Raises `AlteredRowError`.
        """
        line, purpose = [dataset], ""
        with suppress(DatasetMissingError, DatasetShreddedError):
            if dataset and by.may(Permission.DATA_READ, dataset=dataset):
                registered = self._shelf.find(dataset)
                line, purpose = [*self._agreement.divided(registered)], registered.declared.purpose
        if dataset:
            told = self._book.told(line, model)
        else:
            with self._database.look() as connection:
                told = self._book.as_decided(connection, self._book.rows(connection, model=model), self._line)
        held = [each for each in told if by.may(Permission.DATA_READ, model=each.model, dataset=each.dataset)]
        return [*conditions_of(held, model=model, dataset=dataset, purpose=purpose, now=datetime.now(UTC))]

    def granted(self, model: str, by: Actor) -> Sequence[Sequence[str]]:
        """Of each dataset that is granted to `model` now, as far as the actor may know of it: its name, and what it is a shard of,
        at any depth. Raises `AlteredRowError`.
        """
        now = datetime.now(UTC)
        with self._database.look() as connection:
            held = self._book.as_decided(connection, self._book.rows(connection, model=model), self._line)
        names = dict.fromkeys(each.dataset for each in held if each.stands(now))
        return [self._line(name) for name in names if by.may(Permission.DATA_READ, model=model, dataset=name)]

    def may_grant(self, dataset: str, *, model: str | None = None, by: Actor) -> bool:
        """Whether the actor may grant `dataset`: with data:grant, or because they registered it."""
        return self._owners.may_grant(self._shelf.genuine(dataset), model=model, by=by)

    def reads(self, dataset: str, *, limit: int = READS_SHOWN, by: Actor) -> Sequence[Reading]:
        """Who had rows of `dataset`, the latest first, as the ledger says; for who may grant it, or read the ledger.

        Raises:
            NotPermittedError: the actor may neither. DatasetMissingError: there is none.
        """
        by.require(Permission.DATA_READ, dataset=dataset)
        found = self._shelf.genuine(dataset)
        if by.may(Permission.AUDIT_READ):
            by.require(Permission.AUDIT_READ)
        else:
            self._owners.require_granting(found, by=by)
        entries = self._ledger.entries(event=DATASET_READ.name, subject=dataset, limit=limit)
        return [reading_of(each) for each in entries]

    def opened(
        self, model: str, dataset: str, *, use: str, purpose: str = "", columns: Iterable[str] = (), under: str = "", by: Actor
    ) -> View:
        """What `model` may have of `dataset`, after the ledger says that it reads, on whose behalf and for what `use`.

        `purpose` is what the model is to be for, "" what the grant says; `columns` are those that it names. Where there never was
        a grant and the actor may grant, one of the whole is made, for the dataset's own purpose. `under` is the id of the grant
        that a version was made under: what that one showed is shown again, if the grant in force still includes it.

        Raises:
            DatasetMissingError: there is none. TermsNotAcceptedError: its terms are to be accepted first.
            GrantMissingError, GrantEndedError, PurposeNotAgreedError, OutsideGrantError: the
            grant does not allow it, which is recorded. UnusableTableError: the grant leaves too few rows.
            SealBrokenError, DatasetChangedError: the rows are not those registered. ErasedMeanwhileError: some went just now.
            NoiseRequiredError: it is for training, and the privacy budget of the dataset is required.
        """
        by.require(Permission.DATA_READ, dataset=dataset)
        found = self._shelf.genuine(dataset)
        self._agreement.require(found, by=by)
        try:
            line = [*self._agreement.divided(found)]
            grant = self._grant_for(found, model, line, by=by)
            _check_purpose(grant, found.declared.purpose, wanted=purpose)
            self._check_columns(grant, found, columns)
            if use == "training":
                self._budgets.require_plain(dataset)
            shown = grant if under in ("", grant.id) else self._as_under(under, grant)
        except RefusedError as refused:
            facts = {"on_behalf_of": by.id, "use": use, "why": type(refused).__name__, "purpose": purpose}
            with self._database.change() as connection:
                self._ledger.record(connection, GRANT_REFUSED, actor=principal(model), subject=dataset, facts=facts)
            raise
        described = self._shelf.description(found)
        view = view_of(self._shelf.opened(found), self._shelf.rows(found), described.profile, shown)
        settled = self._record(view, grant, found, line, use=use, purpose=purpose, by=by)
        return replace(view, grant=settled, whole=found.fingerprint)

    def traced(self, dataset: str, *, column: str, value: str, by: Actor) -> Callable[[str], Records]:
        """Who knows what versions saw of the records whose `column` has that `value`: given the id of the grant that a version was
        made under, or "" for the whole, its rows. That somebody looked is recorded, with a keyed digest of the value alone.

        Raises:
            NotPermittedError: the actor may grant neither this nor what it is a shard of: who may not have a column is not told
            either which values it has. DatasetMissingError: there is none.
            TermsNotAcceptedError: the terms of the dataset are to be accepted first.
            InvalidFilterError: there is no such column, or it cannot hold that.
        """
        found = self._shelf.genuine(dataset)
        by.require(Permission.DATA_READ, dataset=dataset)
        self._owners.require_granting(self._owners.divided(found), by=by)
        self._agreement.require(found, by=by)
        shown, table = self._shelf.opened(found), self._shelf.rows(found)
        matches = matching(shown, table, column, value)
        looked_for = keyed_digest(self._digest_key, f"trace:{dataset}:{column}:{value}".encode())
        facts = {"column": column, "digest": looked_for, "rows": int(matches.sum()), "fingerprint": found.fingerprint}
        with self._database.change() as connection:
            self._ledger.record(connection, DATASET_TRACED, actor=by.id, subject=dataset, facts=facts)
        return records_of(shown, table, self._shelf.description(found).profile, matches, held=self._book.held)

    def checking(self, view: View) -> Callable[[], None]:
        """What a training asks each second: nothing, where what the grant of `view` gave is still granted, by itself or by another
        that took its place, and no row was taken out of what it shows since. It takes two looks at the database.

        What it calls raises:
            GrantEndedError: it was revoked or narrowed, of the dataset or of what that is a shard of, or its time is over.
            DatasetErasedError: rows are gone. AlteredRowError: somebody edited a grant.
        """
        name, grant, whole = view.dataset.name, view.grant.id, view.whole
        line = [*self._agreement.divided(self._shelf.find(name))]

        def check() -> None:
            self._book.check(grant, line)
            with self._database.look() as connection:
                found = store.find(connection, name)
            if found is None or found.shredded or found.fingerprint != whole:
                raise DatasetErasedError(
                    f"Rows were taken out of dataset {name!r} for good while a model was being made from it. What was learned is "
                    "thrown away; train the spec anew."
                )

        return check

    def altered(self) -> Sequence[str]:
        """The grants that something other than Modelward altered, took away, or put back as they were before they were revoked."""
        return self._book.altered()

    def _grant_for(self, found: store.Registration, model: str, line: Sequence[str], *, by: Actor) -> Grant:
        """The grant in force, of the dataset or of one that it is a shard of, at any depth; or one that is made now."""
        if standing := self._book.in_force(line, model):
            return standing
        if not self._owners.may_grant(found, model=model, by=by):
            raise GrantMissingError(
                f"Dataset {found.name!r} was never granted to model {model!r}, and {by.id} may not grant it. Ask who owns the data "
                f"({found.declared.owner}): `{command_for(model, found.name, found.declared.purpose)}`."
            )
        granting = self._owners.require_granting(found, model=model, by=by)
        return Grant(
            id=f"g-{secrets.token_hex(4)}",
            model=model,
            dataset=found.name,
            columns=None,
            rows="",
            purpose=found.declared.purpose,
            until=granting.emergency_ends,
            granted=datetime.now(UTC),
            by=by.id,
            is_automatic=True,
        )

    def _notes(self, found: store.Registration, shown: Dataset, wanted: Grant, *, by: Actor) -> tuple[str, ...]:
        """What in a grant looks like a slip. Who did not accept the terms of the data learns nothing of it here either."""
        with suppress(TermsNotAcceptedError):
            self._agreement.require(found, by=by)
            return notes_on(wanted.rows, shown)
        return ()

    def _line(self, name: str) -> Sequence[str]:
        """The dataset, and what it is a shard of, where that can be told."""
        with suppress(ModelwardError):
            return self._agreement.line(name)
        return (name,)

    def _check_columns(self, grant: Grant, found: store.Registration, asked: Iterable[str]) -> None:
        if grant.columns is None:
            return
        there = {column.name for column in self._shelf.description(found).columns}
        if outside := [name for name in dict.fromkeys(asked) if name in there and not grant.names(name)]:
            raise OutsideGrantError(
                f"Column {quoted(outside)} of dataset {grant.dataset!r} is outside the grant {grant.id} to model {grant.model!r}, "
                f"which names {quoted(grant.columns)}. Leave it out, or ask who owns the data ({found.declared.owner}) for another "
                "grant."
            )

    def _as_under(self, earlier: str, grant: Grant) -> Grant:
        """The grant in force, narrowed to what the `earlier` one gave."""
        held = self._book.held(earlier)
        if held is None or not grant.includes(held):
            raise OutsideGrantError(
                f"The version was made under the grant {earlier}, and the grant {grant.id} of dataset {grant.dataset!r} to model "
                f"{grant.model!r}, which is in force, gives less. Train a version under it, or ask for a grant of as much."
            )
        return replace(grant, columns=held.columns, rows=held.rows)

    def _record(
        self, view: View, grant: Grant, found: store.Registration, line: Sequence[str], *, use: str, purpose: str, by: Actor
    ) -> Grant:
        shown, whole = view.dataset, found.fingerprint
        facts: dict[str, Any] = {
            "use": use,
            "purpose": purpose or grant.purpose,
            "columns": told_columns(view.grant.columns),
            "rows": shown.rows,
            "fingerprint": whole,
        }
        if shown.fingerprint != whole:
            facts["view"] = shown.fingerprint
        with self._database.change() as connection:
            # What is on record after an erasure was read after it.
            self._shelf.must_be_as_read(connection, found)
            grant = self._book.settled(connection, grant, line, by=by)
            facts = {"on_behalf_of": by.id, "grant": grant.id, **facts}
            self._ledger.record(connection, DATASET_READ, actor=principal(grant.model), subject=shown.name, facts=facts)
        return grant


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each), default=None)


def _nothing_to_revoke(model: str, dataset: str, shards: Sequence[str]) -> NoSuchGrantError:
    apart = f" What was divided from it is: {quoted(shards)}; revoke that." if shards else ""
    return NoSuchGrantError(f"Dataset {dataset!r} is not granted to model {model!r}.{apart} `modelward data grants` shows all.")


def _check_purpose(grant: Grant, declared: str, *, wanted: str) -> None:
    if covers(grant.purpose, wanted):
        return
    if grant.is_automatic:
        agreed = f"dataset {grant.dataset!r} is for {declared!r}"
    else:
        agreed = f"the grant {grant.id} of dataset {grant.dataset!r} to it is for {grant.purpose!r}"
    raise PurposeNotAgreedError(
        f"Model {grant.model!r} is to be for {wanted!r}, and {agreed}. Say a purpose within it in the spec, or let who owns the "
        f"data agree: `{command_for(grant.model, grant.dataset, wanted)}`."
    )
