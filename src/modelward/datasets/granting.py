# SPDX-License-Identifier: Apache-2.0
"""The verbs of grants: who may have data for which model, and the one door through which the making of models reads it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from shlex import quote
from typing import Any

import numpy as np

from modelward.access import (
    Actor,
    Condition,
    Decision,
    NotPermittedError,
    Permission,
    PurposeNotAgreedError,
    Seal,
    check_name,
    covers,
)
from modelward.audit import Ledger
from modelward.datasets import store
from modelward.datasets.agreement import Agreement
from modelward.datasets.dataset import DATASET_READ, DatasetMissingError, DatasetShreddedError
from modelward.datasets.erasure import DatasetErasedError
from modelward.datasets.grant import (
    DATASET_GRANTED,
    GRANT_REFUSED,
    GRANT_REVOKED,
    Grant,
    GrantEndedError,
    GrantMissingError,
    NoSuchGrantError,
    OutsideGrantError,
    principal,
    told_columns,
)
from modelward.datasets.grant_conditions import conditions_of
from modelward.datasets.grantable import checked_columns, checked_purpose, checked_rows, checked_until
from modelward.datasets.granted_on_record import GrantedOnRecord
from modelward.datasets.layout import quoted
from modelward.datasets.owners import Owners
from modelward.datasets.readings import Reading, reading_of
from modelward.datasets.shelf import Shelf
from modelward.datasets.tracing import DATASET_TRACED, Records, matching
from modelward.datasets.view import View, view_of
from modelward.digest import keyed_digest
from modelward.errors import RefusedError
from modelward.storage import Connection, Database, Keyring

READS_SHOWN = 100


class Grants:
    """Grants of datasets to models. Rows of grants are sealed; what was read under them is in the ledger."""

    def __init__(
        self, database: Database, ledger: Ledger, shelf: Shelf, keyring: Keyring, agreement: Agreement, owners: Owners
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._shelf = shelf
        self._agreement = agreement
        self._owners = owners
        self._seal = Seal(keyring.secret("pepper"))
        self._digest_key = keyring.secret("digests")
        self._record_of_grants = GrantedOnRecord(ledger)

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
        by access that was given in an emergency ends with that at the latest.

        Raises:
            NotPermittedError: the actor neither holds data:grant nor registered the dataset. DatasetMissingError: there is none.
            InvalidGrantError, InvalidFilterError: what is to be granted is not there, or no model can be made of it.
        """
        check_name("model", model)
        let_in = by.require(Permission.DATA_READ, dataset=dataset)
        found = self._shelf.genuine(dataset)
        granting = self._require_granting(by, found, model=model)
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
            standing = self._standing(connection, dataset, model)
            if standing and _says_the_same(standing, wanted):
                return standing
            if standing:
                self._end(connection, standing, by=by, replaced_by=wanted.id)
            # What was put back is mended by granting anew.
            for ended in self._rows(connection, dataset=dataset, model=model):
                store.end_grant(connection, ended, seal=self._seal)
            self._add(connection, wanted, by=by)
        return wanted

    def revoke(self, model: str, dataset: str, *, by: Actor) -> Grant:
        """Take back what `model` may have of `dataset`: nothing is read under it any more, and a training that goes on stops.

        Versions that were made stay; what to do with them is for their releases.

        Raises:
            NotPermittedError, DatasetMissingError: as `grant`. NoSuchGrantError: nothing is granted.
        """
        check_name("model", model)
        by.require(Permission.DATA_READ, dataset=dataset)
        found = self._shelf.genuine(dataset)
        self._require_granting(by, found, model=model)
        with self._database.change() as connection:
            standing = self._standing(connection, dataset, model)
            if standing is None:
                raise NoSuchGrantError(f"Dataset {dataset!r} is not granted to model {model!r}. `modelward data grants` shows all.")
            return self._end(connection, standing, by=by)

    def list(self, *, dataset: str = "", model: str = "", by: Actor) -> list[Grant]:
        """The grants of `dataset`, to `model`, or all that the actor may know of; the latest first, ended ones too.

        Raises:
            AlteredRowError: one was altered by something other than Modelward.
        """
        by.require(Permission.DATA_READ)
        with self._database.look() as connection:
            found = self._rows(connection, dataset=dataset, model=model)
        return [each for each in found if by.may(Permission.DATA_READ, model=each.model, dataset=each.dataset)]

    def conditions(self, model: str, dataset: str, by: Actor) -> Sequence[Condition]:
        """What is granted to `model` of `dataset` and of what that is a shard of, or of any where none is named, as far as the
        actor may know of it. Raises `AlteredRowError`.
        """
        names = [dataset]
        with suppress(DatasetMissingError, DatasetShreddedError):
            names = [*self._agreement.names(self._shelf.find(dataset))] if dataset else []
        with self._database.look() as connection:
            found = self._rows(connection, model=model)
        told = [each for each in found if not names or each.dataset in names]
        held = [each for each in told if by.may(Permission.DATA_READ, model=each.model, dataset=each.dataset)]
        return [*conditions_of(held, model=model, dataset=dataset, now=datetime.now(UTC))]

    def may_grant(self, dataset: str, *, model: str | None = None, by: Actor) -> bool:
        """Whether the actor may grant `dataset`: with data:grant, or because they registered it."""
        return self._may_grant(by, self._shelf.genuine(dataset), model=model)

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
            self._require_granting(by, found)
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
            SealBrokenError, DatasetChangedError: the rows are not those registered.
        """
        by.require(Permission.DATA_READ, dataset=dataset)
        found = self._shelf.genuine(dataset)
        self._agreement.require(found, by=by)
        try:
            grant = self._grant_for(found, model, by=by)
            _check_purpose(grant, found.declared.purpose, wanted=purpose)
            self._check_columns(grant, found, columns)
            shown = grant if under in ("", grant.id) else self._as_under(under, grant)
        except RefusedError as refused:
            facts = {"on_behalf_of": by.id, "use": use, "why": type(refused).__name__, "purpose": purpose}
            with self._database.change() as connection:
                self._ledger.record(connection, GRANT_REFUSED, actor=principal(model), subject=dataset, facts=facts)
            raise
        described = self._shelf.description(found)
        view = view_of(self._shelf.opened(found), self._shelf.rows(found), described.profile, shown)
        settled = self._record(view, grant, use=use, purpose=purpose, whole=found.fingerprint, by=by)
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
        self._require_granting(by, self._divided(found))
        self._agreement.require(found, by=by)
        shown, table = self._shelf.opened(found), self._shelf.rows(found)
        matches = matching(shown, table, column, value)
        looked_for = keyed_digest(self._digest_key, f"trace:{dataset}:{column}:{value}".encode())
        facts = {"column": column, "digest": looked_for, "rows": int(matches.sum()), "fingerprint": found.fingerprint}
        with self._database.change() as connection:
            self._ledger.record(connection, DATASET_TRACED, actor=by.id, subject=dataset, facts=facts)
        profile = self._shelf.description(found).profile

        def records(grant: str) -> Records:
            held = self._held(grant) if grant else None
            view = view_of(shown, table, profile, held) if held else None
            kept = None if view is None else view.kept
            seen = matches if kept is None else matches.filter(kept)
            rows = np.flatnonzero(seen.to_numpy())
            return Records(view.dataset if view else shown, view.table if view else table, rows, int(matches.sum()) - len(rows))

        return records

    def _held(self, grant: str) -> Grant | None:
        with self._database.look() as connection:
            return store.grant(connection, grant, seal=self._seal)

    def _rows(self, connection: Connection, *, dataset: str = "", model: str = "") -> Sequence[Grant]:
        """Grants, the latest first; an older row that was put back is revoked as the ledger says. Raises `AlteredRowError`."""
        return [
            self._record_of_grants.as_told(each) for each in store.grants(connection, dataset=dataset, model=model, seal=self._seal)
        ]

    def check(self, grant: str) -> None:
        """Nothing, where what that grant gave is still granted: by itself, or by another that took its place. It takes one look at
        the database, so that a training can ask each second.

        Raises:
            GrantEndedError: it was revoked, or its time is over. AlteredRowError: somebody edited it.
        """
        with self._database.look() as connection:
            row = store.grant(connection, grant, seal=self._seal)
            held = row and self._record_of_grants.as_told(row)
            if held and held.stands(datetime.now(UTC)):
                return
            instead = self._standing(connection, held.dataset, held.model) if held else None
        if held is None:
            raise GrantEndedError(f"There is no grant {grant!r}.")
        if instead is None or not instead.includes(held):
            raise _ended(held)

    def checking(self, view: View) -> Callable[[], None]:
        """For who is told nothing else: `check` of the grant of `view`, and that no row was taken out of what it shows since."""
        name, grant, whole = view.dataset.name, view.grant.id, view.whole

        def check() -> None:
            self.check(grant)
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
        with self._database.look() as connection:
            altered = [*store.altered_grants(connection, seal=self._seal)]
            if altered:
                return altered
            rows = store.grants(connection, seal=self._seal)
        there = {(each.model, each.dataset) for each in rows}
        gone = sorted(self._record_of_grants.granted() - there)
        back = [each.id for each in rows if self._record_of_grants.as_told(each) != each]
        return [*(f"grant {each!r}" for each in back), *(f"grants of {dataset!r} to {model!r}" for model, dataset in gone)]

    def _grant_for(self, found: store.Registration, model: str, *, by: Actor) -> Grant:
        """The grant in force, of the dataset or of one that it is a shard of, at any depth; or one that is made now."""
        for name in self._agreement.names(found):
            if standing := self._grant_of(name, model):
                return standing
        if not self._may_grant(by, found, model=model):
            raise GrantMissingError(
                f"Dataset {found.name!r} was never granted to model {model!r}, and {by.id} may not grant it. Ask who owns the data "
                f"({found.declared.owner}): `{_command(model, found.name, found.declared.purpose)}`."
            )
        granting = self._require_granting(by, found, model=model)
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

    def _grant_of(self, dataset: str, model: str) -> Grant | None:
        """The grant in force of that very dataset; None where there never was one.

        Raises:
            GrantEndedError: there was, or the ledger says so.
        """
        was_granted = False
        for _ in range(2):
            with self._database.look() as connection:
                held = self._rows(connection, dataset=dataset, model=model)
            if standing := next((each for each in held if each.stands(datetime.now(UTC))), None):
                return standing
            if held:
                raise _ended(held[0])
            # The ledger is read after the rows, and may tell of what was granted meanwhile: then they are read once more.
            was_granted = (model, dataset) in self._record_of_grants.granted()
            if not was_granted:
                return None
        raise _taken_away(model, dataset)

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
        held = self._held(earlier)
        if held is None or not grant.includes(held):
            raise OutsideGrantError(
                f"The version was made under the grant {earlier}, and the grant {grant.id} of dataset {grant.dataset!r} to model "
                f"{grant.model!r}, which is in force, gives less. Train a version under it, or ask for a grant of as much."
            )
        return replace(grant, columns=held.columns, rows=held.rows)

    def _record(self, view: View, grant: Grant, *, use: str, purpose: str, whole: str, by: Actor) -> Grant:
        shown = view.dataset
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
            grant = self._settled(connection, grant, by=by)
            facts = {"on_behalf_of": by.id, "grant": grant.id, **facts}
            self._ledger.record(connection, DATASET_READ, actor=principal(grant.model), subject=shown.name, facts=facts)
        return grant

    def _settled(self, connection: Connection, grant: Grant, *, by: Actor) -> Grant:
        """The grant as it stands now that nobody else changes one: what is made now is written down, unless somebody was faster."""
        held = self._rows(connection, dataset=grant.dataset, model=grant.model)
        if grant.is_automatic and not held:
            if (grant.model, grant.dataset) in self._record_of_grants.granted():
                raise _taken_away(grant.model, grant.dataset)
            self._add(connection, grant, by=by)
            return grant
        standing = next((each for each in held if each.stands(datetime.now(UTC))), None)
        if standing is None or not standing.includes(grant):
            raise _ended(next((each for each in held if each.id == grant.id), held[0]))
        return standing

    def _add(self, connection: Connection, grant: Grant, *, by: Actor) -> None:
        store.add_grant(connection, grant, seal=self._seal)
        facts = {**grant.facts, "automatic": grant.is_automatic}
        self._ledger.record(connection, DATASET_GRANTED, actor=by.id, subject=grant.dataset, facts=facts)

    def _end(self, connection: Connection, grant: Grant, *, by: Actor, replaced_by: str = "") -> Grant:
        ended = replace(grant, revoked=datetime.now(UTC), revoked_by=by.id)
        store.end_grant(connection, ended, seal=self._seal)
        facts = {"grant": grant.id, "model": grant.model, **({"replaced_by": replaced_by} if replaced_by else {})}
        self._ledger.record(connection, GRANT_REVOKED, actor=by.id, subject=grant.dataset, facts=facts)
        return ended

    def _standing(self, connection: Connection, dataset: str, model: str) -> Grant | None:
        now = datetime.now(UTC)
        held = self._rows(connection, dataset=dataset, model=model)
        return next((each for each in held if each.stands(now)), None)

    def _require_granting(self, by: Actor, found: store.Registration, *, model: str | None = None) -> Decision:
        """What lets the actor grant. Where nothing but an emergency does, that is on record."""
        permission = self._granting(by, found, model=model)
        if permission is None:
            raise NotPermittedError(
                f"{by.id} may not grant dataset {found.name!r}: that is for who holds {Permission.DATA_GRANT}, and for "
                f"{self._owners.owner(found)}, who registered it. Ask who owns the data ({found.declared.owner})."
            )
        return by.require(permission, model=model, dataset=found.name)

    def _divided(self, found: store.Registration) -> store.Registration:
        """What was divided at first, where that is a shard and the rest is still there; else the dataset itself."""
        shard = self._shelf.description(found).shard
        try:
            return self._divided(self._shelf.genuine(shard.dataset)) if shard else found
        except (DatasetMissingError, DatasetShreddedError):
            return found

    def _may_grant(self, by: Actor, found: store.Registration, *, model: str | None = None) -> bool:
        return self._granting(by, found, model=model) is not None

    def _granting(self, by: Actor, found: store.Registration, *, model: str | None) -> Permission | None:
        """The permission by which the actor may grant the dataset; None where they may not."""
        if by.may(Permission.DATA_GRANT, model=model, dataset=found.name):
            return Permission.DATA_GRANT
        if by.may(Permission.DATA_WRITE, model=model, dataset=found.name) and self._owners.is_owner(by, found):
            return Permission.DATA_WRITE
        return None


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each), default=None)


def _says_the_same(one: Grant, other: Grant) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("columns", "rows", "purpose", "until"))


def _check_purpose(grant: Grant, declared: str, *, wanted: str) -> None:
    if covers(grant.purpose, wanted):
        return
    if grant.is_automatic:
        agreed = f"dataset {grant.dataset!r} is for {declared!r}"
    else:
        agreed = f"the grant {grant.id} of dataset {grant.dataset!r} to it is for {grant.purpose!r}"
    raise PurposeNotAgreedError(
        f"Model {grant.model!r} is to be for {wanted!r}, and {agreed}. Say a purpose within it in the spec, or let who owns the "
        f"data agree: `{_command(grant.model, grant.dataset, wanted)}`."
    )


def _ended(grant: Grant) -> GrantEndedError:
    if grant.revoked:
        what = f"was revoked on {grant.revoked:%Y-%m-%d %H:%M} UTC by {grant.revoked_by}"
    else:
        what = f"ended on {grant.until:%Y-%m-%d %H:%M} UTC"
    return GrantEndedError(
        f"The grant {grant.id} of dataset {grant.dataset!r} to model {grant.model!r} {what}. Only a new one helps: "
        f"`{_command(grant.model, grant.dataset, grant.purpose)}`, typed by who owns the data."
    )


def _taken_away(model: str, dataset: str) -> GrantEndedError:
    return GrantEndedError(
        f"The ledger tells of a grant of dataset {dataset!r} to model {model!r}, and something other than Modelward took its row "
        f"away. Only a new one helps: `{_command(model, dataset, 'PURPOSE')}`, typed by who owns the data; and run `modelward "
        "audit verify`."
    )


def _command(model: str, dataset: str, purpose: str) -> str:
    return f"modelward data grant {model} {dataset} --purpose {quote(purpose)}"
