# SPDX-License-Identifier: Apache-2.0
"""Solves logistic regression over rows that do not lie in memory all at once.

It lowers what scikit-learn's `lbfgs` lowers, to the same tolerance: the weighted mean log loss of all rows, multinomial where there
are more than two classes, plus the squared weights over 2 C n; the biases are free. Each step of L-BFGS-B (Byrd, Lu, Nocedal and
Zhu, 1995) goes once through the rows, so the first are taken on some of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelward.training.recipe import Inputs, Labels
from modelward.training.rows import UnmadeRows, blocks_of

Numbers = npt.NDArray[np.float64]

_FIRST_ROWS = 1 << 17
_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Solved:
    """Weights [k, width] and biases [k], where k is 1 for the second of two classes. `steps` went through all rows."""

    weights: Numbers
    biases: Numbers
    steps: int

    def probabilities(self, rows: npt.NDArray[Any]) -> Numbers:
        """[n, K], of rows [n, width]."""
        from scipy import special

        scores = rows.astype(np.float64) @ self.weights.T + self.biases
        if len(self.biases) > 1:
            return np.asarray(special.softmax(scores, axis=1))
        second = special.expit(scores[:, 0])
        return np.stack([1 - second, second], axis=1)


def solve(
    rows: UnmadeRows, inputs: Inputs, *, weights: Numbers | None, strength: float, steps: int, told: Callable[[int], None]
) -> Solved:
    """Fit to `rows`, whose labels `inputs` holds, each weighed by `weights` [n]; `strength` is scikit-learn's C. `told` hears of
    each step through all rows.
    """
    from scipy import optimize

    scores = len(inputs.classes) if len(inputs.classes) > 2 else 1
    start = np.zeros((scores, inputs.width + 1))
    some = np.random.default_rng(inputs.seed).permutation(len(rows))[:_FIRST_ROWS]
    ends: list[Any] = []
    for chosen in (some, None):
        lowered = _Loss(rows, inputs.train_labels, weights, chosen, strength=strength, shape=start.shape)
        heard = _Steps(told if chosen is None else lambda _: None)
        ends.append(
            optimize.minimize(
                lowered,
                start.ravel(),
                jac=True,
                method="L-BFGS-B",
                callback=heard,
                options={"maxiter": steps, "maxls": 50, "gtol": _TOLERANCE, "ftol": 64 * np.finfo(float).eps},
            )
        )
        start = ends[-1].x.reshape(start.shape)
    return Solved(start[:, :-1], start[:, -1], int(ends[-1].nit))


class _Steps:
    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self._taken = 0

    def __call__(self, _: Numbers) -> None:
        self._taken += 1
        self._told(self._taken)


class _Loss:
    """The loss and its gradient, summed over blocks of the rows, or of those `chosen`."""

    def __init__(
        self,
        rows: UnmadeRows,
        labels: Labels,
        weights: Numbers | None,
        chosen: Labels | None,
        *,
        strength: float,
        shape: tuple[int, int],
    ) -> None:
        self._rows, self._labels, self._weights, self._chosen, self._shape = rows, labels, weights, chosen, shape
        total = len(labels) if weights is None else float(weights.sum())
        self._scale = 1 / (strength * total)

    def __call__(self, flat: Numbers) -> tuple[float, Numbers]:
        both = flat.reshape(self._shape)
        loss, whole, gradient = 0.0, 0.0, np.zeros(self._shape)
        for rows, labels, weights in self._blocks():
            lost, pull = _lost(rows @ both[:, :-1].T + both[:, -1], labels)
            pull *= weights[:, None]
            loss, whole = loss + float(lost @ weights), whole + float(weights.sum())
            gradient[:, :-1] += pull.T @ rows
            gradient[:, -1] += pull.sum(axis=0)
        gradient /= whole
        gradient[:, :-1] += self._scale * both[:, :-1]
        return loss / whole + self._scale / 2 * float(np.square(both[:, :-1]).sum()), gradient.ravel()

    def _blocks(self) -> Iterator[tuple[Numbers, Labels, Numbers]]:
        chosen = self._chosen
        for block in blocks_of(len(self._rows) if chosen is None else len(chosen), self._rows.width):
            places = block if chosen is None else chosen[block]
            labels = self._labels[places]
            weights = np.ones(len(labels)) if self._weights is None else self._weights[places]
            yield self._rows[places].astype(np.float64), labels, weights


def _lost(scores: Numbers, labels: Labels) -> tuple[Numbers, Numbers]:
    """The log loss of each row [n], and its gradient by the scores [n, k]."""
    from scipy import special

    if scores.shape[1] == 1:
        score = scores[:, 0]
        return np.logaddexp(0, score) - labels * score, (special.expit(score) - labels)[:, None]
    at = np.arange(len(labels))
    total = special.logsumexp(scores, axis=1)
    pull = np.exp(scores - total[:, None])
    pull[at, labels] -= 1
    return total - scores[at, labels], pull
