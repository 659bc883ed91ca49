# SPDX-License-Identifier: Apache-2.0
"""How like real rows generated ones are, how much of the real variety they have, and how near they lie to rows learned from.

Rows are points [n, d], float64. Fidelity and diversity are density and coverage (Naeem, Oh, Uh, Choi and Yoo, "Reliable fidelity
and diversity metrics for generative models", ICML 2020, equations 5 and 6), which a few outliers do not blow up as they do
precision and recall.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelward.assessment.intervals import Floats

NEIGHBOURS = 5
_BLOCK_CELLS = 1 << 22
_SAME = 1e-5


@dataclass(frozen=True, slots=True)
class Likeness:
    """How many balls of real rows each generated row lies in [m], against what is expected of real rows; and whether the ball of
    each real row holds a generated one [n]. The ball of a real row reaches to its fifth nearest other real row.
    """

    densities: Floats
    is_covered: NDArray[np.bool_]


def likeness(real: Floats, generated: Floats) -> Likeness:
    """The mean of the densities is the density of Naeem et al., 1 for rows of the same distribution, at most n / 5 for rows that
    crowd where real ones do; the share of the covered is their coverage.
    """
    radii = _radii(real)
    counts, nearest = np.zeros(len(generated)), np.full(len(real), np.inf)
    for rows in _blocks(len(generated), len(real)):
        distances = _distances(generated[rows], real)
        counts[rows] = (distances <= radii).sum(axis=1)
        nearest = np.minimum(nearest, distances.min(axis=0))
    return Likeness(counts / NEIGHBOURS, nearest <= radii)


def nearest(rows: Floats, others: Floats) -> Floats:
    """How far the nearest of `others` is from each row [n]."""
    found = np.empty(len(rows))
    for part in _blocks(len(rows), len(others)):
        found[part] = _distances(rows[part], others).min(axis=1)
    return found


def is_copy(distances: Floats, rows: Floats) -> NDArray[np.bool_]:
    """Which of the distances are none, but for what float32 rounds of rows [n, d] such as these."""
    return distances <= _SAME * max(1.0, float(np.sqrt((rows**2).sum(axis=1)).mean()))


def marginal_distances(real: Floats, generated: Floats) -> Floats:
    """For each column [d] the largest difference of the two distribution functions (Kolmogorov and Smirnov), 0 to 1; of columns
    that hold 0 and 1, the difference of the shares of ones.
    """
    found = []
    for ours, theirs in zip(generated.T, real.T, strict=True):
        at = np.concatenate([ours, theirs])
        both = [np.searchsorted(np.sort(column), at, side="right") / len(column) for column in (ours, theirs)]
        found.append(np.abs(both[0] - both[1]).max())
    return np.array(found)


def correlation_distance(real: Floats, generated: Floats) -> float:
    """The mean difference, without its sign, of the correlations of all pairs of columns that vary among the real rows; 0 to 2. A
    column that does not vary among the generated rows has no correlation there.
    """
    first, second = (_correlations(rows) for rows in (real, generated))
    varies = np.ptp(real, axis=0) > 0
    pairs = np.triu(np.outer(varies, varies), k=1)
    return float(np.abs(first - second)[pairs].mean()) if pairs.any() else 0.0


def _correlations(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    scaled = centred / np.where(lengths > 0, lengths, 1.0)
    found: Floats = scaled.T @ scaled
    return found


def _radii(rows: Floats) -> Floats:
    """How far each row's fifth nearest other row is [n]."""
    found, most = np.empty(len(rows)), min(NEIGHBOURS, len(rows) - 1)
    for part in _blocks(len(rows), len(rows)):
        # The nearest of all is the row itself.
        found[part] = np.partition(_distances(rows[part], rows), most, axis=1)[:, most]
    return found


def _distances(rows: Floats, others: Floats) -> Floats:
    squares = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * rows @ others.T
    distances: Floats = np.sqrt(np.maximum(squares, 0.0))
    return distances


def _blocks(rows: int, others: int) -> list[slice]:
    size = max(1, _BLOCK_CELLS // max(1, others))
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
