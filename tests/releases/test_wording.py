# SPDX-License-Identifier: Apache-2.0
"""What a rule says in a decision, a Chinese page says in Chinese."""

import pytest

from modelward.assessment import REPORT_WORDS, ClauseVerdict
from modelward.releases import (
    DECISION_WORDS,
    RULES,
    Passed,
    ReasonMissingError,
    Refused,
    SelfApprovalError,
    decide,
    parse_policy,
    wording,
)
from modelward.releases.release import check_reason
from releases.evidence import NOTHING_KNOWN, clause, evidence, unmeasurable
from releases.test_release import YES, approval, proposed

PARAMETERS = {
    "assessed-within": [{"days": 30}],
    "clause-at-least": [
        {"clause": "quality.rocauc", "value": 0.86},
        {"clause": "*", "value": 0.86},
        {"clause": "*", "value": 1e-9, "on": "estimate"},
    ],
    "clause-at-most": [{"clause": "*", "value": 0.01}, {"clause": "*", "value": -2.5, "on": "estimate"}],
    "data-not-erased": [{}],
    "lineage-complete": [{}],
    "measured": [{"clauses": ["quality.*", "privacy.*", "quality.rocauc"]}, {"clauses": ["*"]}],
    "no-failed-clause": [{}],
    "purpose-declared": [{}],
    "quality-measured": [{}],
    "signed": [{}],
}
FAILED = clause(
    "fairness.sex.demographic_parity_ratio", 0.31, 0.27, 0.35, verdict=ClauseVerdict.FAILED, threshold=0.8, direction="at-least"
)
LATE = clause("latency.p50_ms", 12345678.0, 1e-7, float("inf"), verdict=ClauseVerdict.FAILED, threshold=5.0, direction="at-most")
NOTE = "On 12 rows even perfect calibration looks like an error of 0.36; about 2,514 are needed."
ODD = unmeasurable("quality.ece", note=NOTE)
BARE = unmeasurable("fairness.颜色=%3D.accuracy")
EVIDENCE = (
    NOTHING_KNOWN,
    evidence(clause()),
    evidence(FAILED, LATE, clause()),
    evidence(ODD, clause()),
    evidence(ODD, BARE, ODD),
    evidence(clause("quality.accuracy", 0.9, None, None)),
    evidence(clause(), age=-3.25),
    evidence(clause(), age=400.0),
    evidence(clause(), age=0.04),
    evidence(clause(), purpose="grants; and more. So much more", owner="social-affairs"),
    evidence(clause(), purpose=""),
    evidence(clause(), owner=" "),
)


def untranslated(reasons):
    return {reason for reason in reasons if DECISION_WORDS.sentence(reason, "zh") is None}


@pytest.mark.parametrize("name", RULES.places)
def test_no_reason_of_a_rule_stays_english(name):
    reasons = set()
    for parameters in PARAMETERS[name]:
        for known in EVIDENCE:
            verdict = RULES.load(name)(**parameters).check(known)
            reasons.add(verdict.reason if isinstance(verdict, Refused) else verdict.seen)
    assert len(reasons) >= 2
    assert untranslated(reasons) == set()


def test_a_reason_that_nobody_translated_is_found():
    assert untranslated(["income:3 has no soul.", "12 clauses are measured", "none of 3 clauses failed"]) == {
        "income:3 has no soul."
    }


def test_a_reason_in_chinese_has_every_figure_of_the_english_one():
    verdict = RULES.load("no-failed-clause")().check(evidence(FAILED, LATE))
    chinese = DECISION_WORDS.sentence(verdict.reason, "zh")
    ratio = "fairness.sex.demographic_parity_ratio 为 0.31 [0.27, 0.35]，其区间下端须至少为 0.8"
    assert chinese == f"{ratio}；latency.p50_ms 为 1.235e+07 [1e-07, inf]，其区间上端须至多为 5"
    unmeasured = RULES.load("measured")(clauses=["quality.*"]).check(evidence(ODD))
    assert DECISION_WORDS.sentence(unmeasured.reason, "zh") == (
        "quality.ece 无法测量（只有 12 行时，即使完全校准也会显出 0.36 的误差；约需 2,514 行。）"
    )


def test_every_rule_that_there_is_has_been_asked():
    assert set(PARAMETERS) == set(RULES.places)
    assert isinstance(RULES.load("signed")().check(EVIDENCE[1]), Passed)


def test_what_stands_against_a_decision_is_said_in_chinese():
    (decision,) = decide(parse_policy("name: none\nrules: []"), NOTHING_KNOWN)
    with pytest.raises(SelfApprovalError) as own:
        proposed(YES, approvals=1).approve(approval("person:ada"))
    with pytest.raises(ReasonMissingError) as empty:
        check_reason(" ")
    assert untranslated([decision.reason, str(own.value), str(empty.value)]) == set()


def test_no_sentence_is_said_in_two_places():
    assert set(wording._SENTENCES) & set(REPORT_WORDS.sentences) == set()
