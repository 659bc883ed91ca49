# SPDX-License-Identifier: Apache-2.0
"""Finding the records of somebody in a dataset, without writing down who is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modelward.audit import Event
from modelward.datasets.dataset import Column, ColumnKind, Dataset
from modelward.datasets.layout import unknown_column
from modelward.datasets.row_filter import Comparison, InvalidFilterError, RowFilter, Value
from modelward.datasets.table import Table

if TYPE_CHECKING:
    import polars as pl

DATASET_TRACED = Event(
    "dataset.traced", "Somebody asked which versions saw the records that have a value, of which a digest is kept."
)


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """What a version was made from, and which rows [n] of it are those that are looked for. `outside` counts the others that the
    grant kept from it.
    """

    dataset: Dataset
    table: Table
    rows: npt.NDArray[np.int64]
    outside: int


def matching(dataset: Dataset, table: Table, column: str, value: str) -> pl.Series:
    """For each row whether its `column` has that `value`, as it is written: Boolean [n].

    Raises:
        InvalidFilterError: there is no such column, or it cannot hold that.
    """
    names = [each.name for each in dataset.columns]
    if column not in names:
        raise InvalidFilterError(unknown_column(column, names))
    asked = RowFilter(Comparison(column, "==", (_read(dataset.column(column), value),)))
    asked.check(dataset.columns)
    return asked.kept(table, dataset.columns)


def _read(column: Column, text: str) -> Value:
    try:
        if column.kind is ColumnKind.NUMBER:
            return float(text)
    except ValueError:
        raise InvalidFilterError(f"Column {column.name!r} holds numbers, and what is looked for is none.") from None
    if column.kind is ColumnKind.BOOLEAN and text.casefold() in {"true", "false"}:
        return text.casefold() == "true"
    return text
