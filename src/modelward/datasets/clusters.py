# SPDX-License-Identifier: Apache-2.0
"""Clusters: rows that near-duplicates link, directly or from one to the next. What is alike to look at lies in one cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from modelward.datasets.image_likeness import alike_by_look
from modelward.datasets.profile import counts_rows
from modelward.datasets.series_likeness import alike_by_steps
from modelward.datasets.table import Table
from modelward.datasets.text_likeness import alike_by_text
from modelward.datasets.value_likeness import alike_by_values

if TYPE_CHECKING:
    import polars as pl

LEAST_SIMILARITY = 0.5
SIMILARITY = 0.9
_TEXT_CHARACTERS = 40
_AN_IMAGE = 50
_SHARE_WITH_TEXT, _SHARE_OF_TEXTS = 0.5, 0.1


@dataclass(frozen=True, eq=False)
class Clusters:
    """The cluster of each row [n], numbered from 0 in the order of their first rows."""

    of_row: NDArray[np.int64]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """How many rows each cluster has."""
        return np.bincount(self.of_row).astype(np.int64)

    def reach(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of the `rows` lies in a cluster with one of the `others`."""
        return np.asarray(np.isin(self.of_row[rows], self.of_row[others]))


def find_clusters(table: pl.DataFrame, columns: Sequence[str], *, similarity: float = SIMILARITY) -> Clusters:
    """The clusters of near-duplicates among the rows of `table`, by what they hold in `columns`.

    Two rows are near where at least the share `similarity` of their values agree (`value_likeness`). Where a column holds texts,
    rows are near where their texts are (`text_likeness`), where one holds series where those of the first such column are
    (`series_likeness`), and where one holds images where those of the first such column look alike (`image_likeness`), whatever
    else they hold. Columns of one value and columns that only
    count the rows are not looked at. The same rows give the same clusters, on every machine.
    """
    if images := _images(table, columns):
        return _numbered(alike_by_look(table.get_column(images[0]), similarity=similarity))
    if series := _series(table, columns):
        alike = alike_by_steps(table.get_column(series[0]), similarity=similarity)
        # Equal rows whose series is missing are copies all the same.
        return _numbered(alike[_first_equal(table.select(columns))])
    if texts := _texts(table, columns):
        return _numbered(alike_by_text(_joined(table, texts), similarity=similarity))
    telling = [name for name in columns if table.get_column(name).n_unique() > 1 and not counts_rows(table.get_column(name))]
    return _numbered(alike_by_values(table.select(telling), similarity=similarity) if telling else np.zeros(table.height, np.int64))


def of_one_value(values: pl.Series) -> Clusters:
    """Rows of one value as clusters; those where it is missing are one."""
    return _numbered(_first_equal(values.to_frame()))


def _first_equal(table: pl.DataFrame) -> NDArray[np.int64]:
    """For each row [n] the first one that is equal in every column; what is missing equals what is missing."""
    import polars as pl

    place = "row"
    while place in table.columns:
        place += "_"
    numbered = table.with_row_index(place).select(pl.col(place).first().over(table.columns))
    return numbered.to_series().to_numpy().astype(np.int64)


def compared(table: Table, columns: Sequence[str]) -> int:
    """How much `find_clusters` looks at: the characters of the texts or the series, or the values where there are none; an image
    takes the time of fifty. Its time grows so.
    """
    if _images(table, columns):
        return table.height * _AN_IMAGE
    if texts := _series(table, columns)[:1] or _texts(table, columns):
        return sum(int(table.get_column(name).str.len_chars().sum()) for name in texts)
    return table.height * len(columns)


def _images(table: Table, columns: Sequence[str]) -> list[str]:
    import polars as pl

    return [name for name in columns if table.get_column(name).dtype == pl.Binary]


def _series(table: Table, columns: Sequence[str]) -> list[str]:
    from modelward.datasets.recognition import holds_series

    return [name for name in columns if holds_series(table.get_column(name))]


def _texts(table: Table, columns: Sequence[str]) -> list[str]:
    return [name for name in columns if _holds_texts(table.get_column(name))]


def _holds_texts(values: pl.Series) -> bool:
    """Whether most rows have a text here, most of them of forty characters or more, and few rows the same one."""
    import polars as pl

    if values.dtype != pl.String:
        return False
    present = values.drop_nulls()
    if len(present) < max(1, _SHARE_WITH_TEXT * len(values)) or present.n_unique() < _SHARE_OF_TEXTS * len(values):
        return False
    median = present.str.len_chars().quantile(0.5, "lower")
    return median is not None and median >= _TEXT_CHARACTERS


def _joined(table: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    import polars as pl

    return table.select(pl.concat_str(names, separator="\n", ignore_nulls=True).alias("text")).to_series()


def _numbered(labels: NDArray[np.int64]) -> Clusters:
    _, first, place = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return Clusters(order[place])
