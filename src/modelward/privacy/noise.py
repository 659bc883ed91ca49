# SPDX-License-Identifier: Apache-2.0
"""Discrete Laplace noise, drawn exactly: whole numbers and the system's random bits, and no floating point that could tell more.

Canonne, Kamath and Steinke 2020, The discrete Gaussian for differential privacy, algorithms 1 and 2.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from fractions import Fraction

Randbelow = Callable[[int], int]


def discrete_laplace(scale: Fraction, *, randbelow: Randbelow = secrets.randbelow) -> int:
    """A whole number, drawn with a probability that is proportional to exp(-|number| / scale).

    Added to a whole number that one row changes by at most `step`, it has the epsilon `step / scale`. `randbelow` gives a whole
    number from 0 to below the one that it is told, each as often.
    """
    steps, parts = scale.numerator, scale.denominator
    while True:
        offset = randbelow(steps)
        if not _happens(Fraction(offset, steps), randbelow):
            continue
        rounds = 0
        while _happens(Fraction(1), randbelow):
            rounds += 1
        size = (offset + steps * rounds) // parts
        is_below = randbelow(2) == 1
        # Nought would come twice as often.
        if not (is_below and size == 0):
            return -size if is_below else size


def reach(scale: Fraction, confidence: float) -> int:
    """The least whole number beyond which discrete Laplace noise of that `scale` lies, either way, in less than 1 - `confidence`
    of cases.
    """
    # P(|noise| > n) = 2 e^(-(n + 1) / scale) / (1 + e^(-1 / scale))
    step = 1 / float(scale)
    needed = math.log(2 / ((1 - confidence) * (1 + math.exp(-step)))) / step - 1
    return max(0, math.ceil(needed - 1e-9))


def _happens(gamma: Fraction, randbelow: Randbelow) -> bool:
    """Whether something happens that does so with probability exp(-gamma), for a gamma from 0 to 1."""
    turn = 1
    while randbelow(gamma.denominator * turn) < gamma.numerator:
        turn += 1
    return turn % 2 == 1
