# SPDX-License-Identifier: Apache-2.0
"""What the assessors say of models whose every answer is known."""

import json
import re

import fairlearn.metrics
import numpy as np
import pytest

from assessment import echo
from modelward.assessment import ClauseVerdict, scores
from modelward.assessment.assessors.baseline import Baseline
from modelward.assessment.assessors.energy import Energy
from modelward.assessment.assessors.fairness import Fairness
from modelward.assessment.assessors.latency import Latency
from modelward.assessment.assessors.quality import Quality
from modelward.assessment.assessors.size import Size


def found(assessor, sample, *, facts=echo.METERED):
    classes = sample.classes if sample is not None else ("no", "yes")
    findings = assessor.assess(echo.opened(classes, facts=facts), sample)
    return {clause.id: clause for clause in findings.clauses}, findings


def groups(rows, *, seed, names=("a", "b"), shares=(0.6, 0.4)):
    return np.random.default_rng(seed).choice(names, rows, p=shares)


# quality


def test_a_calibrated_model_passes_and_an_overconfident_one_fails():
    calm = echo.calibrated(4000, seed=1)
    odds = np.log(calm.columns["p1"] / calm.columns["p0"]) * 3
    boasting = echo.sample(calm.labels, np.hstack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))]))
    assert found(Quality(), calm)[0]["quality.ece"].verdict is ClauseVerdict.PASSED
    assert found(Quality(), boasting)[0]["quality.ece"].verdict is ClauseVerdict.FAILED
    # Only what it says of its certainty differs: its decisions and its ranking are the same.
    assert found(Quality(), boasting)[0]["quality.roc_auc"].estimate == pytest.approx(
        found(Quality(), calm)[0]["quality.roc_auc"].estimate, abs=1e-5
    )


def test_a_model_that_guesses_fails():
    random = np.random.default_rng(0)
    side = random.random(2000)
    clauses, _ = found(Quality(), echo.sample(random.integers(0, 2, 2000), np.stack([1 - side, side], axis=1)))
    assert clauses["quality.roc_auc"].verdict is ClauseVerdict.FAILED


def test_good_luck_on_a_few_rows_does_not_pass():
    """The estimate reaches the threshold and the lower end of its interval does not."""
    clause = found(Quality(), echo.calibrated(40, seed=3, spread=0.7))[0]["quality.roc_auc"]
    assert clause.estimate > clause.threshold > clause.low
    assert clause.verdict is ClauseVerdict.FAILED


def test_a_calibration_error_that_chance_would_give_is_not_measurable_and_the_note_says_how_many_rows_it_takes():
    clause = found(Quality(), echo.calibrated(360, seed=1))[0]["quality.ece"]
    assert clause.verdict is ClauseVerdict.NOT_MEASURABLE
    needed = int(re.search(r"about ([\d,]+) are needed", clause.note)[1].replace(",", ""))
    enough = found(Quality(), echo.calibrated(needed + 200, seed=2))[0]["quality.ece"]
    assert enough.verdict is ClauseVerdict.PASSED


def test_a_calibration_error_beyond_all_chance_fails_on_few_rows_too():
    made = echo.calibrated(360, seed=1)
    boasting = echo.sample(made.labels, np.where(echo.answered(made) > 0.5, 0.99, 0.01))
    assert found(Quality(), boasting)[0]["quality.ece"].verdict is ClauseVerdict.FAILED


def test_the_noise_of_calibration_is_what_true_probabilities_show():
    errors, noises = [], []
    for seed in range(40):
        answers = echo.calibrated(500, seed=seed).answers(echo.opened())
        errors.append(scores.calibration_error(answers, np.ones((1, 500)))[0])
        noises.append(scores.calibration_noise(answers))
    assert np.mean(errors) == pytest.approx(np.mean(noises), rel=0.1)


