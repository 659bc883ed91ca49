# SPDX-License-Identifier: Apache-2.0
"""A clause judges by the unfavourable end of its interval, and nothing unmeasured ever passes."""

import msgspec
import pytest

from modelward.assessment import Clause, ClauseVerdict, Estimate, Measure, Threshold

AUC = Measure(assessor="quality", key="roc_auc", title="ROC AUC", meaning="ranking", threshold=Threshold(0.8, "at-least"))
ECE = Measure(assessor="quality", key="ece", title="ECE", meaning="calibration", threshold=Threshold(0.05, "at-most"))
PLAIN = Measure(assessor="size", key="bytes", title="Bytes", meaning="size", unit="bytes")


@pytest.mark.parametrize(
    ("measure", "low", "high", "verdict"),
    [
        (AUC, 0.80, 0.90, ClauseVerdict.PASSED),
        (AUC, 0.79, 0.95, ClauseVerdict.FAILED),
        (ECE, 0.01, 0.05, ClauseVerdict.PASSED),
        (ECE, 0.01, 0.051, ClauseVerdict.FAILED),
        (PLAIN, 1.0, 2.0, ClauseVerdict.RECORDED),
    ],
)
def test_the_unfavourable_end_of_the_interval_is_judged(measure, low, high, verdict):
    assert measure.clause(Estimate((low + high) / 2, low, high, 100, "by hand")).verdict is verdict


@pytest.mark.parametrize("measure", [AUC, ECE, PLAIN])
def test_what_cannot_be_measured_has_no_figure_and_does_not_pass(measure):
    clause = measure.not_measurable("Hold out more rows.", n=3)
    assert clause.verdict is ClauseVerdict.NOT_MEASURABLE
    assert clause.estimate is clause.low is clause.high is None
    assert clause.note == "Hold out more rows."


def test_ids_are_taken_apart_whatever_a_column_or_a_group_is_called():
    clause = AUC.clause(Estimate(0.9, 0.8, 1.0, 10, "by hand"), of="a.b=c.d")
    assert clause.id == "quality.a.b=c.d.roc_auc"
    assert (clause.dimension, clause.slice, clause.measure) == ("quality", "a.b=c.d", "roc_auc")


def test_the_last_bits_do_not_change_a_clause():
    one, other = (AUC.clause(Estimate(value, 0.8, 0.95, 10, "by hand")) for value in (0.1 + 0.2, 0.3))
    assert one == other


def test_whole_numbers_are_kept_in_full():
    assert PLAIN.clause(Estimate(12345678901.0, 12345678901.0, 12345678901.0, 1, "counted")).estimate == 12345678901.0


def test_a_clause_survives_json():
    clause = AUC.clause(Estimate(0.9, 0.85, 0.95, 100, "by hand", 7), of="town", note="a note")
    assert msgspec.json.decode(msgspec.json.encode(clause), type=Clause) == clause
