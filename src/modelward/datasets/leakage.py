# SPDX-License-Identifier: Apache-2.0
"""Finds columns that tell the target on their own: most often they were written after the outcome was known.

Two measures, each on one column alone. The area under the ROC curve (two classes, a column of numbers; Hanley and McNeil, 1982,
by ranks). And the share of the error of always guessing the largest class that goes away when the largest class is guessed within
each value, or within each of 64 equal shares of a column of numbers (the lambda of Goodman and Kruskal, 1954).
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from modelward.datasets.dataset import Column, ColumnKind
from modelward.datasets.profile import ProfileWarning
from modelward.datasets.table import Table

LEAST_AUC = 0.98
LEAST_LAMBDA = 0.95
_BINS = 64
# With fewer rows a value, each value's largest class is right by chance.
_LEAST_ROWS_PER_VALUE = 5


def leakage_suspects(table: Table, columns: tuple[Column, ...], *, target: str) -> Iterator[ProfileWarning]:
    """One warning, with its figure, for each column that alone predicts the target nearly perfectly."""
    labels = _codes(table.get_column(target))
    for column in columns:
        if column.name == target or column.kind is ColumnKind.IMAGE:
            continue
        values = table.get_column(column.name)
        if text := _telling(values, labels, column.kind):
            yield ProfileWarning("leakage", column.name, f"{text} Leave the column out, unless it is known before the outcome.")


def _telling(values: pl.Series, labels: pl.Series, kind: ColumnKind) -> str:
    """What the column tells of the target, or nothing."""
    name = repr(values.name)
    if values.n_unique() == labels.n_unique() and _lambda(_codes(values), labels) == 1:
        return f"Column {name} says the same as the target, value for value."
    if kind is ColumnKind.NUMBER and labels.n_unique() == 2 and (auc := _auc(values, labels)) >= LEAST_AUC:
        return f"Column {name} alone separates the classes: ROC AUC {auc:.3f}."
    codes = _bins(values) if kind in {ColumnKind.NUMBER, ColumnKind.DATE} else _codes(values)
    if (share := _lambda(codes, labels)) >= LEAST_LAMBDA:
        return f"The values of column {name} alone tell the class: they remove {share:.1%} of the error of guessing."
    if values.null_count() and (share := _lambda(_codes(values.is_null()), labels)) >= LEAST_LAMBDA:
        return f"Whether column {name} is missing tells the class: it removes {share:.1%} of the error of guessing."
    return ""


def _codes(values: pl.Series) -> pl.Series:
    values = values.cast(pl.UInt8) if values.dtype == pl.Boolean else values
    return values.rank("dense").fill_null(0).cast(pl.UInt32)


def _bins(values: pl.Series) -> pl.Series:
    """The share of the values, of 64 equal ones, that each lies in; 0 where missing."""
    present = max(len(values) - values.null_count(), 1)
    return ((values.rank("max") - 1) * _BINS // present + 1).fill_null(0).cast(pl.UInt32)


def _lambda(codes: pl.Series, labels: pl.Series) -> float:
    pairs = pl.DataFrame({"code": codes, "label": labels}).group_by("code", "label").len()
    if codes.n_unique() * _LEAST_ROWS_PER_VALUE > len(codes):
        return 0.0
    right = int(pairs.group_by("code").agg(pl.col("len").max())["len"].sum())
    guessed = int(pairs.group_by("label").agg(pl.sum("len")).select(pl.max("len")).item() or 0)
    return (right - guessed) / (len(codes) - guessed)


def _auc(values: pl.Series, labels: pl.Series) -> float:
    """The larger of the area and one minus it, over the rows where the value is there; 0.5 where a class has none."""
    present = pl.DataFrame({"value": values, "positive": labels == labels.max()}).drop_nulls("value")
    positives = int(present["positive"].sum())
    negatives = present.height - positives
    if not positives or not negatives:
        return 0.5
    ranks = float(present["value"].rank("average").filter(present["positive"]).sum())
    area = (ranks - positives * (positives + 1) / 2) / (positives * negatives)
    return max(area, 1 - area)