def test_a_missing_class_makes_its_metrics_not_measurable():
    clauses, _ = found(Quality(), echo.sample([0] * 50, [[0.8, 0.2]] * 50))
    assert clauses["quality.roc_auc"].verdict is ClauseVerdict.NOT_MEASURABLE
    assert clauses["quality.precision"].verdict is ClauseVerdict.NOT_MEASURABLE
    assert clauses["quality.accuracy"].estimate == 1.0


def test_perfect_decisions_on_thirty_rows_are_not_certain():
    labels = np.arange(30) % 2
    clauses, _ = found(Quality(), echo.sample(labels, np.eye(2)[labels]))
    assert clauses["quality.f1"].estimate == clauses["quality.accuracy"].estimate == 1.0
    assert clauses["quality.f1"].low < 0.9
    assert clauses["quality.accuracy"].low < 0.9


def test_curves_are_kept_as_figures_too():
    _, findings = found(Quality(), echo.calibrated(500, seed=1))
    confusion = json.loads(findings.evidence["evidence/quality.confusion_matrix.json"])
    curve = json.loads(findings.evidence["evidence/quality.roc_curve.json"])
    assert np.sum(confusion["counts"]) == 500
    for counts, shares in zip(confusion["counts"], confusion["shares"], strict=True):
        for count, cell in zip(counts, shares, strict=True):
            assert cell["share"] == pytest.approx(count / sum(counts))
            assert 0 <= cell["low"] < cell["share"] < cell["high"] <= 1
            assert cell["high"] - cell["low"] == pytest.approx(
                2 * 1.96 * np.sqrt(cell["share"] * (1 - cell["share"]) / sum(counts)), rel=0.05
            )
    assert findings.evidence["plots/quality.confusion_matrix.svg"].count(b"%, ") == 4, "each cell has its interval"
    assert curve["true_positive_rate"]["yes"][-1] == 1.0
    low, high = curve["band_95"]
    assert all(below <= at <= above for below, at, above in zip(low, curve["true_positive_rate"]["yes"], high, strict=True))


# baseline


def test_a_constant_answer_does_not_beat_the_baseline():
    labels = np.random.default_rng(0).random(1000) < 0.3
    constant, _ = found(Baseline(), echo.sample(labels, [[0.7, 0.3]] * 1000))
    assert constant["baseline.brier_skill"].verdict is ClauseVerdict.FAILED
    assert constant["baseline.accuracy_gain"].estimate == 0.0
    better, _ = found(Baseline(), echo.calibrated(2000, seed=2))
    assert better["baseline.brier_skill"].verdict is ClauseVerdict.PASSED
    assert better["baseline.accuracy_gain"].low > 0


# fairness


def biased(rows, *, seed, gap):
    """Two groups of equal truth, of which the second is selected more often by `gap`."""
    random = np.random.default_rng(seed)
    side = random.integers(0, 2, rows)
    labels = random.random(rows) < 0.4
    selected = random.random(rows) < 0.4 + gap * side
    return echo.sample(labels, np.eye(2)[selected.astype(int)], town=np.array(["north", "south"])[side])


def test_disparities_are_those_of_fairlearn():
    made = echo.calibrated(3000, seed=4)
    made = echo.sample(made.labels, echo.answered(made), town=groups(3000, seed=1, names=("a", "b", "c"), shares=(0.5, 0.3, 0.2)))
    clauses, _ = found(Fairness(), made)
    true, decided = made.labels == made.positive, np.argmax(echo.answered(made), axis=1) == made.positive
    told = {"y_true": true.astype(int), "y_pred": decided.astype(int), "sensitive_features": made.sensitive["town"]}
    assert clauses["fairness.town.demographic_parity_difference"].estimate == pytest.approx(
        fairlearn.metrics.demographic_parity_difference(**told)
    )
    assert clauses["fairness.town.demographic_parity_ratio"].estimate == pytest.approx(
        fairlearn.metrics.demographic_parity_ratio(**told)
    )
    assert clauses["fairness.town.equalized_odds_difference"].estimate == pytest.approx(
        fairlearn.metrics.equalized_odds_difference(**told)
    )


