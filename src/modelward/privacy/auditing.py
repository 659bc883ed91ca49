# SPDX-License-Identifier: Apache-2.0
"""What an attack shows at the least of an epsilon: many canaries, each put in or left out by a coin, and guessed after one run.

Steinke, Nasr and Jagielski 2023, Privacy auditing with one (1) training run, theorem 3.1 and appendix D.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError
from modelward.privacy.mechanism import check_delta

_STEP = 0.01
_MOST = 12.0


class InvalidAuditError(InvalidError):
    """From these scores and coins nothing can be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """`bound`: an epsilon below it is refuted, at this confidence, by so many correct guesses about canaries.

    `ceiling` is the bound had every guess been correct: a claim above it cannot be refuted by an audit of this size.
    """

    bound: float
    ceiling: float
    canaries: int
    guesses: int
    correct: int
    delta: float
    confidence: float

    def refutes(self, epsilon: float) -> bool:
        """Whether the claim of `epsilon` cannot stand."""
        return self.bound > epsilon


def audit(
    scores: npt.NDArray[np.floating[Any]], is_in: npt.NDArray[np.bool_], *, guesses: int, delta: float, confidence: float = 0.95
) -> Audit:
    """What the scores [m] of the canaries, higher where one looks learnt from, tell beside the fair coins [m] that put them in.

    One half of the `guesses` says "in" of the highest scores, the other "out" of the lowest. Their number MUST be decided before
    the scores are seen, and each coin MUST be fair and by itself; else the bound is none. Neighbours are those of `Mechanism`. A
    mechanism that keeps its claim is refuted wrongly in at most the share 1 - confidence of audits.

    Raises:
        InvalidAuditError: there are not so many canaries, or the numbers make no audit. InvalidMechanismError: delta is none.
    """
    check_delta(delta)
    if scores.shape != is_in.shape or scores.ndim != 1 or not np.isfinite(scores).all():
        raise InvalidAuditError("Each canary needs one score, a finite number, and one coin.")
    if not 2 <= guesses <= len(scores) or guesses % 2:
        raise InvalidAuditError(
            f"There are {len(scores)} canaries and {guesses} guesses: take an even number from 2 to the canaries."
        )
    if not 0.5 <= confidence < 1:
        raise InvalidAuditError(f"The confidence is {confidence:g}; it lies between 0.5 and 1.")
    order, half = np.argsort(scores, kind="stable"), guesses // 2
    correct = int(is_in[order[-half:]].sum() + (~is_in[order[:half]]).sum())
    known = {"canaries": len(scores), "guesses": guesses, "delta": delta, "confidence": confidence}
    return Audit(
        bound=_bound(correct, len(scores), guesses, delta=delta, error=1 - confidence),
        ceiling=_bound(guesses, len(scores), guesses, delta=delta, error=1 - confidence),
        correct=correct,
        **known,  # type: ignore[arg-type]  # three kinds of numbers under the names of their fields
    )


@lru_cache(maxsize=1000)
def _bound(correct: int, canaries: int, guesses: int, *, delta: float, error: float) -> float:
    """The last step before the first epsilon that is not refuted. Going up makes the bound hold whatever the form of the curve."""
    refuted = 0.0
    for step in range(int(_MOST / _STEP) + 1):
        if _chance(correct, canaries, guesses, epsilon=step * _STEP, delta=delta) > error:
            break
        refuted = step * _STEP
    return refuted


def _chance(correct: int, canaries: int, guesses: int, *, epsilon: float, delta: float) -> float:
    """At most how likely so many correct guesses are, or more, where `epsilon` and `delta` are kept."""
    chances = _binomial(guesses, epsilon)
    at_least = float(chances[correct:].sum())
    if correct == 0:
        return 1.0
    # The delta lets some canaries be given away: the worst is to lift the likeliest counts below `correct` just over it.
    below = np.cumsum(chances[correct - 1 :: -1]) / np.arange(1, correct + 1)
    return min(1.0, at_least + 2 * canaries * delta * float(below.max()))


def _binomial(guesses: int, epsilon: float) -> npt.NDArray[np.float64]:
    """The chance of each count 0 to `guesses` of correct answers of randomised response."""
    right, wrong = -math.log1p(math.exp(-epsilon)), -math.log1p(math.exp(epsilon))
    ways = np.array([math.lgamma(guesses + 1) - math.lgamma(k + 1) - math.lgamma(guesses - k + 1) for k in range(guesses + 1)])
    counts = np.arange(guesses + 1)
    chances: npt.NDArray[np.float64] = np.exp(ways + counts * right + (guesses - counts) * wrong)
    return chances
