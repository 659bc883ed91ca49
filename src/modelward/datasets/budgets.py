# SPDX-License-Identifier: Apache-2.0
"""The verbs of privacy budgets: one for each dataset, from which statistics and private trainings spend."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache

from modelward.access import Actor, Permission, Seal
from modelward.audit import Event, Ledger
from modelward.datasets import store
from modelward.datasets.budget import (
    BUDGET_SET,
    PRIVACY_RESERVED,
    PRIVACY_SETTLED,
    ROUNDING,
    Budget,
    InvalidBudgetError,
    Limit,
    NoiseRequiredError,
    Spending,
    SpendingMissingError,
    SpendingSettledError,
    Unbounded,
    checked_limit,
    overspent,
)
from modelward.datasets.dataset import DATASET_READ
from modelward.datasets.owners import Owners
from modelward.datasets.same_rows import SameRows
from modelward.datasets.shelf import Shelf
from modelward.datasets.spent_on_record import Recorded, SpentOnRecord
from modelward.privacy import Loss, Mechanism, epsilon_of, merged
from modelward.settings import Settings
from modelward.storage import Database, Keyring

MECHANISMS_LIMIT = 100
_PURPOSE_LIMIT = 200


class Budgets:
    """Privacy budgets. The ledger is their one record, so that they are as hard to alter as it is."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        shelf: Shelf,
        owners: Owners,
        same_rows: SameRows,
        keyring: Keyring,
        *,
        settings: Settings,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._shelf = shelf
        self._owners = owners
        self._same_rows = same_rows
        self._settings = settings
        self._seal = Seal(keyring.secret("pepper"))
        self._on_record = SpentOnRecord(database, ledger)

    def show(self, name: str, by: Actor) -> Budget:
        """The privacy budget of the dataset: its limit, what was spent and what is left. It is there when the rows are not.

        Raises:
            NotPermittedError: the actor may not read the data. DatasetMissingError: there is none.
            BudgetAlteredError, LedgerBrokenError: something other than Modelward altered it.
            MissingExtraError: something was spent, and nobody is installed to add it up.
        """
        by.require(Permission.DATA_READ, dataset=name)
        self._shelf.find(name)
        whole, told = self._same_rows.whole(name), self._on_record.read()
        names = self._same_rows.of(whole, told.prints)
        spendings = _on(told, names)
        limit = self._limit(whole, told)
        spent = _loss(_looks(spendings), limit.delta)
        seen = tuple(each for each in reversed(spendings) if _may_know(by, each.dataset))
        return Budget(
            dataset=name,
            whole=whole,
            limit=limit,
            spent=spent,
            left=max(0.0, limit.epsilon - spent.epsilon),
            spendings=seen,
            unseen=len(spendings) - len(seen),
            unbounded=self._unbounded(each for each in sorted(names) if _may_know(by, each)),
        )

    def limit(
        self,
        name: str,
        *,
        epsilon: float | None = None,
        delta: float | None = None,
        is_required: bool | None = None,
        by: Actor,
    ) -> Budget:
        """Set the privacy budget of the dataset: that epsilon, at that delta; None leaves what it is. Below what is spent it is
        allowed; then nothing more may be spent. Where it `is_required`, no model may be trained on the dataset without noise.

        Raises:
            NotPermittedError: the actor neither holds data:grant nor registered the dataset. DatasetMissingError: there is none.
            InvalidBudgetError: that can be no budget, or the dataset is a shard or a copy, which has that of the whole.
        """
        by.require(Permission.DATA_READ, dataset=name)
        found = self._shelf.find(name) if self._shelf.find(name).shredded else self._shelf.genuine(name)
        self._owners.require_granting(found, by=by)
        if (whole := self._same_rows.whole(name)) != name:
            raise InvalidBudgetError(
                f"Dataset {name!r} is a shard or a copy of {whole!r}: their rows have one privacy budget. Set it there: "
                f"`modelward data budget {whole} --epsilon NUMBER`."
            )
        now = self._on_record.read().limits.get(name) or self._default(found)
        epsilon, delta = now.epsilon if epsilon is None else epsilon, now.delta if delta is None else delta
        epsilon, delta = checked_limit(epsilon, delta, rows=found.rows)
        required = now.is_required if is_required is None else is_required
        with self._database.change() as connection:
            facts = {"epsilon": epsilon, "delta": delta, "required": required}
            self._ledger.record(connection, BUDGET_SET, actor=by.id, subject=name, facts=facts)
        return self.show(name, by)

    def may_limit(self, name: str, *, by: Actor) -> bool:
        """Whether the actor may set the dataset's budget."""
        return self._owners.may_grant(self._shelf.find(name), by=by)

    def require_plain(self, name: str) -> None:
        """Nothing, where a model may learn from the dataset without noise.

        Raises:
            NoiseRequiredError: its budget, or that of another with the same rows, is required.
        """
        told = self._on_record.read()
        if not told.limits:
            return
        whole = self._same_rows.whole(name)
        for each in sorted(self._same_rows.of(whole, told.prints)):
            limit = told.limit(each)
            if limit and limit.is_required:
                raise NoiseRequiredError(
                    f"No model learns from dataset {name!r} without noise: its privacy budget is required, as {limit.by} set, and "
                    "what such a model tells of a row has no bound. Ask statistics of it (`modelward data statistics`), or have "
                    f"who owns the data allow it: `modelward data budget {whole} --not-required`."
                )

    def reserve(self, name: str, mechanisms: Sequence[Mechanism], *, delta: float, for_: str, by: Actor) -> str:
        """Spend what the `mechanisms` can tell at most of one row of the dataset, before any of them looks; the id by which it is
        settled. What is never settled stays spent.

        Raises:
            NotPermittedError: the actor may not read the data. DatasetMissingError: there is none.
            InvalidBudgetError, InvalidMechanismError: there is nothing to be spent, or far too much of it.
            OverspentError: the budget has less left, that of the dataset or of another with the same rows. Nothing was spent.
        """
        by.require(Permission.DATA_READ, dataset=name)
        return self.spend(name, mechanisms, delta=delta, for_=for_, by=by, event=PRIVACY_RESERVED)

    def settle(self, id: str, mechanisms: Sequence[Mechanism], *, by: Actor) -> None:
        """Write down which looks there really were of what was reserved under `id`: the same, or fewer. Those not taken are spent
        no more. Who reserved it settles it.

        Raises:
            SpendingMissingError: there is no such reservation, or it is somebody else's. SpendingSettledError: it is settled.
            InvalidBudgetError: there were other looks than those reserved, or more.
        """
        looks = merged(mechanisms)
        with self._database.change() as connection:
            held = self._on_record.read().spendings.get(id)
            if held is None or held.by != by.id:
                raise SpendingMissingError(f"{by.id} has reserved nothing under the id {id[:80]!r}.")
            if held.is_settled:
                raise SpendingSettledError(f"What was reserved under the id {id!r} is settled already.")
            _check_within(looks, held)
            facts = {"spending": id, "mechanisms": [asdict(each) for each in looks]}
            self._ledger.record(connection, PRIVACY_SETTLED, actor=by.id, subject=held.dataset, facts=facts)

    def spend(
        self,
        name: str,
        mechanisms: Sequence[Mechanism],
        *,
        delta: float,
        for_: str,
        by: Actor,
        event: Event,
        answered: store.SpendingRow | None = None,
    ) -> str:
        """As `reserve`, by that `event`, with what was `answered`. Who asks was let in."""
        self._shelf.find(name)
        looks, id = _checked(mechanisms), f"s-{secrets.token_hex(6)}"
        row = answered or store.SpendingRow(id=id, dataset=name, at=datetime.now(UTC))
        alone = _loss(looks, delta)
        while True:
            told = self._on_record.read()
            # Adding up takes a while: whoever spent meanwhile is seen below, and it is done again.
            fingerprints = self._require_room(name, told, looks)
            with self._database.change() as connection:
                if self._on_record.read() != told:
                    continue
                recorded = {
                    "spending": id,
                    "use": for_[:_PURPOSE_LIMIT],
                    "epsilon": alone.epsilon,
                    "delta": delta,
                    "mechanisms": [asdict(each) for each in looks],
                    "fingerprints": fingerprints,
                    "accountants": alone.accountants,
                    "question": row.question,
                }
                store.add_spending(connection, replace(row, id=id), seal=self._seal)
                self._ledger.record(connection, event, actor=by.id, subject=name, facts=recorded)
            return id

    def require_room(self, name: str, mechanisms: Sequence[Mechanism]) -> None:
        """Nothing, where the budget has what the `mechanisms` tell left.

        Raises:
            OverspentError: it has not.
        """
        self._require_room(name, self._on_record.read(), _checked(mechanisms))

    def delta(self, name: str) -> float:
        """The delta of the dataset's budget."""
        return self._limit(self._same_rows.whole(name), self._on_record.read()).delta

    def left(self, name: str) -> float:
        """What is left of the dataset's budget."""
        whole, told = self._same_rows.whole(name), self._on_record.read()
        limit, names = self._limit(whole, told), self._same_rows.of(whole, told.prints)
        return max(0.0, limit.epsilon - _loss(_looks(_on(told, names)), limit.delta).epsilon)

    def _require_room(self, name: str, told: Recorded, looks: tuple[Mechanism, ...]) -> list[str]:
        """The fingerprints of the dataset and of what it was divided from, where every limit on its rows has room."""
        whole = self._same_rows.whole(name)
        names = self._same_rows.of(whole, told.prints)
        spendings = _on(told, names)
        held, alone = _looks(spendings), _loss(looks, self._limit(whole, told).delta)
        for each in sorted(names, key=lambda one: (one != whole, one)):
            limit = self._limit(whole, told) if each == whole else told.limit(each)
            if limit is None:
                continue
            together = _loss(merged([*held, *looks]), limit.delta)
            if together.epsilon > limit.epsilon + ROUNDING:
                now = _loss(held, limit.delta)
                whose = whole if each == whole else "another dataset that holds the same rows"
                raise overspent(
                    limit, dataset=whole, limits=whose, now=now, alone=alone, together=together, spendings=len(spendings)
                )
        return sorted({self._shelf.find(each).fingerprint for each in {name, whole} & self._registered()})

    def _registered(self) -> set[str]:
        with self._database.look() as connection:
            return {each.name for each in store.every(connection)}

    def _limit(self, whole: str, told: Recorded) -> Limit:
        found = told.limit(whole)
        if found is None:
            with self._database.look() as connection:
                return self._default(store.find(connection, whole))
        return found

    def _default(self, found: store.Registration | None) -> Limit:
        # A dataset of millions of rows needs less than the setting says.
        delta = self._settings.privacy_delta
        if found and delta * found.rows >= 1:
            delta = 0.1 / found.rows
        return Limit(epsilon=self._settings.privacy_epsilon, delta=delta)

    def _unbounded(self, names: Iterable[str]) -> Unbounded:
        uses = [
            str(each.entry.facts.get("use", ""))
            for name in names
            for each in self._ledger.every(event=DATASET_READ.name, subject=name)
        ]
        trainings = sum(use == "training" for use in uses)
        assessments = sum(use.startswith("assess ") for use in uses)
        return Unbounded(trainings=trainings, assessments=assessments, others=len(uses) - trainings - assessments)


