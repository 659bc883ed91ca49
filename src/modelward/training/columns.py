# SPDX-License-Identifier: Apache-2.0
"""The columns of a registered table as a graph takes them, the way `Interface.columns` makes them of rows of JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

    from modelward.registry import Feature

Columns = dict[str, npt.NDArray[Any]]


def columns_of(table: pl.DataFrame, features: Sequence[Feature]) -> Columns:
    """One column for each feature, each as its kind says, with what stands there for a missing value."""
    return {each.name: each.sort.column(_VALUES[each.kind](table.get_column(each.name)), each) for each in features}


def rows_of(columns: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[Any]) -> Columns:
    """Some of the rows, in the order of `rows`."""
    return {name: column[rows] for name, column in columns.items()}


def _numbers(values: pl.Series) -> Any:
    import polars as pl

    return values.cast(pl.Float32).fill_null(float("nan")).to_numpy()


def _words(values: pl.Series) -> Sequence[Any]:
    import polars as pl

    return values.cast(pl.String).fill_null("").to_list()


def _texts(values: pl.Series) -> Sequence[Any]:
    return values.fill_null("").to_list()


_VALUES: Mapping[str, Callable[[pl.Series], Sequence[Any]]] = {"number": _numbers, "category": _words, "text": _texts}
