# SPDX-License-Identifier: Apache-2.0
"""The noise is what was added up: its distribution is the formula's, and twins of it that are wrong are seen."""

import math
import random
from collections import Counter
from fractions import Fraction

import pytest
from scipy.stats import beta, chisquare

from modelward.privacy.noise import discrete_laplace, reach

DRAWS = 20_000
SCALES = [Fraction(1), Fraction(2, 3), Fraction(5), Fraction(10, 3), Fraction(1, 4)]


def probability(number: int, scale: Fraction) -> float:
    step = 1 / float(scale)
    return math.tanh(step / 2) * math.exp(-step * abs(number))


def drawn(scale: Fraction, seed: int = 7) -> list[int]:
    below = random.Random(seed).randrange
    return [discrete_laplace(scale, randbelow=below) for _ in range(DRAWS)]


def fit(numbers: list[int], scale: Fraction) -> float:
    """The p-value of the numbers against the formula; whole numbers that are rare are one."""
    inside = [each for each in range(-200, 201) if DRAWS * probability(each, scale) >= 8]
    found = Counter(numbers)
    seen = [found[each] for each in inside]
    told = [DRAWS * probability(each, scale) for each in inside]
    rest = DRAWS - sum(told)
    if rest > 1:
        seen, told = [*seen, DRAWS - sum(seen)], [*told, rest]
    return float(chisquare(seen, [each * sum(seen) / sum(told) for each in told]).pvalue)


@pytest.mark.parametrize("scale", SCALES)
def test_the_noise_has_the_distribution_of_the_formula(scale):
    # The seed is fixed; with another one it would fail by chance once in a thousand.
    assert fit(drawn(scale), scale) > 1e-3


@pytest.mark.parametrize("wrong", [Fraction(11, 10), Fraction(9, 10)])
def test_a_scale_that_is_a_tenth_off_is_seen(wrong):
    assert fit(drawn(5 * wrong), Fraction(5)) < 1e-9


def epsilon_told(with_row: list[int], without: list[int], confidence: float = 0.999) -> float:
    """The least epsilon, at a delta of 0, that two neighbours' answers are compatible with: Clopper and Pearson's bounds of how
    often an answer is at least so large. Where the epsilon is as claimed it is larger than that once in a thousand times at most.
    """
    best = 0.0
    for threshold in range(min(without), max(with_row) + 1):
        high, low = (sum(each >= threshold for each in side) for side in (with_row, without))
        least = beta.ppf((1 - confidence) / 2, high, DRAWS - high + 1) if high else 0.0
        most = beta.ppf((1 + confidence) / 2, low + 1, DRAWS - low) if low < DRAWS else 1.0
        best = max(best, math.log(least / most) if least > 0 else 0.0)
    return best


def answers(count: int, scale: Fraction | None, seed: int) -> list[int]:
    below = random.Random(seed).randrange
    return [count + (discrete_laplace(scale, randbelow=below) if scale else 0) for _ in range(DRAWS)]


def test_two_neighbours_are_told_apart_as_little_as_epsilon_says():
    claimed = 1.0
    told = epsilon_told(answers(101, Fraction(1), 1), answers(100, Fraction(1), 2))
    assert 0.8 < told <= claimed


@pytest.mark.parametrize("wrong", [None, Fraction(1, 2), Fraction(2, 3)], ids=["no noise", "half the noise", "two thirds of it"])
def test_a_mechanism_that_tells_more_than_it_claims_is_caught(wrong):
    assert epsilon_told(answers(101, wrong, 1), answers(100, wrong, 2)) > 1.0


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_noise_stays_within_its_reach_as_often_as_is_said(scale, confidence):
    found = reach(scale, confidence)
    beyond = 1 - sum(probability(each, scale) for each in range(-found, found + 1))
    assert beyond <= 1 - confidence + 1e-12
    if found:
        assert 1 - sum(probability(each, scale) for each in range(1 - found, found)) > 1 - confidence


def test_no_two_answers_need_be_the_same_and_there_is_no_seed():
    assert len({discrete_laplace(Fraction(10**6)) for _ in range(8)}) > 1
