# SPDX-License-Identifier: Apache-2.0
"""Each rule, where it turns."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.assessment import ClauseVerdict, known_measures
from modelward.releases import RULES, Passed, Refused
from releases.evidence import clause, evidence, unmeasurable


def check(name, known, **parameters):
    return RULES.load(name)(**parameters).check(known)


def test_a_refusal_gives_estimate_interval_and_threshold():
    known = evidence(clause("quality.roc_auc", 0.7123, 0.66, 0.7512))
    verdict = check("clause-at-least", known, clause="quality.roc_auc", value=0.8)
    assert verdict == Refused("quality.roc_auc is 0.7123 [0.66, 0.7512], and the low end of its interval must be at least 0.8")
    verdict = check("clause-at-most", known, clause="quality.*", value=0.5, on="estimate")
    assert verdict == Refused("quality.roc_auc is 0.7123 [0.66, 0.7512], and its estimate must be at most 0.5")


def test_luck_within_the_interval_does_not_pass_unless_the_estimate_is_asked_for():
    known = evidence(clause(estimate=0.81, low=0.79, high=0.83))
    assert isinstance(check("clause-at-least", known, clause="quality.roc_auc", value=0.8), Refused)
    assert isinstance(check("clause-at-least", known, clause="quality.roc_auc", value=0.8, on="estimate"), Passed)
    assert isinstance(check("clause-at-most", known, clause="quality.roc_auc", value=0.82), Refused)
    assert isinstance(check("clause-at-most", known, clause="quality.roc_auc", value=0.82, on="estimate"), Passed)


def test_every_clause_that_fits_a_pattern_must_hold():
    known = evidence(clause("fairness.sex.ratio", 0.9, 0.85, 0.95), clause("fairness.race.ratio", 0.6, 0.5, 0.7))
    verdict = check("clause-at-least", known, clause="fairness.*.ratio", value=0.8)
    assert isinstance(verdict, Refused)
    assert "fairness.race.ratio" in verdict.reason
    assert "fairness.sex.ratio" not in verdict.reason


def test_a_pattern_that_fits_nothing_refuses_and_says_how_to_measure():
    verdict = check("clause-at-least", evidence(clause()), clause="robustness.*", value=0)
    assert verdict == Refused("robustness.* was not measured. Run `modelward assess income:3`.")


def test_a_clause_that_is_misspelt_is_told_its_nearest_and_not_to_measure_again():
    known = evidence(clause("quality.roc_auc"), clause("fairness.sex.demographic_parity_ratio"))
    verdict = check("clause-at-least", known, clause="quality.roc_au", value=0.8)
    assert verdict == Refused("no clause of income:3 is called quality.roc_au; did you mean quality.roc_auc?")
    verdict = check("measured", known, clauses=("fairness.*.demografic_parity_ratio", "robustness.*"))
    assert verdict == Refused(
        "no clause of income:3 is called fairness.*.demografic_parity_ratio; did you mean fairness.sex.demographic_parity_ratio?; "
        "robustness.* was not measured"
    )
    verdict = check("clause-at-least", evidence(report=None), clause="quality.roc_au", value=0.8)
    assert verdict == Refused("quality.roc_au was not measured. Run `modelward assess income:3`.")


def test_a_clause_without_an_interval_is_refused_where_the_interval_counts():
    known = evidence(clause("size.parameters", 1000.0, None, None))
    verdict = check("clause-at-most", known, clause="size.parameters", value=5000)
    assert isinstance(verdict, Refused)
    assert "write `on: estimate`" in verdict.reason
    assert isinstance(check("clause-at-most", known, clause="size.parameters", value=5000, on="estimate"), Passed)


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(low=numbers, estimate=numbers, high=numbers, value=st.floats(allow_nan=False), on=st.sampled_from(["interval", "estimate"]))
def test_a_bound_passes_exactly_when_the_figure_reaches_it_and_never_on_nan(low, estimate, high, value, on):
    known = evidence(clause("quality.x", estimate, low, high))
    floor, ceiling = (low, high) if on == "interval" else (estimate, estimate)
    at_least = check("clause-at-least", known, clause="quality.x", value=value, on=on)
    at_most = check("clause-at-most", known, clause="quality.x", value=value, on=on)
    assert isinstance(at_least, Passed) == (not math.isnan(floor) and floor >= value)
    assert isinstance(at_most, Passed) == (not math.isnan(ceiling) and ceiling <= value)


def test_a_failed_clause_refuses_with_its_threshold():
    failed = clause("fairness.sex.ratio", 0.5, 0.4, 0.6, verdict=ClauseVerdict.FAILED, threshold=0.8, direction="at-least")
    assert check("no-failed-clause", evidence(clause(), failed)) == Refused(
        "fairness.sex.ratio is 0.5 [0.4, 0.6], and the low end of its interval must be at least 0.8"
    )


def test_what_was_not_measurable_is_named_where_no_clause_failed():
    verdict = check("no-failed-clause", evidence(clause(), unmeasurable("fairness.sex.ratio", threshold=0.8)))
    assert verdict == Passed("none of 1 measured clauses failed (0 passed, 1 recorded); not measurable: fairness.sex.ratio")


def test_measured_names_what_is_absent_and_what_could_not_be_measured():
    known = evidence(clause(), unmeasurable("fairness.sex.ratio", note="one group has 3 rows"))
    assert check("measured", known, clauses=("quality.*", "fairness.*", "robustness.*")) == Refused(
        "robustness.* was not measured; fairness.sex.ratio is not measurable (one group has 3 rows)"
    )


def test_what_is_measured_is_named_and_of_many_clauses_some():
    few, many = [f"quality.m{n}" for n in range(8)], [f"quality.m{n}" for n in range(20)]
    assert check("measured", evidence(*map(clause, few)), clauses=("quality.*",)) == Passed(f"measured: {', '.join(few)}")
    told = check("measured", evidence(*map(clause, many)), clauses=("quality.*",))
    assert told == Passed(f"measured: {', '.join(few)} and 12 more")


@pytest.mark.parametrize(("age", "is_fresh"), [(0.0, True), (30.0, True), (30.01, False), (-0.1, False)])
def test_a_report_is_good_for_so_many_days(age, is_fresh):
    verdict = check("assessed-within", evidence(clause(), age=age), days=30)
    assert isinstance(verdict, Passed if is_fresh else Refused)


@pytest.mark.parametrize(("missing", "words"), [("purpose", "has no purpose."), ("owner", "has no owner.")])
def test_purpose_and_owner_are_both_needed(missing, words):
    verdict = check("purpose-declared", evidence(**{missing: "  "}))
    assert isinstance(verdict, Refused)
    assert words in verdict.reason


def test_a_purpose_that_names_none_is_none():
    verdict = check("purpose-declared", evidence(purpose=" ; ."))
    assert isinstance(verdict, Refused)
    assert "has no purpose." in verdict.reason


@pytest.mark.parametrize(
    ("answered", "figures"),
    [
        ("classes", ("quality.accuracy", "quality.roc_auc", "quality.brier")),
        ("items", ("ranking.hr_10", "ranking.ndcg_10", "ranking.ndcg_10_over_popularity")),
        ("text", ("translation.chrf", "translation.chrf_over_copy")),
        ("values", ("generation.accuracy_taught", "generation.coverage", "generation.copies")),
    ],
)
def test_a_version_is_judged_by_the_figures_of_what_it_answers_with(answered, figures):
    measures = {f"{each.assessor}.{each.key}" for each in known_measures()}
    assert measures.issuperset(figures)
    assert check("quality-measured", evidence(*map(clause, figures), answered=answered)) == Passed(
        f"measured: {', '.join(figures)}"
    )
    for missing in figures:
        others = [clause(each) for each in figures if each != missing]
        for known in (evidence(*others, answered=answered), evidence(*others, unmeasurable(missing), answered=answered)):
            verdict = check("quality-measured", known)
            assert isinstance(verdict, Refused)
            assert missing in verdict.reason
