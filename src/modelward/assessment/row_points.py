# SPDX-License-Identifier: Apache-2.0
"""Rows as points in space, so that it can be said how near two of them are.

A number becomes the share of training rows below it, so that no unit and no far value counts more than another; pixels, which share
a scale, keep it. A category becomes a column for each value, such that two values are 1 apart. A missing number lies in the middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from modelward.assessment.assessor import RealRows
from modelward.assessment.intervals import Floats


@dataclass(frozen=True, slots=True)
class RowPoints:
    """Fitted to training rows: of each number its sorted values, of each category its values; of pixels the span of all of them,
    0 of a table.
    """

    numbers: Mapping[str, Floats]
    categories: Mapping[str, NDArray[np.str_]]
    span: float

    @classmethod
    def fit(cls, rows: RealRows, *, is_image: bool) -> RowPoints:
        """Of the rows that a generator learned from."""
        numbers = {name: np.sort(values[~np.isnan(values)]) for name, values in rows.columns.items() if values.dtype.kind == "f"}
        categories = {name: np.unique(values) for name, values in rows.columns.items() if values.dtype.kind != "f"}
        span = max(values[-1] for values in numbers.values()) - min(values[0] for values in numbers.values()) if is_image else 0.0
        return cls(numbers, categories, float(span))

    def of(self, rows: RealRows) -> Floats:
        """The points [n, d]."""
        if self.span:
            return np.stack([rows.columns[name].astype(np.float64) / self.span for name in self.numbers], axis=1)
        parts = [_shares(rows.columns[name].astype(np.float64), known)[:, None] for name, known in self.numbers.items()]
        parts += [(rows.columns[name][:, None] == known) / sqrt(2) for name, known in self.categories.items()]
        points: Floats = np.concatenate(parts, axis=1).astype(np.float64)
        return points


def _shares(values: Floats, known: Floats) -> Floats:
    """The share of the known below each value, half of those that equal it counted."""
    middle = (np.searchsorted(known, values, side="left") + np.searchsorted(known, values, side="right")) / (2 * max(1, len(known)))
    shares: Floats = np.where(np.isnan(values), 0.5, middle)
    return shares
