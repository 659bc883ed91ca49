# SPDX-License-Identifier: Apache-2.0
"""Correlations of columns of numbers, in one pass over the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelward.datasets.table import SlicedTable

Numbers = npt.NDArray[np.float64]
_ROWS_AT_ONCE = 1 << 16


# Sums of numbers near the end of float64 overflow; what comes of them is no number, and no correlation.
@np.errstate(all="ignore")
def correlations(table: SlicedTable, names: Sequence[str]) -> Numbers:
    """Pearson's correlation of each two of the columns `names` [m, m], over the rows where both are there; NaN where one of them
    does not vary there.
    """
    size = len(names)
    count, sums, squares, products = (np.zeros((size, size)) for _ in range(4))
    shift: Numbers | None = None
    for rows in table.iter_slices(_ROWS_AT_ONCE):
        values = np.asarray(rows.select(names).to_numpy(), dtype=np.float64)
        there = np.isfinite(values)
        if shift is None:
            # Sums of squares of numbers far from zero would leave no digits for how they vary.
            shift = np.where(there, values, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        moved, present = np.where(there, values - shift, 0.0), there.astype(np.float64)
        count += present.T @ present
        sums += moved.T @ present
        squares += np.square(moved).T @ present
        products += moved.T @ moved
    spread = squares - np.square(sums) / count
    return np.asarray((products - sums * sums.T / count) / np.sqrt(spread * spread.T))