def declined(favourable=""):
    """Applications, of which few are declined, and more of them in the south; `favourable` is the class that counts."""
    random = np.random.default_rng(5)
    south = random.integers(0, 2, 6000)
    risk = random.random(6000) < 0.05 + 0.06 * south
    decided = np.where(random.random(6000) < 0.9, risk, ~risk)
    towns = np.array(["north", "south"])[south]
    answers = np.eye(2)[decided.astype(int)] * 0.6 + 0.2
    return echo.sample(risk, answers, classes=("accepted", "declined"), favourable=favourable, town=towns)


def test_stating_the_other_class_turns_every_rate_over():
    stated = {name: found(Fairness(), declined(name))[0] for name in ("", "accepted", "declined")}
    assert stated[""] == stated["declined"]
    accepted = np.array([stated["accepted"][f"fairness.town={town}.selection_rate"].estimate for town in ("north", "south")])
    rejected = np.array([stated["declined"][f"fairness.town={town}.selection_rate"].estimate for town in ("north", "south")])
    assert accepted == pytest.approx(1 - rejected, abs=1e-8)
    for town in ("north", "south"):
        true, false = (f"fairness.town={town}.{rate}" for rate in ("true_positive_rate", "false_positive_rate"))
        assert stated["accepted"][true].estimate == pytest.approx(1 - stated["declined"][false].estimate, abs=1e-8)
    for name, rates in (("accepted", accepted), ("declined", rejected)):
        clause = stated[name]["fairness.town.demographic_parity_ratio"]
        assert clause.estimate == pytest.approx(rates.min() / rates.max(), abs=1e-8)
    assert stated["accepted"]["fairness.town.demographic_parity_ratio"].verdict is ClauseVerdict.PASSED
    assert stated["declined"]["fairness.town.demographic_parity_ratio"].verdict is ClauseVerdict.FAILED


@pytest.mark.parametrize("favourable", ["accepted", "declined"])
def test_disparities_of_the_stated_class_are_those_of_fairlearn(favourable):
    made = declined(favourable)
    side = made.classes.index(favourable)
    told = {
        "y_true": (made.labels == side).astype(int),
        "y_pred": (np.argmax(echo.answered(made), axis=1) == side).astype(int),
        "sensitive_features": made.sensitive["town"],
    }
    clauses, _ = found(Fairness(), made)
    for measure in ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"):
        by_hand = getattr(fairlearn.metrics, measure)(**told)
        assert clauses[f"fairness.town.{measure}"].estimate == pytest.approx(by_hand, abs=1e-8)


def test_clauses_say_which_class_they_count():
    fair, findings = found(Fairness(), declined("accepted"))
    assert fair["fairness.town=north.selection_rate"].note == "Share of the group decided 'accepted'."
    assert fair["fairness.town=north.accuracy"].note == fair["fairness.town.worst_group_accuracy"].note == ""
    quality, _ = found(Quality(), declined("accepted"))
    for clause in (
        fair["fairness.town.demographic_parity_ratio"],
        fair["fairness.town=north.true_positive_rate"],
        quality["quality.recall"],
    ):
        assert clause.note == "Positive class: 'accepted'."
    assert "Positive class: 'accepted'." in findings.plots[0].text


def test_recall_and_precision_are_of_the_stated_class():
    made = declined("accepted")
    clauses, _ = found(Quality(), made)
    true, decided = made.labels == 0, np.argmax(echo.answered(made), axis=1) == 0
    assert clauses["quality.recall"].estimate == pytest.approx((true & decided).sum() / true.sum(), abs=1e-8)
    assert clauses["quality.precision"].estimate == pytest.approx((true & decided).sum() / decided.sum(), abs=1e-8)


def test_a_planted_bias_fails_and_an_even_hand_passes():
    uneven, _ = found(Fairness(), biased(6000, seed=1, gap=0.25))
    even, _ = found(Fairness(), biased(6000, seed=1, gap=0.0))
    for measure in ("demographic_parity_ratio", "equalized_odds_difference"):
        assert uneven[f"fairness.town.{measure}"].verdict is ClauseVerdict.FAILED
        assert even[f"fairness.town.{measure}"].verdict is ClauseVerdict.PASSED
    difference = uneven["fairness.town.demographic_parity_difference"]
    assert difference.low < 0.25 < difference.high


