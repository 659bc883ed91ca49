# SPDX-License-Identifier: Apache-2.0
"""How sure a figure about rows is: 95 % intervals of means, by the bootstrap (Efron, 1979), with a fixed seed."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

REPLICATES = 1000
_BLOCK_CELLS = 1 << 20
_Z = 1.959963984540054  # the 97.5 % point of the normal distribution


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and the 95 % interval around it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean(values: npt.NDArray[Any], *, seed: int) -> Figure:
    """The mean of `values` [n], n > 0, with the percentile interval of the bootstrap."""
    return _figure(float(np.mean(values)), _means(np.asarray(values, dtype=np.float64), seed=seed))


def difference(first: npt.NDArray[Any], second: npt.NDArray[Any], *, seed: int) -> Figure:
    """The mean of `first` minus that of `second`, of rows that have nothing to do with each other."""
    drawn = [_means(np.asarray(values, dtype=np.float64), seed=seed + place) for place, values in enumerate((first, second))]
    return _figure(float(np.mean(first) - np.mean(second)), drawn[0] - drawn[1])


def share(count: int, *, of: int) -> Figure:
    """The share of `count` among `of` > 0 rows, with Wilson's score interval (1927), which is honest at 0 and 1."""
    part = count / of
    middle, spread = part + _Z**2 / (2 * of), _Z * sqrt(part * (1 - part) / of + _Z**2 / (4 * of**2))
    scale = 1 + _Z**2 / of
    return Figure(part, min(part, max(0.0, (middle - spread) / scale)), max(part, min(1.0, (middle + spread) / scale)))


def _means(values: Values, *, seed: int) -> Values:
    random, size = np.random.default_rng(seed), max(1, _BLOCK_CELLS // len(values))
    blocks = [min(size, REPLICATES - start) for start in range(0, REPLICATES, size)]
    return np.concatenate([values[random.integers(0, len(values), (block, len(values)))].mean(axis=1) for block in blocks])


def _figure(value: float, drawn: Values) -> Figure:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Figure(value, float(min(low, value)), float(max(high, value)))
