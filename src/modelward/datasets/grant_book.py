# SPDX-License-Identifier: Apache-2.0
"""The book of grants: their sealed rows, held against what the ledger tells of them. It knows what stands, not who may grant it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from modelward.access import Actor, Seal
from modelward.audit import Ledger
from modelward.datasets import store
from modelward.datasets.grant import DATASET_GRANTED, GRANT_REVOKED, Grant, GrantEndedError, command_for
from modelward.datasets.granted_on_record import GrantedOnRecord
from modelward.storage import Connection, Database, Keyring


class GrantBook:
    """Which grants there are. An older row that was put back is revoked, and one that was taken away is missed, as the ledger says.

    Whatever reads rows raises `AlteredRowError` where something other than Modelward wrote one.
    """

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring) -> None:
        self._database = database
        self._ledger = ledger
        self._seal = Seal(keyring.secret("pepper"))
        self._told = GrantedOnRecord(ledger)

    def rows(self, connection: Connection, *, dataset: str = "", model: str = "") -> Sequence[Grant]:
        """The grants of that dataset, to that model, or all; the latest first."""
        return self._told.as_told(store.grants(connection, dataset=dataset, model=model, seal=self._seal))

    def standing(self, connection: Connection, dataset: str, model: str) -> Grant | None:
        """The grant in force of that very dataset; None where there is none."""
        return _first_standing(self.rows(connection, dataset=dataset, model=model))

    def held(self, grant: str) -> Grant | None:
        """The grant of that id, as it was made, be it over or not."""
        with self._database.look() as connection:
            return store.grant(connection, grant, seal=self._seal)

    def in_force(self, dataset: str, model: str) -> Grant | None:
        """The grant in force of that very dataset; None where there never was one.

        Raises:
            GrantEndedError: there was, or the ledger says so.
        """
        was_granted = False
        for _ in range(2):
            with self._database.look() as connection:
                held = self.rows(connection, dataset=dataset, model=model)
            if standing := _first_standing(held):
                return standing
            if held:
                raise _ended(held[0])
            # The ledger is read after the rows, and may tell of what was granted meanwhile: then they are read once more.
            was_granted = (model, dataset) in self._told.granted()
            if not was_granted:
                return None
        raise _taken_away(model, dataset)

    def check(self, grant: str) -> None:
        """Nothing, where what that grant gave is still granted: by itself, or by another that took its place. One look.

        Raises:
            GrantEndedError: it was revoked, or its time is over.
        """
        with self._database.look() as connection:
            row = store.grant(connection, grant, seal=self._seal)
            held = self._told.as_told([row])[0] if row else None
            if held and held.stands(datetime.now(UTC)):
                return
            instead = self.standing(connection, held.dataset, held.model) if held else None
        if held is None:
            raise GrantEndedError(f"There is no grant {grant!r}.")
        if instead is None or not instead.includes(held):
            raise _ended(held)

    def altered(self) -> Sequence[str]:
        """The grants that something other than Modelward altered, took away, or put back as they were before they were revoked."""
        with self._database.look() as connection:
            altered = [*store.altered_grants(connection, seal=self._seal)]
            if altered:
                return altered
            rows = store.grants(connection, seal=self._seal)
        there = {(each.model, each.dataset) for each in rows}
        gone = sorted(self._told.granted() - there)
        back = [each.id for each, told in zip(rows, self._told.as_told(rows), strict=True) if told != each]
        return [*(f"grant {each!r}" for each in back), *(f"grants of {dataset!r} to {model!r}" for model, dataset in gone)]

    def enter(self, connection: Connection, wanted: Grant, *, by: Actor) -> Grant:
        """Write down a grant in place of the one that stood; that one, where it says the same."""
        standing = self.standing(connection, wanted.dataset, wanted.model)
        if standing and _says_the_same(standing, wanted):
            return standing
        if standing:
            self.end(connection, standing, by=by, replaced_by=wanted.id)
        # What was put back is mended by granting anew.
        for ended in self.rows(connection, dataset=wanted.dataset, model=wanted.model):
            store.end_grant(connection, ended, seal=self._seal)
        self._add(connection, wanted, by=by)
        return wanted

    def settled(self, connection: Connection, grant: Grant, *, by: Actor) -> Grant:
        """The grant as it stands now that nobody else changes one: what is made now is written down, unless somebody was faster.

        Raises:
            GrantEndedError: it is over meanwhile.
        """
        held = self.rows(connection, dataset=grant.dataset, model=grant.model)
        if grant.is_automatic and not held:
            if (grant.model, grant.dataset) in self._told.granted():
                raise _taken_away(grant.model, grant.dataset)
            self._add(connection, grant, by=by)
            return grant
        standing = _first_standing(held)
        if standing is None or not standing.includes(grant):
            raise _ended(next((each for each in held if each.id == grant.id), held[0]))
        return standing

    def end(self, connection: Connection, grant: Grant, *, by: Actor, replaced_by: str = "") -> Grant:
        """Write down that the grant is revoked, and which one took its place."""
        ended = replace(grant, revoked=datetime.now(UTC), revoked_by=by.id)
        store.end_grant(connection, ended, seal=self._seal)
        facts = {"grant": grant.id, "model": grant.model, **({"replaced_by": replaced_by} if replaced_by else {})}
        self._ledger.record(connection, GRANT_REVOKED, actor=by.id, subject=grant.dataset, facts=facts)
        return ended

    def _add(self, connection: Connection, grant: Grant, *, by: Actor) -> None:
        store.add_grant(connection, grant, seal=self._seal)
        facts = {**grant.facts, "automatic": grant.is_automatic}
        self._ledger.record(connection, DATASET_GRANTED, actor=by.id, subject=grant.dataset, facts=facts)


def _first_standing(held: Sequence[Grant]) -> Grant | None:
    now = datetime.now(UTC)
    return next((each for each in held if each.stands(now)), None)


def _says_the_same(one: Grant, other: Grant) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("columns", "rows", "purpose", "until"))


def _ended(grant: Grant) -> GrantEndedError:
    if grant.revoked:
        what = f"was revoked on {grant.revoked:%Y-%m-%d %H:%M} UTC by {grant.revoked_by}"
    else:
        what = f"ended on {grant.until:%Y-%m-%d %H:%M} UTC"
    return GrantEndedError(
        f"The grant {grant.id} of dataset {grant.dataset!r} to model {grant.model!r} {what}. Only a new one helps: "
        f"`{command_for(grant.model, grant.dataset, grant.purpose)}`, typed by who owns the data."
    )


def _taken_away(model: str, dataset: str) -> GrantEndedError:
    return GrantEndedError(
        f"The ledger tells of a grant of dataset {dataset!r} to model {model!r}, and something other than Modelward took its row "
        f"away. Only a new one helps: `{command_for(model, dataset, 'PURPOSE')}`, typed by who owns the data; and run `modelward "
        "audit verify`."
    )
