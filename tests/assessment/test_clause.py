# SPDX-License-Identifier: Apache-2.0
"""A clause judges by the unfavourable end of its interval, and nothing unmeasured ever passes."""

from fnmatch import fnmatchcase
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.assessment import Clause, ClauseVerdict, Estimate, Measure, Threshold
from modelward.assessment.naming import id_part

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
    clause = AUC.clause(Estimate(0.9, 0.8, 1.0, 10, "by hand"), of=("a.b", "c=d e"))
    assert clause.id == "quality.a%2Eb=c%3Dd%20e.roc_auc"
    assert (clause.dimension, clause.slice, clause.measure) == ("quality", "a.b=c=d e", "roc_auc")


@pytest.mark.parametrize("name", ["Amer-Indian-Eskimo", "甲乙", "1:≤28", "2:28–37", "(missing)", "<b>&+;"])
def test_a_name_of_letters_digits_and_signs_stands_in_the_id_as_it_is(name):
    assert AUC.id_for(("race", name)) == f"quality.race={name}.roc_auc"


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@given(st.lists(st.tuples(NAMES, NAMES), min_size=2, max_size=2, unique=True))
def test_two_groups_never_share_an_id(pairs):
    assert AUC.id_for(pairs[0]) != AUC.id_for(pairs[1])


@given(NAMES, NAMES)
def test_an_id_is_one_word_and_as_the_pattern_of_a_policy_fits_itself_alone(column, group):
    clause_id = AUC.id_for((column, group))
    assert clause_id.split() == [clause_id]
    assert fnmatchcase(clause_id, clause_id)
    assert not set(clause_id) & set("*?[]")
    assert clause_id.count(".") == 2
    assert clause_id.count("=") == 1
    assert len(clause_id) < 230


@given(NAMES)
def test_a_short_quoted_name_reads_back(name):
    quoted = id_part(name)
    if "~" not in quoted:
        assert unquote(quoted) == name
    else:
        assert name.count("~") or len(quoted) > 80


def test_no_figure_is_stated_beyond_what_is_possible():
    share = Measure(assessor="quality", key="share", title="Share", meaning="share", highest=1.0)
    clause = share.clause(Estimate(0.99, 0.97, 1.004, 10, "by hand"))
    assert (clause.low, clause.high) == (0.97, 1.0)
    assert share.clause(Estimate(0.01, -0.02, 0.04, 10, "by hand")).low == 0.0


def test_the_last_bits_do_not_change_a_clause():
    one, other = (AUC.clause(Estimate(value, 0.8, 0.95, 10, "by hand")) for value in (0.1 + 0.2, 0.3))
    assert one == other


def test_whole_numbers_are_kept_in_full():
    assert PLAIN.clause(Estimate(12345678901.0, 12345678901.0, 12345678901.0, 1, "counted")).estimate == 12345678901.0


def test_a_clause_survives_json():
    clause = AUC.clause(Estimate(0.9, 0.85, 0.95, 100, "by hand", 7), of="town", note="a note")
    assert msgspec.json.decode(msgspec.json.encode(clause), type=Clause) == clause
