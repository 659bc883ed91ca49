# SPDX-License-Identifier: Apache-2.0
"""Every metric is scikit-learn's, and a weight of two is the row twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from assessment import echo
from modelward.assessment import scores
from modelward.assessment.scores import Answers
from modelward.datasets import InvalidDeclarationError

ONE = {
    "accuracy": lambda answers, weights: scores.accuracy(scores.confusion(answers, weights)),
    "recalls": lambda answers, weights: scores.recalls(scores.confusion(answers, weights)),
    "precisions": lambda answers, weights: scores.precisions(scores.confusion(answers, weights)),
    "f1s": lambda answers, weights: scores.f1s(scores.confusion(answers, weights)),
    "roc_auc": scores.roc_auc,
    "brier": scores.brier,
    "log_loss": scores.log_loss,
}


def answers_of(sample):
    return sample.answers(echo.opened(sample.classes))


@pytest.fixture(scope="module", params=["binary", "three classes"])
def answers(request):
    made = echo.calibrated(700, seed=1) if request.param == "binary" else echo.many(600)
    return answers_of(made)


def plain(score, answers):
    return ONE[score](answers, np.ones((1, answers.rows)))[0]


def test_metrics_are_those_of_scikit_learn(answers):
    labels, given_, decided = answers.labels, answers.probabilities, answers.decisions
    binary = answers.positive is not None
    side = given_[:, answers.positive] if binary else given_
    wanted = {
        "accuracy": metrics.accuracy_score(labels, decided),
        "recalls": metrics.recall_score(labels, decided, average=None),
        "precisions": metrics.precision_score(labels, decided, average=None),
        "f1s": metrics.f1_score(labels, decided, average=None),
        "roc_auc": metrics.roc_auc_score(labels == answers.positive if binary else labels, side, multi_class="ovr"),
        "brier": metrics.brier_score_loss(labels == answers.positive, side) if binary else metrics.brier_score_loss(labels, side),
        "log_loss": metrics.log_loss(labels, given_ / given_.sum(axis=1, keepdims=True)),
    }
    for name, figure in wanted.items():
        np.testing.assert_allclose(plain(name, answers), figure, atol=1e-6, err_msg=name)


def test_the_confusion_matrix_is_that_of_scikit_learn(answers):
    ours = scores.confusion(answers, np.ones((1, answers.rows)))[0]
    assert (ours == metrics.confusion_matrix(answers.labels, answers.decisions)).all()


def test_roc_points_are_those_of_scikit_learn(answers):
    side, is_positive = answers.probabilities[:, 0], answers.labels == 0
    false, true = scores.roc_points(side, is_positive, np.ones((1, answers.rows)))
    wanted_false, wanted_true, _ = metrics.roc_curve(is_positive, side, drop_intermediate=False)
    np.testing.assert_allclose(false[0], wanted_false)
    np.testing.assert_allclose(true[0], wanted_true)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=60, max_size=60), st.sampled_from(sorted(ONE)))
def test_a_weight_is_how_often_a_row_counts(weights, name):
    whole = answers_of(echo.many(60, seed=4))
    times = np.array(weights)
    rows = np.repeat(np.arange(60), times)
    if np.unique(whole.labels[rows]).size < 3:
        return
    repeated = Answers(whole.labels[rows], whole.probabilities[rows], None)
    weighted = ONE[name](whole, times[None, :].astype(float))[0]
    np.testing.assert_allclose(weighted, plain(name, repeated), atol=1e-9)


def test_calibration_error_is_the_gap_that_was_planted():
    """Every probability is 0.1 too high: whatever the bins, the error is 0.1."""
    random = np.random.default_rng(0)
    stated = random.uniform(0.2, 0.9, 60_000)
    came = random.random(60_000) < stated - 0.1
    found = answers_of(echo.sample(came, np.stack([1 - stated, stated], axis=1)))
    error = scores.calibration_error(found, np.ones((1, found.rows)))[0]
    assert error == pytest.approx(0.1, abs=0.006)


def test_equal_scores_share_a_bin():
    bins, size = scores.calibration_bins(np.repeat([0.1, 0.1, 0.1, 0.9], 100))
    assert size == 2
    assert (bins == np.repeat([0, 0, 0, 1], 100)).all()


def test_bins_have_equal_mass_where_scores_differ():
    bins, size = scores.calibration_bins(np.random.default_rng(0).random(1500))
    assert size == scores.CALIBRATION_BINS
    assert np.abs(np.bincount(bins) - 100).max() <= 1


def test_a_class_that_does_not_occur_leaves_the_area_undefined():
    one_class = answers_of(echo.sample([0, 0, 0], [[0.9, 0.1]] * 3))
    assert np.isnan(scores.roc_auc(one_class, np.ones((1, 3)))).all()


def test_the_positive_class_is_the_rarer_one_and_the_second_of_equals():
    assert echo.sample([1, 1, 0], [[0.5, 0.5]] * 3).positive == 0
    assert echo.sample([0, 0, 1], [[0.5, 0.5]] * 3).positive == 1
    assert echo.sample([0, 1], [[0.5, 0.5]] * 2).positive == 1
    assert echo.many(30).positive is None


def test_a_stated_class_is_the_positive_one_and_one_that_is_not_there_is_refused():
    assert [echo.sample([0, 0, 1], [[0.5, 0.5]] * 3, favourable=name).positive for name in ("no", "yes", "")] == [0, 1, 1]
    with pytest.raises(InvalidDeclarationError):
        _ = echo.sample([0, 0, 1], [[0.5, 0.5]] * 3, favourable="maybe").positive
