# SPDX-License-Identifier: Apache-2.0
"""Finding the records of somebody in a dataset, without writing down who is looked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modelward.audit import Event
from modelward.datasets.dataset import Column, ColumnKind, Dataset
from modelward.datasets.grant import Grant
from modelward.datasets.layout import unknown_column
from modelward.datasets.profile import Profile
from modelward.datasets.row_filter import Comparison, InvalidFilterError, RowFilter, Value
from modelward.datasets.table import Table
from modelward.datasets.view import view_of

if TYPE_CHECKING:
    import polars as pl

DATASET_TRACED = Event(
    "dataset.traced",
    "Somebody looked for records by a value, or by the filter of an erasure, whether it was tried, refused or done. Of it a keyed "
    "digest is kept, and how many records it means.",
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


def records_of(
    dataset: Dataset, table: Table, profile: Profile, matches: pl.Series, *, held: Callable[[str], Grant | None]
) -> Callable[[str], Records]:
    """What versions saw of the rows of a dataset that match, given the id of the grant that they were made under, or "" for the
    whole. `held` knows the grants.

    What is returned raises:
        UnusableTableError, InvalidFilterError: what that grant showed cannot be shown again.
    """

    @cache
    def records(grant: str) -> Records:
        found = held(grant) if grant else None
        view = view_of(dataset, table, profile, found) if found else None
        kept = None if view is None else view.kept
        rows = np.flatnonzero((matches if kept is None else matches.filter(kept)).to_numpy())
        return Records(view.dataset if view else dataset, view.table if view else table, rows, int(matches.sum()) - len(rows))

    return records


def _read(column: Column, text: str) -> Value:
    try:
        if column.kind is ColumnKind.NUMBER:
            return float(text)
    except ValueError:
        raise InvalidFilterError(f"Column {column.name!r} holds numbers, and what is looked for is none.") from None
    if column.kind is ColumnKind.BOOLEAN and text.casefold() in {"true", "false"}:
        return text.casefold() == "true"
    return text
