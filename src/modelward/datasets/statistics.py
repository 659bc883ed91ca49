# SPDX-License-Identifier: Apache-2.0
"""The verb that answers statistics of a dataset with noise, from its privacy budget. No row is shown, and none can be made out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from modelward.access import Actor, Permission, Seal
from modelward.datasets import store
from modelward.datasets.agreement import Agreement
from modelward.datasets.budget import PRIVACY_SPENT
from modelward.datasets.budgets import Budgets
from modelward.datasets.dataset import ColumnKind
from modelward.datasets.row_filter import RowFilter
from modelward.datasets.shelf import Shelf
from modelward.datasets.statistic import STEPS, NoisyAnswer, Question, figures_of, text_of
from modelward.datasets.table import Table
from modelward.digest import canonical_json, keyed_digest
from modelward.privacy import discrete_laplace
from modelward.storage import Database, Keyring

if TYPE_CHECKING:
    import polars as pl


class Statistics:
    """Answers statistics. What was answered is kept, so that who asks again gets the same noise, and averages nothing away."""

    def __init__(self, database: Database, shelf: Shelf, agreement: Agreement, budgets: Budgets, keyring: Keyring) -> None:
        self._database = database
        self._shelf = shelf
        self._agreement = agreement
        self._budgets = budgets
        self._seal = Seal(keyring.secret("pepper"))
        self._digest_key = keyring.secret("digests")

    def ask(self, name: str, question: Question, *, by: Actor) -> NoisyAnswer:
        """What the rows of the dataset answer to the `question`, with noise. The same question, of the same rows, for at most what
        it cost before, has the same answer for nothing, whoever asks.

        Raises:
            NotPermittedError: the actor may ask no statistics of it. DatasetMissingError: there is none.
            TermsNotAcceptedError: its terms are to be accepted first. DatasetShreddedError: its rows are gone.
            InvalidStatisticError, InvalidFilterError: the question does not fit its columns.
            OverspentError: its privacy budget has less left; no row was looked at.
            AlteredRowError, BudgetAlteredError: somebody edited what was answered or spent.
            SealBrokenError, DatasetChangedError: the rows are not those registered.
        """
        by.require(Permission.DATA_STATISTICS, dataset=name)
        found = self._shelf.genuine(name)
        self._agreement.require(found, by=by)
        question.check(self._shelf.description(found).columns)
        asked = self._digest(found.fingerprint, question)
        if kept := self._kept(asked, question):
            return self._told(name, question, kept, repeated=True)
        self._budgets.require_room(name, question.mechanisms)
        numbers = self._noisy(self._shelf.rows(found), question, found)
        answered = store.SpendingRow(
            id="", dataset=name, at=datetime.now(UTC), question=asked, epsilon=question.epsilon, answer=numbers
        )
        delta = self._budgets.delta(name)
        self._budgets.spend(
            name, question.mechanisms, delta=delta, for_=question.told, by=by, event=PRIVACY_SPENT, answered=answered
        )
        kept = self._kept(asked, question)
        assert kept is not None
        return self._told(name, question, kept, repeated=False)

    def _digest(self, fingerprint: str, question: Question) -> str:
        return keyed_digest(self._digest_key, b"statistic:" + canonical_json([fingerprint, question.meaning]))

    def _kept(self, asked: str, question: Question) -> store.SpendingRow | None:
        """What was answered before for at least that epsilon."""
        with self._database.look() as connection:
            found = store.answers(connection, asked, seal=self._seal)
        return next((each for each in found if each.epsilon >= question.epsilon), None)

    def _told(self, name: str, question: Question, kept: store.SpendingRow, *, repeated: bool) -> NoisyAnswer:
        scale = replace(question, epsilon=kept.epsilon).scale
        figures = figures_of(question, kept.answer, scale)
        return NoisyAnswer(
            dataset=name,
            question=question,
            figures=figures,
            text=text_of(question, figures, dataset=name),
            epsilon=kept.epsilon,
            at=kept.at,
            repeated=repeated,
            spending=kept.id,
            left=self._budgets.left(name),
        )

    def _noisy(self, table: Table, question: Question, found: store.Registration) -> tuple[int, ...]:
        columns = self._shelf.description(found).columns
        kept = RowFilter.parse(question.where).kept(table, columns) if question.where else None
        if question.kind == "count":
            exact = [int(kept.sum()) if kept is not None else table.height]
            return _added(exact, [question.scale])
        values = table.get_column(question.column)
        values = values if kept is None else values.filter(kept)
        if question.kind == "mean":
            return _added(_sum_and_rows(values, question), [question.scale * STEPS, question.scale])
        kind = next(each.kind for each in columns if each.name == question.column)
        exact = _bars(values, question, is_boolean=kind is ColumnKind.BOOLEAN)
        return _added(exact, [question.scale] * len(exact))


def _added(exact: Sequence[int], scales: Sequence[Fraction]) -> tuple[int, ...]:
    return tuple(number + discrete_laplace(scale) for number, scale in zip(exact, scales, strict=True))


def _sum_and_rows(values: pl.Series, question: Question) -> list[int]:
    """The sum of the values, each in steps from the middle of its range and at most `STEPS` of them, and how many there are."""
    assert question.lower is not None
    assert question.upper is not None
    half = (question.upper - question.lower) / 2
    numbers = values.drop_nulls().to_numpy().astype(np.float64)
    numbers = numbers[~np.isnan(numbers)]
    steps = np.rint((np.clip(numbers, question.lower, question.upper) - question.lower - half) / half * STEPS)
    return [int(np.clip(steps, -STEPS, STEPS).astype(np.int64).sum()), len(numbers)]


def _bars(values: pl.Series, question: Question, *, is_boolean: bool) -> list[int]:
    """How many rows are in each bar; each row is in one."""
    missing = values.null_count()
    there = values.drop_nulls()
    if question.bins:
        numbers = there.to_numpy().astype(np.float64)
        missing += int(np.isnan(numbers).sum())
        places = np.searchsorted(np.asarray(question.bins), numbers[~np.isnan(numbers)], side="right")
        return [*np.bincount(places, minlength=len(question.bins) + 1).tolist(), missing]
    if is_boolean:
        yes = int(there.sum())
        return [yes, len(there) - yes, missing]
    named = [int((there == each).sum()) for each in question.categories]
    return [*named, len(there) - sum(named), missing]