def test_intervals_hold_a_planted_disparity(monkeypatch):
    """40 samples, seeds fixed: fewer than 33 hits would happen to a correct 95 % interval once in a thousand times."""
    # Forty pictures that nobody looks at take longer than all the figures.
    monkeypatch.setattr("modelward.assessment.plots.group_rates", lambda _: b"<svg/>")
    hits = 0
    for seed in range(40):
        clause = found(Fairness(), biased(800, seed=seed, gap=0.2))[0]["fairness.town.demographic_parity_difference"]
        hits += clause.low <= 0.2 <= clause.high
    assert hits >= 33


def test_a_small_group_is_named_and_not_dropped():
    made = echo.calibrated(500, seed=1)
    towns = np.array(["north"] * 300 + ["south"] * 171 + ["islet"] * 29)
    clauses, findings = found(Fairness(), echo.sample(made.labels, echo.answered(made), town=towns))
    small = clauses["fairness.town=islet.selection_rate"]
    assert small.verdict is ClauseVerdict.NOT_MEASURABLE
    assert small.n == 29
    assert "30" in small.note
    assert "islet (29)" in clauses["fairness.town.demographic_parity_ratio"].note
    told = json.loads(findings.evidence["evidence/fairness.town.json"])
    assert told["too_small"] == [{"group": "islet", "rows": 29, "needed": 30}]
    assert "fairness.town=north.selection_rate" in clauses


def test_a_rate_over_a_handful_of_rows_is_not_measurable():
    labels = np.array([1] * 9 + [0] * 91 + [1] * 50 + [0] * 50)
    made = echo.sample(labels, [[0.4, 0.6]] * 200, town=["north"] * 100 + ["south"] * 100)
    clauses, _ = found(Fairness(), made)
    assert clauses["fairness.town=north.true_positive_rate"].verdict is ClauseVerdict.NOT_MEASURABLE
    assert clauses["fairness.town=south.true_positive_rate"].estimate == 1.0
    assert clauses["fairness.town.equalized_odds_difference"].verdict is ClauseVerdict.NOT_MEASURABLE


def test_one_group_or_hundreds_of_groups_are_not_measurable():
    made = echo.calibrated(200, seed=1)
    alone, _ = found(Fairness(), echo.sample(made.labels, echo.answered(made), town=["north"] * 200))
    crowd, _ = found(Fairness(), echo.sample(made.labels, echo.answered(made), town=[str(at) for at in range(200)]))
    for clauses in (alone, crowd):
        assert {clause.verdict for clause in clauses.values()} == {ClauseVerdict.NOT_MEASURABLE}


def test_nobody_selected_is_not_a_pass():
    made = echo.sample(np.arange(200) % 3 == 0, [[0.9, 0.1]] * 200, town=["north", "south"] * 100)
    assert found(Fairness(), made)[0]["fairness.town.demographic_parity_ratio"].verdict is ClauseVerdict.NOT_MEASURABLE


def test_without_a_sensitive_column_nothing_passes():
    clauses, _ = found(Fairness(), echo.calibrated(200, seed=1))
    assert {clause.verdict for clause in clauses.values()} == {ClauseVerdict.NOT_MEASURABLE}
    assert "--sensitive" in clauses["fairness.demographic_parity_ratio"].note


def test_more_than_two_classes_have_accuracy_by_group_and_no_parity():
    clauses, _ = found(Fairness(), echo.many(400, town=groups(400, seed=1)))
    assert clauses["fairness.town.worst_group_accuracy"].estimate is not None
    assert clauses["fairness.town.demographic_parity_ratio"].verdict is ClauseVerdict.NOT_MEASURABLE
    assert clauses["fairness.town=a.accuracy"].estimate is not None


