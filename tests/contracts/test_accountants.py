# SPDX-License-Identifier: Apache-2.0
"""Every accountant keeps the laws of `Accountant`: never less than what is known exactly; more looks never tell less."""

import math

import pytest
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from modelward.privacy import ACCOUNTANTS, Mechanism

pytestmark = pytest.mark.slow
GAUSSIAN, STEPS = Mechanism("gaussian", 2.0), Mechanism("discrete-laplace", 4.0)


@pytest.fixture(params=ACCOUNTANTS.names())
def accountant(request):
    return ACCOUNTANTS.load(request.param)()


def exact_gaussian(noise: float, delta: float) -> float:
    """Balle and Wang 2018, theorem 8, solved for epsilon."""

    def excess(epsilon: float) -> float:
        return ndtr(0.5 / noise - epsilon * noise) - math.exp(epsilon) * ndtr(-0.5 / noise - epsilon * noise) - delta

    return brentq(excess, 0.0, 200.0)


def delta_of_responses(epsilon: float, asked: float, times: int) -> float:
    """Of `times` randomised responses of epsilon `asked` each, exactly: the sum over how many told the truth."""
    p = expit(asked)
    right = [math.comb(times, k) * p**k * (1 - p) ** (times - k) for k in range(times + 1)]
    return sum(max(0.0, one - math.exp(epsilon) * other) for one, other in zip(right, reversed(right), strict=True))


@pytest.mark.parametrize("noise", [0.6, 1.0, 4.0])
def test_gaussian_noise_is_never_said_to_tell_less_than_it_does(accountant, noise):
    exact = exact_gaussian(noise, 1e-6)
    assert exact <= accountant.epsilon([Mechanism("gaussian", noise)], delta=1e-6) <= 1.15 * exact + 0.01


@pytest.mark.parametrize("times", [1, 6])
def test_discrete_laplace_noise_is_never_said_to_tell_less_than_it_does(accountant, times):
    found = accountant.epsilon([Mechanism("discrete-laplace", 2.0, times=times)], delta=1e-6)
    assert delta_of_responses(found, 0.5, times) <= 1e-6 * (1 + 1e-9)


def test_continuous_laplace_noise_would_say_too_little_of_whole_steps():
    found = ACCOUNTANTS.load("pld")().epsilon([Mechanism("laplace", 2.0, times=60)], delta=1e-6)
    assert delta_of_responses(found, 0.5, 60) > 1e-6, "the check above sees an accountant that takes one for the other"


def test_more_looks_more_rows_and_less_noise_never_tell_less(accountant):
    def epsilon(*mechanisms):
        return accountant.epsilon(mechanisms, delta=1e-6)

    sampled = Mechanism("gaussian", 2.0, sampling=0.1, times=20)
    assert epsilon(sampled) < epsilon(sampled.unsampled())
    assert epsilon(GAUSSIAN) < epsilon(GAUSSIAN, STEPS) < epsilon(GAUSSIAN, STEPS, STEPS)
    assert epsilon(Mechanism("gaussian", 3.0)) < epsilon(GAUSSIAN)
    assert accountant.epsilon([GAUSSIAN], delta=1e-5) < accountant.epsilon([GAUSSIAN], delta=1e-7)


def test_the_order_of_looks_does_not_matter(accountant):
    one, other = (accountant.epsilon(order, delta=1e-6) for order in ([GAUSSIAN, STEPS], [STEPS, GAUSSIAN]))
    assert one == pytest.approx(other, rel=1e-6)