@lru_cache(maxsize=256)
def _loss(looks: tuple[Mechanism, ...], delta: float) -> Loss:
    return epsilon_of(looks, delta=delta)


def _may_know(by: Actor, name: str) -> bool:
    return by.sees(name) and by.may(Permission.DATA_READ, dataset=name)


def _on(told: Recorded, names: frozenset[str]) -> list[Spending]:
    """The spendings on any of these, oldest first."""
    return [each for each in told.spendings.values() if each.dataset in names]


def _looks(spendings: Sequence[Spending]) -> tuple[Mechanism, ...]:
    return merged(look for each in spendings for look in each.mechanisms)


def _checked(mechanisms: Sequence[Mechanism]) -> tuple[Mechanism, ...]:
    looks = merged(mechanisms)
    if not 1 <= len(looks) <= MECHANISMS_LIMIT:
        raise InvalidBudgetError(f"{len(looks)} different mechanisms are to be spent at once; from 1 to {MECHANISMS_LIMIT} can be.")
    return looks


def _check_within(looks: Sequence[Mechanism], held: Spending) -> None:
    reserved = {(each.kind, each.noise, each.sampling): each.times for each in held.mechanisms}
    for each in looks:
        if each.times > reserved.get((each.kind, each.noise, each.sampling), 0):
            raise InvalidBudgetError(
                f"Under the id {held.id!r} no {each.times} looks of kind {each.kind} with noise {each.noise:g} were reserved. What "
                "was reserved stays spent."
            )