def test_a_hostile_column_name_makes_no_path():
    made = echo.calibrated(200, seed=1)
    hostile = echo.sample(made.labels, echo.answered(made), **{"../../etc/passwd 城市": groups(200, seed=1)})
    _, findings = found(Fairness(), hostile)
    assert all(path.count("/") == 1 and ".." not in path and path.isascii() for path in findings.evidence)
    assert len(findings.evidence) == 2


# latency, size, energy


def test_speed_is_measured_on_the_samples_rows_and_without_any():
    for sample in (echo.calibrated(50, seed=1), None):
        clauses, findings = found(Latency(), sample)
        assert clauses["latency.p50_ms"].low <= clauses["latency.p50_ms"].estimate <= clauses["latency.p50_ms"].high
        assert clauses["latency.p50_ms"].estimate <= clauses["latency.p99_ms"].estimate
        assert clauses["latency.rows_per_second"].estimate > 0
        assert json.loads(findings.evidence["evidence/latency.timings.json"])["machine"]["processor"]


def test_a_slow_model_has_a_median_and_no_99th_percentile(monkeypatch):
    monkeypatch.setattr("modelward.assessment.assessors.latency._BUDGET_SECONDS", 0.0)
    clauses, _ = found(Latency(), echo.calibrated(50, seed=1))
    assert clauses["latency.p50_ms"].estimate > 0
    assert clauses["latency.p99_ms"].verdict is ClauseVerdict.NOT_MEASURABLE
    assert "368" in clauses["latency.p99_ms"].note


def test_size_is_exact():
    clauses, _ = found(Size(), None)
    assert clauses["size.model_bytes"].estimate == clauses["size.model_bytes"].low == len(echo.graph())
    assert clauses["size.parameters"].estimate == 7


def test_energy_has_the_interval_and_the_method_of_its_meter():
    clause = found(Energy(), None)[0]["energy.training_joules"]
    assert (clause.low, clause.estimate, clause.high) == (6.0, 12.0, 24.0)
    assert clause.method == "processor time by watts"


@pytest.mark.parametrize("gone", ["energy_joules", "energy_low_joules", "energy_high_joules", "energy_method"])
def test_energy_without_interval_or_method_is_not_measurable(gone):
    facts = {name: value for name, value in echo.METERED.items() if name != gone}
    clause = found(Energy(), None, facts=facts)[0]["energy.training_joules"]
    assert clause.verdict is ClauseVerdict.NOT_MEASURABLE


def test_parameters_nobody_counted_are_not_measurable():
    assert found(Size(), None, facts={})[0]["size.parameters"].verdict is ClauseVerdict.NOT_MEASURABLE


def test_missing_is_a_group_however_it_is_written():
    made = echo.calibrated(300, seed=1)
    towns = ["north"] * 200 + [""] * 60 + ["(missing)"] * 40
    clauses, _ = found(Fairness(), echo.sample(made.labels, echo.answered(made), town=towns))
    assert clauses["fairness.town=(missing).selection_rate"].n == 100


def test_perfect_answers_of_three_classes_are_not_certain():
    labels = np.arange(90) % 3
    clauses, _ = found(Quality(), echo.sample(labels, np.eye(3)[labels], classes=("a", "b", "c")))
    for measure in ("accuracy", "balanced_accuracy", "recall", "precision", "f1", "roc_auc"):
        clause = clauses[f"quality.{measure}"]
        assert (clause.estimate, clause.high) == (1.0, 1.0)
        assert clause.low < 0.97


def test_a_constant_answer_ranks_nothing():
    labels = np.random.default_rng(0).random(400) < 0.3
    clauses, _ = found(Quality(), echo.sample(labels, [[0.7, 0.3]] * 400))
    assert clauses["quality.roc_auc"].estimate == 0.5
    assert clauses["quality.roc_auc"].verdict is ClauseVerdict.FAILED
    assert clauses["quality.recall"].estimate == 0.0
    assert clauses["quality.precision"].verdict is ClauseVerdict.NOT_MEASURABLE
