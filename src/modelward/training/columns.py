# SPDX-License-Identifier: Apache-2.0
"""The columns of a registered table as a graph takes them, the way `Interface.columns` makes them of rows of JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

    from modelward.datasets import Table
    from modelward.registry import Feature

Columns = dict[str, npt.NDArray[Any]]


def columns_of(table: Table, features: Sequence[Feature], rows: npt.NDArray[np.int64] | None = None) -> Columns:
    """One column for each feature, each as its kind says, with what stands there for a missing value; of some `rows`, or of all."""
    values = ((each, table.get_column(each.name)) for each in features)
    return {each.name: column_of(found if rows is None else found[rows], each) for each, found in values}


def column_of(values: pl.Series, feature: Feature) -> npt.NDArray[Any]:
    """The column of one feature."""
    return feature.sort.column(_VALUES[feature.kind](values, feature), feature)


def rows_of(columns: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[Any] | slice) -> Columns:
    """Some of the rows, in the order of `rows`."""
    return {name: column[rows] for name, column in columns.items()}


def _numbers(values: pl.Series, _: Feature) -> Any:
    import polars as pl

    return values.cast(pl.Float32).fill_null(float("nan")).to_numpy()


def _words(values: pl.Series, _: Feature) -> Sequence[Any]:
    import polars as pl

    return values.cast(pl.String).fill_null("").to_list()


def _texts(values: pl.Series, _: Feature) -> Sequence[Any]:
    return values.fill_null("").to_list()


def _encoded(values: pl.Series, feature: Feature) -> Sequence[Any]:
    return list(map(feature.sort.encoder(feature), values))


def _pixels(values: pl.Series, feature: Feature) -> Any:
    """One image after the other, so that beside the files and the pixels nothing large is held."""
    encode, pixels = feature.sort.encoder(feature), np.empty((len(values), *feature.shape), dtype=np.uint8)
    for row in range(len(values)):
        pixels[row] = encode(values[row])
    return pixels


_VALUES: Mapping[str, Callable[[pl.Series, Feature], Sequence[Any]]] = {
    "number": _numbers,
    "category": _words,
    "text": _texts,
    "image": _pixels,
    "series": _encoded,
}
