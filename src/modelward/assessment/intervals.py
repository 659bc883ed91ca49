# SPDX-License-Identifier: Apache-2.0
"""How sure an estimate is: 95 % intervals for everything a sample of rows says about a version.

Statistics of the sample take the multinomial bootstrap (Efron, "Bootstrap methods: another look at the jackknife", 1979): B
times the rows are drawn again with replacement, as weights, and the statistic is computed for a whole block of weights at once.
Single proportions take Wilson's score interval (1927), which stays honest at 0 and 1. Quantiles of timings take the
distribution-free interval between order statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import lgamma, log, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REPLICATES = 1000
_Z = 1.959963984540054  # the 97.5 % point of the normal distribution
_BLOCK_CELLS = 1 << 21
_CACHED_CELLS = 1 << 16
_LOST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, the 95 % interval around it, how many observations it rests on, and the method in words."""

    value: float
    low: float
    high: float
    n: int
    method: str
    seed: int | None = None


def exact(value: float, *, n: int, method: str) -> Estimate:
    """A figure that was counted, not sampled."""
    return Estimate(float(value), float(value), float(value), n, method)


def wilson(share: float, *, n: int) -> Estimate:
    """Wilson's 95 % score interval of a proportion `share` among `n` > 0 rows."""
    low, high = _wilson_bounds(share, n)
    return Estimate(float(share), low, high, n, "proportion, Wilson score interval")


def newcombe(first: Estimate, second: Estimate) -> Estimate:
    """The difference of two proportions that `wilson` gave, with the interval that is made of theirs (Newcombe 1998, method 10)."""
    value = first.value - second.value
    low = value - sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    high = value + sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return Estimate(value, low, high, first.n, "difference of two proportions, Newcombe's interval")


def mean(values: Floats, *, seed: int) -> Estimate:
    """The mean of finite numbers [rows], with its bootstrap's interval."""

    def weighted(weights: Floats) -> Floats:
        found: Floats = (weights @ values / weights.sum(axis=1))[:, None]
        return found

    (found,) = bootstrap(weighted, rows=len(values), effective=len(values), seed=seed)
    assert found is not None
    return found


def bootstrap(
    statistic: Callable[[Floats], Floats], *, rows: int, effective: int, seed: int, replicates: int = REPLICATES
) -> tuple[Estimate | None, ...]:
    """Estimates with percentile intervals of the statistics that `statistic` computes from weights, `None` for each that is
    undefined on the sample or on more than one replicate in twenty.

    `statistic` maps weights [b, rows] to values [b, m], NaN where undefined; weights of one give the point estimates. The
    replicates are shifted to have the estimate as their mean: statistics such as an absolute difference are pushed upwards by
    the noise that resampling adds, and an interval that does not hold its own estimate would mislead. Where no replicate
    differs (a perfect score), Wilson's interval at `effective` rows stands in, for the sample cannot show certainty.
    """
    points, drawn = resample(statistic, rows=rows, seed=seed, replicates=replicates)
    return estimates(points, drawn, rows=rows, effective=effective, seed=seed)


def resample(statistic: Callable[[Floats], Floats], *, rows: int, seed: int, replicates: int = REPLICATES) -> tuple[Floats, Floats]:
    """The statistics of the sample [m], and those of every replicate [B, m]. Equal `rows` and `seed` draw the same rows."""
    points = statistic(np.ones((1, rows)))[0]
    return points, np.concatenate([statistic(weights) for weights in _weights(rows, seed=seed, replicates=replicates)])


def estimates(points: Floats, drawn: Floats, *, rows: int, effective: int, seed: int) -> tuple[Estimate | None, ...]:
    """What `bootstrap` says, of what `resample` gave."""
    return tuple(_interval(points[at], drawn[:, at], rows, effective, seed) for at in range(points.size))


def paired(point: float, first: Floats, second: Floats) -> tuple[float, float] | None:
    """The 95 % interval of a difference `point` of two statistics over the same rows, from the replicates [B] of each.

    Where both were drawn alike, what the rows have in common cancels, so that it is narrower than the two intervals suggest.
    None where they were not drawn alike, or the difference is undefined on more than one replicate in twenty.
    """
    if first.shape != second.shape:
        return None
    differences = first - second
    found = differences[np.isfinite(differences)]
    if found.size < (1 - _LOST_SHARE) * differences.size:
        return None
    return centred(point, found)


def quantile(ordered: Floats, share: float, *, method: str) -> Estimate | None:
    """The `share` quantile of sorted observations, between the order statistics that hold it with 95 %; None if too few."""
    n = ordered.size
    below = np.cumsum(_binomial(n, share))
    low = int(np.searchsorted(below, 0.025, side="right")) - 1
    high = int(np.searchsorted(below, 0.975, side="left"))
    if low < 0 or high >= n:
        return None
    return Estimate(float(np.quantile(ordered, share)), float(ordered[low]), float(ordered[high]), n, method)


def _weights(rows: int, *, seed: int, replicates: int) -> Iterator[Floats]:
    """Blocks of multinomial weights [b, rows]: how often each row was drawn."""
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // rows)
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        weights = np.empty((size, rows))
        for part in np.array_split(weights, -(-size * rows // _CACHED_CELLS)):
            drawn = generator.integers(0, rows, size=part.shape) + np.arange(len(part))[:, None] * rows
            part[:] = np.bincount(drawn.ravel(), minlength=part.size).reshape(part.shape)
        yield weights


def _interval(point: float, drawn: Floats, rows: int, effective: int, seed: int) -> Estimate | None:
    found = drawn[np.isfinite(drawn)]
    if not np.isfinite(point) or found.size < (1 - _LOST_SHARE) * drawn.size:
        return None
    if np.ptp(found) == 0 and 0 <= point <= 1:
        # A report holds plain numbers, and a score is often one of NumPy's.
        low, high = _wilson_bounds(float(point), max(1, effective))
        return Estimate(float(point), low, high, rows, "no bootstrap replicate differs: Wilson score interval instead")
    low, high = centred(point, found)
    method = f"multinomial bootstrap, B = {drawn.size}, percentiles centred on the estimate"
    return Estimate(float(point), low, high, rows, method, seed)


def centred(point: float, found: Floats) -> tuple[float, float]:
    """The 95 % percentiles of the replicates [B] of a statistic, shifted to have its value `point` as their mean."""
    low, high = np.quantile(found - found.mean() + point, [0.025, 0.975])
    return float(min(low, point)), float(max(high, point))


def _wilson_bounds(share: float, n: int) -> tuple[float, float]:
    middle, spread = share + _Z**2 / (2 * n), _Z * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    # Rounding must not put nought or one outside of its own interval.
    return min(share, max(0.0, (middle - spread) / scale)), max(share, min(1.0, (middle + spread) / scale))


def _binomial(n: int, share: float) -> Floats:
    """Probabilities of 0 … n successes, by logarithms so that large n do not overflow."""
    logs = [lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(share) + (n - k) * log(1 - share) for k in range(n + 1)]
    return np.asarray(np.exp(np.array(logs)), dtype=np.float64)
