# SPDX-License-Identifier: Apache-2.0
"""The book of grants: their sealed rows, held against what the ledger tells of them. It knows what stands, not who may grant it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from modelward.access import Actor, Seal
from modelward.audit import Ledger
from modelward.datasets import store
from modelward.datasets.grant import DATASET_GRANTED, GRANT_REVOKED, Grant, GrantEndedError, command_for
from modelward.datasets.granted_on_record import GrantedOnRecord
from modelward.datasets.sharding import wholes_by_name
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

    def granted_shards(self, connection: Connection, dataset: str, model: str) -> Sequence[str]:
        """What is called as a shard of that dataset, at any depth, and has a grant of its own in force; by name."""
        now, prefix = datetime.now(UTC), f"{dataset}-"
        held = self.rows(connection, model=model)
        return sorted({each.dataset for each in held if each.dataset.startswith(prefix) and each.stands(now)})

    def held(self, grant: str) -> Grant | None:
        """The grant of that id, as it was made, be it over or not."""
        with self._database.look() as connection:
            return store.grant(connection, grant, seal=self._seal)

    def in_force(self, line: Sequence[str], model: str) -> Grant | None:
        """See `deciding`."""
        try:
            return self._deciding(line, model, self._looked_up(line, model))
        except GrantEndedError:
            # The ledger is read after the rows, and may tell of what was granted meanwhile: then they are read once more.
            return self._deciding(line, model, self._looked_up(line, model))

    def deciding(self, connection: Connection, line: Sequence[str], model: str) -> Grant | None:
        """The grant that is in force of the first dataset of the `line`, each of which is a shard of the next; None where none of
        them ever had one.

        The nearest holds that somebody granted or took back by hand. One that was made by beginning holds where there is none above
        it: so nobody has more of a part than who decided about the whole lets them have.

        Raises:
            GrantEndedError: there was, or the ledger says so.
        """
        return self._deciding(line, model, self._rows_of(connection, line, model))

    def _looked_up(self, line: Sequence[str], model: str) -> Sequence[Grant]:
        with self._database.look() as connection:
            return self._rows_of(connection, line, model)

    def _rows_of(self, connection: Connection, line: Sequence[str], model: str) -> Sequence[Grant]:
        """The rows of the grants of each of the `line`, nearest first, as the database has them."""
        return [each for name in line for each in store.grants(connection, dataset=name, model=model, seal=self._seal)]

    def _deciding(self, line: Sequence[str], model: str, rows: Sequence[Grant]) -> Grant | None:
        """See `deciding`. `in_force` and `check` ask the ledger after their look is over, for a look within a look takes long."""
        told, by_beginning = self._told.as_told(rows), None
        for name in line:
            held = [each for each in told if each.dataset == name]
            standing = _first_standing(held)
            if standing is None and held:
                raise _ended(held[0])
            if standing is None and self._told.was_granted(model, name):
                raise _taken_away(model, name)
            if standing and not standing.is_automatic:
                return standing
            by_beginning = by_beginning or standing
        return by_beginning

    def told(self, line: Sequence[str], model: str) -> Sequence[Grant]:
        """What `deciding` says: the grant in force; the nearest of those that are over, where it refuses; or none."""
        try:
            standing = self.in_force(line, model)
        except GrantEndedError:
            with self._database.look() as connection:
                held = (self.rows(connection, dataset=name, model=model) for name in line)
                ended = (rows[0] for rows in held if rows and not _first_standing(rows))
                return [*islice(ended, 1)]
        return [standing] if standing else []

    def as_decided(
        self, connection: Connection, grants: Sequence[Grant], line_of: Callable[[str], Sequence[str]]
    ) -> Sequence[Grant]:
        """The grants; of those that were made by beginning, one of a shard is told as over from when somebody decided about what is
        above it: see `deciding`.
        """
        decided: dict[str, dict[str, Grant]] = {}
        told, now = [], datetime.now(UTC)
        for each in grants:
            may_be = [*wholes_by_name(each.dataset)] if each.is_automatic and each.stands(now) else []
            for name in may_be:
                if name not in decided:
                    decided[name] = _by_hand(self.rows(connection, dataset=name), now)
            # What it is a shard of takes longer to find out.
            above = line_of(each.dataset)[1:] if any(each.model in decided[name] for name in may_be) else ()
            by = next((decided[name][each.model] for name in above if each.model in decided[name]), None)
            told.append(replace(each, revoked=by.revoked or by.granted, revoked_by=by.revoked_by or by.by) if by else each)
        return told

    def check(self, grant: str, line: Sequence[str]) -> None:
        """Nothing, where what that grant gave of the first dataset of the `line` is still granted: by itself, or by another that
        holds instead. One look.

        Raises:
            GrantEndedError: it was revoked or narrowed, or its time is over.
        """
        with self._database.look() as connection:
            held = store.grant(connection, grant, seal=self._seal)
            rows = self._rows_of(connection, line, held.model) if held else ()
        if held is None:
            raise GrantEndedError(f"There is no grant {grant!r}.")
        now = self._deciding(line, held.model, rows)
        if now is None or not now.includes(held):
            raise _ended(self._told.as_told([held])[0], instead=now)

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
        """Write down a grant in place of the one that stood; that one, where it was made by hand and says the same."""
        standing = self.standing(connection, wanted.dataset, wanted.model)
        if standing and not standing.is_automatic and _says_the_same(standing, wanted):
            return standing
        if standing:
            self.end(connection, standing, by=by, replaced_by=wanted.id)
        # What was put back is mended by granting anew.
        for ended in self.rows(connection, dataset=wanted.dataset, model=wanted.model):
            store.end_grant(connection, ended, seal=self._seal)
        self._add(connection, wanted, by=by)
        return wanted

    def settled(self, connection: Connection, grant: Grant, line: Sequence[str], *, by: Actor) -> Grant:
        """The grant as it stands now that nobody else changes one: what is made now is written down, unless somebody was faster.

        Raises:
            GrantEndedError: it is over meanwhile, or another gives less.
        """
        now = self.deciding(connection, line, grant.model)
        if now is None:
            self._add(connection, grant, by=by)
            return grant
        if not now.includes(grant):
            raise _ended(grant, instead=now)
        return now

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


def _by_hand(held: Sequence[Grant], now: datetime) -> dict[str, Grant]:
    """Of each model the latest grant that decides of shards, too: one that was made by hand, or is over."""
    decided: dict[str, Grant] = {}
    for each in held:
        if not each.is_automatic or not each.stands(now):
            decided.setdefault(each.model, each)
    return decided


def _says_the_same(one: Grant, other: Grant) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("columns", "rows", "purpose", "until"))


def _ended(grant: Grant, *, instead: Grant | None = None) -> GrantEndedError:
    if grant.revoked:
        what = f"was revoked on {grant.revoked:%Y-%m-%d %H:%M} UTC by {grant.revoked_by}"
    elif instead:
        what = f"holds no more: {instead.id} of dataset {instead.dataset!r}, which holds instead, gives less"
    elif grant.until:
        what = f"ended on {grant.until:%Y-%m-%d %H:%M} UTC"
    else:
        what = "holds no more"
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
