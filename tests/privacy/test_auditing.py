# SPDX-License-Identifier: Apache-2.0
"""An audit refutes no claim that is kept, and refutes those of broken twins. All seeds are fixed."""

import random
from fractions import Fraction

import numpy as np
import pytest

from modelward.privacy import InvalidMechanismError, Mechanism, epsilon_of
from modelward.privacy.auditing import InvalidAuditError, audit
from modelward.privacy.noise import discrete_laplace

CANARIES, GUESSES, DELTA = 1000, 200, 1e-5


def coins(seed: int, number: int = CANARIES) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, number).astype(bool)


@pytest.mark.parametrize(
    ("guesses", "right", "told"),
    [(100, 100, 3.49), (100, 90, 1.63), (100, 60, 0.05), (500, 450, 1.95), (500, 400, 1.20), (1000, 1000, 5.81)],
)
def test_the_bound_is_the_one_of_the_theorem(guesses: int, right: int, told: float) -> None:
    is_in = np.arange(guesses) >= guesses // 2
    is_in[: guesses - right] = True
    scores = np.arange(guesses, dtype=float)
    assert audit(scores, is_in, guesses=guesses, delta=1e-12).bound == pytest.approx(told, abs=0.015)


def test_a_bound_is_never_above_its_ceiling_and_a_delta_lowers_it() -> None:
    is_in = coins(3)
    sure = audit(is_in.astype(float), is_in, guesses=GUESSES, delta=1e-12)
    assert sure.correct == GUESSES
    assert sure.bound == sure.ceiling
    assert audit(is_in.astype(float), is_in, guesses=GUESSES, delta=1e-3).bound < sure.bound


def test_of_scores_that_know_nothing_next_to_nothing_is_refuted() -> None:
    refuted = sum(
        audit(np.random.default_rng(seed + 500).random(CANARIES), coins(seed), guesses=GUESSES, delta=DELTA).refutes(0.0)
        for seed in range(100)
    )
    assert refuted <= 11  # 5 % of 100 is promised; more than 11 would come once in 230 times.


def counts(is_in: np.ndarray, scale: Fraction | None) -> np.ndarray:
    below = random.Random(7).randrange
    return np.array([each + (discrete_laplace(scale, randbelow=below) if scale else 0) for each in is_in.astype(int)], dtype=float)


@pytest.mark.parametrize(("scale", "is_refuted"), [(Fraction(1), False), (Fraction(1, 3), True), (None, True)])
def test_the_noise_of_statistics_keeps_its_claim_and_less_noise_does_not(scale: Fraction | None, is_refuted: bool) -> None:
    """A count of one row with the scale 1 claims the epsilon 1. Each canary is a row that is there or not, in a bar of its own."""
    is_in = coins(11)
    assert audit(counts(is_in, scale), is_in, guesses=GUESSES, delta=1e-12).refutes(1.0) is is_refuted


def trained(is_in: np.ndarray, *, noise: float, steps: int, clip: float = 1.0) -> np.ndarray:
    """Opacus' own steps over all rows. One weight for each canary, which alone pulls at it, as hard as clipping lets."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("opacus")
    from opacus import GradSampleModule
    from opacus.optimizers import DPOptimizer

    rows = (torch.eye(len(is_in))[torch.from_numpy(is_in)] * 100).requires_grad_()
    model = GradSampleModule(torch.nn.Linear(len(is_in), 1, bias=False))
    torch.nn.init.zeros_(next(model.parameters()))
    generator = torch.Generator().manual_seed(5)
    inner = torch.optim.SGD(model.parameters(), lr=1.0)
    optimizer = DPOptimizer(
        inner, noise_multiplier=noise, max_grad_norm=clip, expected_batch_size=1, loss_reduction="sum", generator=generator
    )
    for _ in range(steps):
        optimizer.zero_grad()
        (-model(rows)).sum().backward()
        optimizer.step()
    weights: np.ndarray = next(model.parameters()).detach().numpy().ravel().astype(float)
    return weights


def test_a_training_with_noise_keeps_its_claim_and_its_broken_twins_do_not() -> None:
    noise, steps, is_in = 6.0, 4, coins(13, 500)
    claimed = epsilon_of([Mechanism("gaussian", noise, times=steps)], delta=DELTA).epsilon
    kept = audit(trained(is_in, noise=noise, steps=steps), is_in, guesses=GUESSES, delta=DELTA)
    assert not kept.refutes(claimed)
    assert kept.ceiling > claimed, "an audit of this size could not refute the claim at all"
    assert audit(trained(is_in, noise=0.0, steps=steps), is_in, guesses=GUESSES, delta=DELTA).refutes(claimed)
    # Noise that was divided by the size of a batch once too often.
    assert audit(trained(is_in, noise=noise / 8, steps=steps), is_in, guesses=GUESSES, delta=DELTA).refutes(claimed)


@pytest.mark.parametrize(
    ("scores", "guesses", "confidence"),
    [
        (np.zeros(9), 4, 0.95),
        (np.full(10, np.nan), 4, 0.95),
        (np.zeros(10), 3, 0.95),
        (np.zeros(10), 12, 0.95),
        (np.zeros(10), 4, 1.0),
    ],
)
def test_what_makes_no_audit_is_refused(scores: np.ndarray, guesses: int, confidence: float) -> None:
    with pytest.raises(InvalidAuditError):
        audit(scores, coins(1, 10), guesses=guesses, delta=DELTA, confidence=confidence)


def test_a_delta_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidMechanismError):
        audit(np.zeros(10), coins(1, 10), guesses=4, delta=0.0)
