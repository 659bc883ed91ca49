# SPDX-License-Identifier: Apache-2.0
"""Rows of values that are alike: nearly all of their values agree.

Values agree where they are equal; numbers also where they differ by no more than a hundredth of the span between their 5th and
95th percentile, unless all values must agree. A missing value agrees with a missing one.

A band's key is made of some of the columns, numbers in cells of a grid that each band shifts (bit sampling of Indyk and Motwani,
1998, with the shifted grids of Datar et al., 2004): rows that differ in few columns share a key in bands without those columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import ceil, comb
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelward.datasets.linking import Keys, Rows, Truths, components, mixed

if TYPE_CHECKING:
    import polars as pl

_TOLERANCE, _SPAN = 0.01, (0.05, 0.95)
_BANDS, _BANDS_OF_GRIDS, _GRIDS = 100, 250, 6
# Of a pair at the very threshold, one band in fifteen leaves out all the columns in which it differs: a hundred miss 1 in 1,000.
_SHARE_OF_BANDS = 0.067
# In tolerances. The wider a cell, the rarer its wall falls between two numbers that agree; the more columns, the more walls.
_LEAST_CELL, _CELL_A_COLUMN = 4.0, 1.5
_COLUMNS_AT_ONCE = 16
_FARTHEST, _LARGEST = float(1 << 40), float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """The values [n]: codes that agree where they are equal or, if graded, numbers that agree where they differ by at most 1."""

    values: NDArray[Any]
    is_graded: bool = False

    def agrees(self, one: Rows, other: Rows) -> Truths:
        left, right = self.values[one], self.values[other]
        if not self.is_graded:
            return np.asarray(left == right)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray((left == right) | (np.abs(left - right) <= 1.0))

    def cells(self, *, width: float, shift: float) -> NDArray[Any]:
        if not self.is_graded:
            return self.values
        return np.floor(np.clip(self.values / width, -_FARTHEST, _FARTHEST) + shift).astype(np.int64)


def alike_by_values(table: pl.DataFrame, *, similarity: float) -> Rows:
    """The component [n] of each row, where two rows are near if at least the share `similarity` of their values agree."""
    columns = [_column(values, exactly=similarity == 1) for values in table.get_columns()]
    differing = int((1 - similarity) * len(columns) + 1e-9)

    telling = sorted(columns, key=lambda column: int(np.unique(column.values, return_counts=True)[1].max()))

    def is_near(one: Rows, other: Rows) -> Truths:
        return _differ_in_few(telling, one, other, few=differing)

    # One row stands for all its copies: many copies would keep others of their key from being compared.
    stands = _first_copies(columns, is_near)
    kept, place = np.unique(stands, return_inverse=True)
    few = [replace(column, values=column.values[kept]) for column in columns]
    found = components(len(kept), _bands(few, differing), lambda one, other: is_near(kept[one], kept[other]))
    return np.asarray(kept[found[place]])


def _differ_in_few(columns: Sequence[_Column], one: Rows, other: Rows, *, few: int) -> Truths:
    """Whether the pairs differ in at most `few` of the columns; those that differ in more already are not looked at further."""
    apart, pending = np.zeros(len(one), dtype=np.int32), np.arange(len(one))
    for start in range(0, len(columns), _COLUMNS_AT_ONCE):
        left, right = one[pending], other[pending]
        for column in columns[start : start + _COLUMNS_AT_ONCE]:
            apart[pending] += ~column.agrees(left, right)
        pending = pending[apart[pending] <= few]
    return np.asarray(apart <= few)


def _column(values: pl.Series, *, exactly: bool) -> _Column:
    import polars as pl

    codes = _Column(values.rank("dense").fill_null(0).cast(pl.Int32).to_numpy())
    if exactly or not (values.dtype.is_numeric() or values.dtype.is_temporal()):
        return codes
    numbers = values.to_physical().cast(pl.Float64)
    ordered = np.unique(numbers.drop_nulls().to_numpy())
    low, high = (numbers.quantile(share, "lower") for share in _SPAN)
    if low is None or high is None or (tolerance := (high - low) * _TOLERANCE) <= 0 or not np.isfinite(tolerance):
        return codes
    if not (np.diff(ordered) <= tolerance).any():
        return codes
    with np.errstate(over="ignore"):
        graded = np.clip((numbers.to_numpy() - low) / tolerance, -_LARGEST, _LARGEST)
    return _Column(np.where(numbers.is_null().to_numpy(), -np.inf, graded), is_graded=True)


def _first_copies(columns: Sequence[_Column], is_near: Callable[[Rows, Rows], Truths]) -> Rows:
    """For each row the first that equals it."""
    numbers = [np.unique(column.values, return_inverse=True)[1] if column.is_graded else column.values for column in columns]
    key = _key(numbers, range(len(columns)))
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    rows, firsts = np.arange(len(key)), first[place]
    return np.where(is_near(rows, firsts), firsts, rows)


def _bands(columns: Sequence[_Column], differing: int) -> Iterator[Keys]:
    """Keys [n] of one band after the other. What is drawn does not depend on the split's seed: near is near."""
    draw = np.random.PCG64(0)
    for chosen in _subsets(columns, differing, draw):
        graded = sum(columns[place].is_graded for place in chosen)
        width, shifts = max(_LEAST_CELL, _CELL_A_COLUMN * graded), draw.random_raw(len(chosen)) / 2.0**64
        cells = (columns[place].cells(width=width, shift=shift) for place, shift in zip(chosen, shifts, strict=True))
        yield _key(cells, chosen)


def _key(cells: Iterable[NDArray[Any]], salts: Iterable[int]) -> Keys:
    with np.errstate(over="ignore"):
        return np.asarray(sum(mixed(values, salt) for values, salt in zip(cells, salts, strict=True)), dtype=np.uint64)


def _subsets(columns: Sequence[_Column], differing: int, draw: np.random.PCG64) -> Iterator[tuple[int, ...]]:
    """The columns of each band: all there are without `differing` of them, where these are few sets, else so many drawn that a
    pair with `differing` columns apart is missed once in a thousand.
    """
    many, grids = len(columns), any(column.is_graded for column in columns)
    if (sets := comb(many, differing)) <= _BANDS:
        for _ in range(max(_GRIDS, min(4 * _GRIDS, ceil(_BANDS / sets))) if grids else 1):
            yield from combinations(range(many), many - differing)
        return
    size = next(size for size in range(many, 0, -1) if comb(many - differing, size) >= _SHARE_OF_BANDS * comb(many, size))
    for _ in range(_BANDS_OF_GRIDS if grids else _BANDS):
        yield tuple(np.argsort(draw.random_raw(many), kind="stable")[:size].tolist())
