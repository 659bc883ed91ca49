# SPDX-License-Identifier: Apache-2.0
"""How numbers are spread, told so coarsely that nothing is told of fewer than five rows."""

from __future__ import annotations

from math import isfinite
from typing import cast

import numpy as np
import polars as pl

from modelward.datasets.profile import Histogram

BINS, LEAST_ROWS, COUNTED_IN = 20, 50, 5
_ENDS = (0.01, 0.99)
_ROWS_AT_ONCE = 1 << 16


def histogram(present: pl.Series) -> Histogram | None:
    """The histogram of numbers, none of them missing."""
    if len(present) < LEAST_ROWS:
        return None
    low, high = (float(cast("float", present.quantile(share, "linear"))) for share in _ENDS)
    width = (high - low) / BINS
    if not isfinite(width) or width <= 0 or not isfinite(1 / width):
        return None
    counts = np.zeros(BINS, dtype=np.int64)
    # Part by part, for a column may be long, and each step of this copies it.
    for start in range(0, len(present), _ROWS_AT_ONCE):
        values = present.slice(start, _ROWS_AT_ONCE).to_numpy().astype(np.float64)
        places = np.floor((np.clip(values, low, high) - low) / width).astype(np.int64)
        counts += np.bincount(np.minimum(places, BINS - 1), minlength=BINS)
    return Histogram(low=low, high=high, counts=tuple((counts // COUNTED_IN * COUNTED_IN).tolist()))
