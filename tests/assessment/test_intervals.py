# SPDX-License-Identifier: Apache-2.0
"""Intervals hold the truth as often as they say, and never claim what a sample cannot show.

The simulations have fixed seeds, so they pass or fail for ever. Their bounds are those a correct method would miss in one of a
thousand runs with another seed.
"""

import numpy as np
import pytest
from scipy import stats

from modelward.assessment.intervals import bootstrap, paired, quantile, resample, wilson
from modelward.assessment.scores import Answers, roc_auc


def mean_of(values):
    return lambda weights: (weights @ values / weights.sum(axis=1))[:, None]


def test_wilson_gives_the_published_interval():
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, and 0 of 20.
    assert (wilson(81 / 263, n=263).low, wilson(81 / 263, n=263).high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (wilson(0.0, n=20).low, wilson(0.0, n=20).high) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_a_bootstrap_interval_holds_the_true_mean_nineteen_times_in_twenty():
    random = np.random.default_rng(11)
    runs, rows = 400, 200
    held = 0
    for run in range(runs):
        values = random.exponential(size=rows)
        (found,) = bootstrap(mean_of(values), rows=rows, effective=rows, seed=run)
        held += found.low <= 1.0 <= found.high
    # 0.95 is the aim; a skewed mean of 200 rows costs about one in a hundred. Below 0.905 lies less than one run in a thousand.
    assert 0.905 < held / runs < 0.985


def test_an_interval_of_half_the_width_would_be_caught():
    """The positive control of the simulation above: the same runs find an interval that is too narrow."""
    random = np.random.default_rng(11)
    held = 0
    for run in range(200):
        values = random.exponential(size=200)
        (found,) = bootstrap(mean_of(values), rows=200, effective=200, seed=run)
        half = (found.high - found.low) / 4
        held += abs(found.value - 1.0) <= half
    assert held / 200 < 0.85


def test_the_interval_of_a_paired_difference_holds_the_true_one_and_is_narrower_than_an_unpaired_one():
    """Two classifiers that err on mostly the same rows: 80 % and 78 % right, on 300 rows in each of 120 runs."""
    random = np.random.default_rng(7)
    held, unpaired, widths = 0, 0, []
    for run in range(120):
        hard = random.random(300)
        first, second = ((hard < share).astype(float) for share in (0.80, 0.78))
        point = float(first.mean() - second.mean())
        (ours, theirs), others = (
            [resample(mean_of(values), rows=300, seed=seed)[1][:, 0] for values in (first, second)] for seed in (run, run + 1000)
        )
        low, high = paired(point, ours, theirs)
        wide_low, wide_high = paired(point, ours, others[1])
        held += low <= 0.02 <= high
        unpaired += wide_low <= 0.02 <= wide_high
        widths.append((high - low) / (wide_high - wide_low))
    # A difference of six rows in 300 is coarse: percentiles of so few lose a few in a hundred.
    assert 0.88 < held / 120 <= 1
    assert unpaired == 120, "pairing what was not drawn alike covers nearly everything, and so tells nothing"
    assert np.median(widths) < 0.5


def test_what_is_undefined_too_often_or_drawn_otherwise_has_no_paired_interval():
    some = np.linspace(0, 1, 1000)
    assert paired(0.0, some, some) == (0.0, 0.0)
    assert paired(0.0, some, np.where(np.arange(1000) < 60, np.nan, some)) is None
    assert paired(0.0, some, some[:500]) is None


def test_an_interval_of_a_quantile_holds_the_true_one():
    random = np.random.default_rng(5)
    truth = stats.expon.ppf(0.99)
    found = [quantile(np.sort(random.exponential(size=1000)), 0.99, method="") for _ in range(500)]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.92 < held <= 0.995


def test_a_quantile_of_too_few_observations_has_no_interval():
    ordered = np.sort(np.random.default_rng(0).exponential(size=368))
    assert quantile(ordered, 0.99, method="") is not None
    assert quantile(ordered[:367], 0.99, method="") is None
    assert quantile(ordered[:6], 0.5, method="") is not None
    assert quantile(ordered[:5], 0.5, method="") is None


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    values = np.random.default_rng(1).normal(size=300)
    once, again, other = (bootstrap(mean_of(values), rows=300, effective=300, seed=seed)[0] for seed in (3, 3, 4))
    assert once == again
    assert (once.low, once.high) != (other.low, other.high)


def test_replicates_do_not_depend_on_the_blocks_they_are_computed_in(monkeypatch):
    values = np.random.default_rng(1).normal(size=300)
    whole = bootstrap(mean_of(values), rows=300, effective=300, seed=3)
    monkeypatch.setattr("modelward.assessment.intervals._BLOCK_CELLS", 300 * 7)
    blocks = bootstrap(mean_of(values), rows=300, effective=300, seed=3)
    assert blocks[0].low == pytest.approx(whole[0].low)
    assert blocks[0].high == pytest.approx(whole[0].high)


def test_a_perfect_score_is_not_certain():
    (found,) = bootstrap(mean_of(np.ones(40)), rows=40, effective=12, seed=0)
    assert found.value == 1.0
    assert found.high == pytest.approx(1.0)
    assert found.low == pytest.approx(wilson(1.0, n=12).low)
    assert found.low < 0.8
    assert {type(bound) for bound in (found.value, found.low, found.high)} == {float}, "a report is written of plain numbers"


def test_the_interval_of_an_absolute_difference_holds_its_estimate():
    """A plain percentile interval of |difference| would lie above an estimate near nought."""
    values = np.random.default_rng(2).normal(size=500)

    def gap(weights):
        half = weights[:, :250] @ values[:250] / weights[:, :250].sum(axis=1)
        other = weights[:, 250:] @ values[250:] / weights[:, 250:].sum(axis=1)
        return np.abs(half - other)[:, None]

    (found,) = bootstrap(gap, rows=500, effective=500, seed=0)
    assert found.low < found.value < found.high


def test_what_is_undefined_on_the_sample_or_on_many_replicates_has_no_estimate():
    def often(weights):
        return np.where(weights[:, :1] > 0, 1.0, np.nan)  # the first row is missing from a third of the replicates

    def rarely(weights):
        return np.where(weights[:, :5].sum(axis=1, keepdims=True) > 0, weights[:, :1] * 0.1, np.nan)

    assert bootstrap(often, rows=50, effective=50, seed=0) == (None,)
    assert bootstrap(lambda weights: np.full((len(weights), 1), np.nan), rows=50, effective=50, seed=0) == (None,)
    assert bootstrap(rarely, rows=50, effective=50, seed=0) != (None,)


def test_the_interval_of_an_area_under_the_curve_holds_the_true_one():
    """150 samples of two normal scores, seed fixed: a correct interval has fewer than 133 hits once in a thousand times or less."""
    random = np.random.default_rng(7)
    truth, rows = stats.norm.cdf(1.2 / np.sqrt(2)), 240
    held = []
    for run in range(150):
        labels = (np.arange(rows) % 3 == 0).astype(np.int64)
        side = stats.norm.cdf(random.normal(size=rows) + 1.2 * labels)
        answers = Answers(labels, np.stack([1 - side, side], axis=1), 1)

        def area(weights, answers=answers):
            return roc_auc(answers, weights)[:, None]

        (found,) = bootstrap(area, rows=rows, effective=80, seed=run, replicates=300)
        half = (found.high - found.low) / 4
        held.append((found.low <= truth <= found.high, abs(found.value - truth) <= half))
    hits, narrow_hits = np.sum(held, axis=0)
    assert 133 <= hits < 150
    assert narrow_hits < 125, "an interval of half the width is caught"
