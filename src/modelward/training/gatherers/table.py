# SPDX-License-Identifier: Apache-2.0
"""Tables: the numbers and categories of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from modelward.datasets import Column, ColumnKind, Dataset, Parts, Table, counts_rows
from modelward.registry import Feature
from modelward.training.checking import exclusion
from modelward.training.columns import Columns, column_of, columns_of
from modelward.training.gatherer import UnusableDataError
from modelward.training.preparation import (
    CategoryStep,
    NumberStep,
    Preparation,
    check_names,
    codes_of,
    fit_category,
    fit_number,
    prepared_numbers,
)
from modelward.training.rows import PreparedRows, blocks_of

if TYPE_CHECKING:
    import polars as pl

    from modelward.training.preparation import Prepare
    from modelward.training.recipe import Rows
    from modelward.training.spec import Data, Spec

BACKGROUND_ROWS = 100


class TableGatherer:
    """Gathers every column that can be a feature of a table, and refuses those that cannot."""

    def choose(self, data: Data, dataset: Dataset, table: Table) -> list[Column]:
        # The moment by which a split is made lies in the future of every request, so it cannot be a feature.
        out = {*data.exclude, data.split.column}
        chosen = [column for column in dataset.features if column.name not in out]
        if not chosen:
            raise UnusableDataError(f"data.exclude: no feature is left of dataset {dataset.name!r}. Exclude fewer columns.")
        unusable = {column.name: why for column in chosen if (why := _why_unusable(table, column))}
        if unusable:
            raise UnusableDataError(
                f"{_told(unusable)} Leave out what cannot be learned from: {exclusion([*data.exclude, *unusable])}."
            )
        return chosen

    def prepare(self, spec: Spec, chosen: Sequence[Column], *, table: Table, parts: Parts) -> PreparedTable:
        check_names([column.name for column in chosen])
        going = _Going(table, chosen, rows=parts.train, prepare=spec.data.prepare, seed=spec.seed)
        for column in chosen:
            going.take(_feature(column))
        return going.prepared()


@dataclass(frozen=True, slots=True)
class PreparedTable:
    """See `Gathered`. `table` is read again for what serving receives."""

    features: tuple[Feature, ...]
    preparation: Preparation
    background: list[dict[str, Any]]
    table: Table
    rows: PreparedRows

    def part(self, rows: npt.NDArray[np.int64]) -> Rows:
        """See `Gathered.part`."""
        return self.rows.part(rows)

    def served(self, rows: npt.NDArray[np.int64]) -> Columns:
        """See `Gathered.served`."""
        return columns_of(self.table, self.features, rows)


class _Going:
    """Goes through a table column by column, with one of them in memory at a time: fits its step to the training `rows`, and
    prepares all rows by it.
    """

    def __init__(self, table: Table, chosen: Sequence[Column], *, rows: npt.NDArray[np.int64], prepare: Prepare, seed: int) -> None:
        numbers = sum(column.kind is ColumnKind.NUMBER for column in chosen)
        self._table, self._rows, self._prepare = table, rows, prepare
        self._numbers = np.empty((table.height, numbers), dtype=np.float32)
        self._codes = np.empty((table.height, len(chosen) - numbers), dtype=np.int16)
        self._steps: tuple[list[NumberStep], list[CategoryStep]] = [], []
        self._features: list[Feature] = []
        self._draw = np.random.Generator(np.random.PCG64(seed))
        self._drawn: dict[str, list[Any]] = {}

    def take(self, feature: Feature) -> None:
        values = self._table.get_column(feature.name)
        training = values[self._rows]
        (self._take_number if feature.kind == "number" else self._take_category)(feature, values, training)
        self._features.append(_seen(feature, training.drop_nulls()))
        chosen = column_of(training[self._draw.integers(0, len(training), BACKGROUND_ROWS)], feature)[:, 0].tolist()
        self._drawn[feature.name] = [None if value == "" or value != value else value for value in chosen]

    def prepared(self) -> PreparedTable:
        numbers, categories = self._steps
        preparation = Preparation(numbers=tuple(numbers), categories=tuple(categories), encode=self._prepare.encode)
        # Rows that stand for "not known" when an answer is explained. Each column was drawn from the training rows on its own, so
        # that the rows keep what each feature looks like and none is anybody's record: a version carries them wherever it goes.
        background = [dict(zip(self._drawn, row, strict=True)) for row in zip(*self._drawn.values(), strict=True)]
        rows = PreparedRows(np.arange(0), preparation, numbers=self._numbers, codes=self._codes)
        return PreparedTable(tuple(self._features), preparation, background, self._table, rows)

    def _take_number(self, feature: Feature, values: pl.Series, training: pl.Series) -> None:
        steps, _ = self._steps
        step = fit_number(feature.name, column_of(training, feature), self._prepare)
        for block in blocks_of(len(values), 1):
            held = {feature.name: column_of(values[block], feature)}
            self._numbers[block, len(steps)] = prepared_numbers((step,), held)[:, 0]
        steps.append(step)

    def _take_category(self, feature: Feature, values: pl.Series, training: pl.Series) -> None:
        _, steps = self._steps
        step = fit_category(feature.name, _counted(training), self._prepare)
        for block in blocks_of(len(values), 1):
            self._codes[block, len(steps)] = codes_of(step, column_of(values[block], feature))
        steps.append(step)


def _counted(values: pl.Series) -> dict[str, int]:
    """How often each value is there, as text."""
    import polars as pl

    return dict(values.drop_nulls().cast(pl.String).value_counts().iter_rows())


def _why_unusable(table: Table, column: Column) -> str:
    """Why a column cannot be a feature; nothing where it can."""
    if column.kind is ColumnKind.TEXT:
        return "holds free text or a name for each row, which is no feature of a table (`data: {text: COLUMN}` learns from texts)"
    if column.kind is ColumnKind.IMAGE:
        return "holds images, which are no feature of a table (`data: {image: COLUMN}` learns from images)"
    if column.kind is ColumnKind.SERIES:
        return "holds series of numbers, which are no feature of a table (`data: {series: COLUMN}` learns from series)"
    if column.kind is ColumnKind.DATE:
        return "holds dates, which this version does not learn from"
    return "only counts the rows" if counts_rows(table.get_column(column.name)) else ""


def _told(unusable: Mapping[str, str]) -> str:
    """A sentence for each reason, with the columns that it holds for."""
    columns: dict[str, list[str]] = {}
    for name, why in unusable.items():
        columns.setdefault(why, []).append(name)
    return " ".join(f"{_named(names)} {why}." for why, names in columns.items())


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8]))
    return f"Column {shown}" if len(names) == 1 else f"Each of the {len(names)} columns {shown}{'…' if len(names) > 8 else ''}"


def _feature(column: Column) -> Feature:
    return Feature(column.name, "number" if column.kind is ColumnKind.NUMBER else "category", nullable=column.nullable)


def _seen(feature: Feature, values: pl.Series) -> Feature:
    """The feature with what the training rows hold of it. What only other rows hold was not learned from."""
    import polars as pl

    if feature.kind == "number":
        return replace(feature, minimum=cast("float", values.min()), maximum=cast("float", values.max()))
    return replace(feature, categories=tuple(values.cast(pl.String).unique().sort().to_list()))
