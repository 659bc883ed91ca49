# SPDX-License-Identifier: Apache-2.0
"""What a version's answers to a sample are worth, as functions of row weights, so that one pass serves estimate and interval.

Every function takes weights [b, n], one row of them per bootstrap replicate, and returns values [b] (or [b, …]); a weight of one
for every row gives the plain metric. NaN where a metric is undefined. The decision is the most probable class, the first of
equals. In a binary task the positive class is the favourable one, see `Sample.positive`; with more classes recall, precision and
F1 are the plain (macro) means over the classes that occur in the sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CALIBRATION_BINS = 15
_FEW_CODES = 64


@dataclass(frozen=True)
class Answers:
    """True classes [n] as indices, and the probabilities [n, K] a version gave; `positive` is None with more than two classes."""

    labels: Integers
    probabilities: Floats
    positive: int | None

    @property
    def rows(self) -> int:
        return int(self.labels.size)

    @property
    def classes(self) -> int:
        return int(self.probabilities.shape[1])

    @cached_property
    def decisions(self) -> Integers:
        """The class decided for each row [n]."""
        return np.asarray(np.argmax(self.probabilities, axis=1), dtype=np.int64)

    @cached_property
    def occurring(self) -> Integers:
        """The classes that occur in the sample."""
        return np.unique(self.labels)

    @cached_property
    def rarest(self) -> int:
        """How many rows the rarest occurring class has."""
        return int(np.bincount(self.labels)[self.occurring].min())

    @cached_property
    def confidence(self) -> tuple[Floats, Floats]:
        """What calibration compares, [n] each: in a binary task the positive class's probability and whether the row is of it;
        else the probability of the decided class and whether the decision is right (Guo et al., 2017, top-label).
        """
        if self.positive is not None:
            return self.probabilities[:, self.positive], (self.labels == self.positive).astype(np.float64)
        return self.probabilities.max(axis=1), (self.decisions == self.labels).astype(np.float64)


def grouped(weights: Floats, codes: Integers, *, size: int) -> Floats:
    """Sums of the weights [b, n] over the rows of each code: [b, size]."""
    if size <= _FEW_CODES:
        return np.asarray(weights @ np.eye(size)[codes], dtype=np.float64)
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    sums = np.zeros((weights.shape[0], size))
    sums[:, present] = np.add.reduceat(weights[:, order], starts, axis=1)
    return sums


def confusion(answers: Answers, weights: Floats) -> Floats:
    """Weight of rows by true class and decided class: [b, K, K]."""
    k = answers.classes
    return grouped(weights, answers.labels * k + answers.decisions, size=k * k).reshape(-1, k, k)


def accuracy(counts: Floats) -> Floats:
    """Share of right decisions, from confusion counts [b, K, K]."""
    return ratio(np.trace(counts, axis1=1, axis2=2), counts.sum(axis=(1, 2)))


def recalls(counts: Floats) -> Floats:
    """Share of each class's rows that were decided as it: [b, K]."""
    return ratio(np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2))


def precisions(counts: Floats) -> Floats:
    """Share of the decisions for each class that are right: [b, K]; NaN for a class never decided."""
    return ratio(np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=1))


def f1s(counts: Floats) -> Floats:
    """Harmonic mean of precision and recall of each class: [b, K]."""
    right = np.diagonal(counts, axis1=1, axis2=2)
    return ratio(2 * right, counts.sum(axis=1) + counts.sum(axis=2))


def roc_auc(answers: Answers, weights: Floats) -> Floats:
    """Area under the ROC curve of the positive class; with more classes the mean of one-vs-rest areas. NaN if a class is absent."""
    sides = [answers.positive] if answers.positive is not None else list(range(answers.classes))
    areas = [_area(answers.probabilities[:, side], answers.labels == side, weights) for side in sides]
    return np.asarray(np.mean(areas, axis=0), dtype=np.float64)


def brier(answers: Answers, weights: Floats) -> Floats:
    """Mean squared error of the probabilities (Brier, 1950): of the positive class in 0 … 1; with more classes summed, in 0 … 2."""
    wrong = (answers.probabilities - np.eye(answers.classes)[answers.labels]) ** 2
    return _mean(wrong[:, answers.positive] if answers.positive is not None else wrong.sum(axis=1), weights)


def log_loss(answers: Answers, weights: Floats) -> Floats:
    """Mean negative logarithm of the true class's probability, clipped to single precision's epsilon."""
    given = answers.probabilities[np.arange(answers.rows), answers.labels]
    return _mean(-np.log(np.clip(given, np.finfo(np.float32).eps, 1.0)), weights)


def calibration_error(answers: Answers, weights: Floats) -> Floats:
    """Expected calibration error: the mean gap of confidence and outcome over bins of equal mass, weighted by their rows."""
    given, came = answers.confidence
    bins, size = calibration_bins(given)
    gaps = weights @ (np.eye(size)[bins] * (given - came)[:, None])
    return ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def calibration_noise(answers: Answers) -> float:
    """The calibration error that chance alone gives to a version whose every stated probability is true, on these rows.

    Each bin's gap is then about normal around nought, and the mean of its absolute value is sqrt(2 / pi) deviations.
    """
    given, _ = answers.confidence
    bins, size = calibration_bins(given)
    deviations = np.sqrt(np.bincount(bins, weights=given * (1 - given), minlength=size))
    return float(np.sqrt(2 / np.pi) * deviations.sum() / answers.rows)


def calibration_bins(given: Floats) -> tuple[Integers, int]:
    """The bin of each row [n], and how many there are: 15 of equal mass, fewer where equal scores must stay together."""
    inner = np.quantile(given, np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS)
    bins = np.searchsorted(np.unique(inner), given, side="right")
    present, compact = np.unique(bins, return_inverse=True)
    return compact.astype(np.int64), int(present.size)


def roc_points(scores: Floats, is_positive: NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats]:
    """False and true positive rates [b, t + 1] from the strictest threshold to the laxest, equal scores taken together."""
    order = np.argsort(-scores, kind="stable")
    _, starts = np.unique(-scores[order], return_index=True)
    ordered = weights[:, order]
    rates = []
    for side in (~is_positive[order], is_positive[order]):
        risen = np.cumsum(np.add.reduceat(ordered * side, starts, axis=1), axis=1)
        rates.append(np.hstack([np.zeros((weights.shape[0], 1)), ratio(risen, risen[:, -1:])]))
    return rates[0], rates[1]


def ratio(above: Floats, below: Floats) -> Floats:
    """`above / below`, NaN where there is nothing below."""
    above, below = np.broadcast_arrays(np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64))
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0), dtype=np.float64)


def _area(scores: Floats, is_positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """The share of pairs of a positive and a negative row in which the positive one scores higher; of equal scores half.

    This is the Mann-Whitney statistic, equal to the area under the curve and quicker than it.
    """
    negative, positive = (side[np.argsort(scores[side])] for side in (np.flatnonzero(~is_positive), np.flatnonzero(is_positive)))
    up_to = np.zeros((weights.shape[0], negative.size + 1))
    np.cumsum(weights[:, negative], axis=1, out=up_to[:, 1:])
    below, through = (np.searchsorted(scores[negative], scores[positive], side=side) for side in ("left", "right"))
    ours = weights[:, positive]
    beaten = (ours * (up_to[:, below] + up_to[:, through])).sum(axis=1) / 2
    return ratio(beaten, ours.sum(axis=1) * up_to[:, -1])


def _mean(values: Floats, weights: Floats) -> Floats:
    return ratio(weights @ values, weights.sum(axis=1))
