# SPDX-License-Identifier: Apache-2.0
"""Tables: the numbers and categories of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from modelward.datasets import Column, ColumnKind, Dataset, Parts, counts_rows
from modelward.registry import Feature
from modelward.training.checking import exclusion
from modelward.training.columns import Columns, columns_of, rows_of
from modelward.training.gatherer import Prepared, UnusableDataError
from modelward.training.preparation import Preparation

if TYPE_CHECKING:
    import polars as pl

    from modelward.training.spec import Data, Spec

BACKGROUND_ROWS = 100


class TableGatherer:
    """Gathers every column that can be a feature of a table, and refuses those that cannot."""

    def choose(self, data: Data, dataset: Dataset, table: pl.DataFrame) -> list[Column]:
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

    def prepare(self, spec: Spec, chosen: Sequence[Column], *, table: pl.DataFrame, parts: Parts) -> Prepared:
        features = tuple(_feature(column) for column in chosen)
        columns = columns_of(table, features)
        training = rows_of(columns, parts.train)
        preparation = Preparation.fit(training, features, spec.data.prepare)
        return Prepared(_as_seen(features, table[parts.train]), columns, preparation, background_of(training, seed=spec.seed))


def background_of(columns: Columns, *, seed: int) -> list[dict[str, Any]]:
    """Rows of JSON that stand for "this feature is not known" when an answer is explained.

    Each column is drawn from the training rows on its own, so that the rows keep what each feature looks like and none of them
    is anybody's record: a version carries them wherever it goes.
    """
    draw = np.random.Generator(np.random.PCG64(seed))
    drawn: dict[str, list[Any]] = {}
    for name, column in columns.items():
        values = column[draw.integers(0, len(column), BACKGROUND_ROWS), 0].tolist()
        drawn[name] = [None if value == "" or value != value else value for value in values]
    return [dict(zip(drawn, row, strict=True)) for row in zip(*drawn.values(), strict=True)]


def _why_unusable(table: pl.DataFrame, column: Column) -> str:
    """Why a column cannot be a feature; nothing where it can."""
    if column.kind is ColumnKind.TEXT:
        return "holds free text or a name for each row, which is no feature of a table (`data: {text: COLUMN}` learns from texts)"
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


def _as_seen(features: Sequence[Feature], training: pl.DataFrame) -> tuple[Feature, ...]:
    """The features with what the training rows hold of them. What only other rows hold was not learned from."""
    return tuple(_seen(feature, training.get_column(feature.name).drop_nulls()) for feature in features)


def _seen(feature: Feature, values: pl.Series) -> Feature:
    import polars as pl

    if feature.kind == "number":
        return replace(feature, minimum=cast("float", values.min()), maximum=cast("float", values.max()))
    return replace(feature, categories=tuple(values.cast(pl.String).unique().sort().to_list()))
