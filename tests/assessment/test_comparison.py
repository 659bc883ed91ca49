# SPDX-License-Identifier: Apache-2.0
"""Large against small: what is recommended, and what is never compared."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.assessment.comparison import IncomparableError, Objective, Row, recommend, settled, weigh
from modelward.assessment.replicates import Replicates
from modelward.registry import USUAL_METRICS, Feature, Interface

BY_AREA = Objective(metric="roc_auc")


def row(version, estimate, size, *, latency=1.0, low=None, high=None):
    return Row(
        version=version,
        recipe=f"recipe-{version}",
        estimate=estimate,
        low=estimate - 0.01 if low is None else low,
        high=estimate + 0.01 if high is None else high,
        latency_p50_ms=latency,
        latency_p99_ms=None,
        size_bytes=size,
        parameters=None,
        energy_joules=None,
        energy_low=None,
        energy_high=None,
        energy_method="",
        verdicts={},
    )


ROWS = [row("m:1", 0.930, 9_000_000, latency=3.0), row("m:2", 0.927, 4_000, latency=0.02), row("m:3", 0.80, 3_000, latency=0.03)]


def recommended(rows, **objective):
    (chosen,) = [each for each in weigh(rows, replace(BY_AREA, **objective), replicates={}) if each.is_recommended]
    return chosen.version


def test_the_smallest_within_tolerance_is_recommended():
    assert recommended(ROWS, tolerance=0.005) == "m:2"
    assert recommended(ROWS, tolerance=0.002) == "m:1"
    assert recommended(ROWS, tolerance=0.2) == "m:3"
    assert recommended(ROWS, prefer="best") == "m:1"


def test_of_equal_size_the_quicker_is_recommended():
    twin = replace(ROWS[1], version="m:4", latency_p50_ms=0.01)
    assert recommended([*ROWS, twin]) == "m:4"


def test_where_smaller_is_better_the_least_error_is_the_best():
    losses = [row("m:1", 0.30, 9_000), row("m:2", 0.50, 1_000), row("m:3", 0.303, 2_000)]
    assert recommended(losses, metric="log_loss") == "m:3"
    assert recommended(losses, metric="log_loss", prefer="best") == "m:1"


def test_the_front_is_what_nothing_beats_on_everything():
    beaten = row("m:4", 0.79, 3_500, latency=0.04)
    marks = {each.version: each.is_on_front for each in weigh([*ROWS, beaten], BY_AREA, replicates={})}
    assert marks == {"m:1": True, "m:2": True, "m:3": True, "m:4": False}


def test_two_equal_versions_are_both_on_the_front():
    assert all(each.is_on_front for each in weigh([ROWS[0], replace(ROWS[0], version="m:9")], BY_AREA, replicates={}))


def drawn(rows, *, noise=0.0, shared=0.01, seed=1, places=()):
    """Replicates around the rows' estimates: what the rows have in common moves all versions alike, `noise` each on its own."""
    random = np.random.default_rng(seed)
    common = random.normal(scale=shared, size=1000)
    return {
        each.version: Replicates.of(
            {"roc_auc": each.estimate + common + random.normal(scale=noise, size=1000)},
            places=np.arange(1000.0) if each.version not in places else np.ones(1000),
        )
        for each in rows
    }


def told(rows, replicates, **objective):
    chosen = replace(BY_AREA, **objective)
    return recommend(weigh(rows, chosen, replicates=replicates), chosen)


def test_a_difference_is_told_apart_on_the_rows_it_was_measured_on_although_the_intervals_overlap():
    behind = {each.version: each for each in weigh(ROWS, BY_AREA, replicates=drawn(ROWS, noise=0.0005))}
    assert behind["m:2"].high > behind["m:1"].low, "side by side the two cannot be told apart"
    assert behind["m:2"].behind == pytest.approx(0.003)
    assert 0.001 < behind["m:2"].behind_low < behind["m:2"].behind < behind["m:2"].behind_high < 0.005
    assert not behind["m:2"].is_as_good
    best = behind["m:1"]
    assert (best.behind, best.behind_low, best.behind_high, best.is_as_good) == (0, 0, 0, True)


def test_the_words_say_how_far_behind_the_recommended_version_is():
    words = told(ROWS, drawn(ROWS, noise=0.0005))
    assert "on the same rows it is behind by 0.0030 [0.00" in words
    assert "2250.0 times smaller" in words
    assert "cannot tell" not in words


def test_the_words_count_the_versions_that_the_rows_cannot_tell_from_the_best():
    rows = [row("m:1", 0.930, 9_000), row("m:2", 0.927, 4_000), row("m:3", 0.923, 5_000), row("m:4", 0.80, 3_000)]
    noisy = drawn(rows, noise=0.005)
    assert {each.version for each in weigh(rows, BY_AREA, replicates=noisy) if each.is_as_good} == {"m:1", "m:2", "m:3"}
    assert "Of the 3 others these test rows cannot tell 2 from the best." in told(rows, noisy)
    assert "These test rows cannot tell the two apart." in told(rows[:2], noisy)
    assert "cannot tell" not in told([rows[0], rows[3]], noisy)
    assert "cannot tell" not in told(rows[:1], noisy)


def test_where_less_is_better_more_of_it_is_behind():
    rows = [replace(each, estimate=1 - each.estimate) for each in ROWS]
    replicates = {
        name: Replicates(one.drawn, {"brier": [1 - value for value in one.figures["roc_auc"]]})
        for name, one in drawn(ROWS, noise=0.0005).items()
    }
    found = {each.version: each for each in weigh(rows, Objective(metric="brier"), replicates=replicates)}
    assert found["m:2"].behind == pytest.approx(0.003)
    assert 0.001 < found["m:2"].behind_low < found["m:2"].behind < found["m:2"].behind_high < 0.005


def test_what_was_not_drawn_alike_is_not_paired_and_the_words_say_so():
    for replicates in ({}, drawn(ROWS, places={"m:2"})):
        second = next(each for each in weigh(ROWS, BY_AREA, replicates=replicates) if each.version == "m:2")
        assert (second.behind_low, second.behind_high, second.is_as_good) == (None, None, False)
        assert "was not measured: assess each of them again." in told(ROWS, replicates)


def test_the_words_say_that_the_recommended_version_would_be_refused():
    def words(**verdicts):
        rows = [replace(ROWS[0], verdicts={"failed": 9}), replace(ROWS[1], verdicts={"recorded": 40, "passed": 5, **verdicts})]
        return recommend(weigh(rows, BY_AREA, replicates={}), BY_AREA)

    both = words(**{"failed": 3, "not-measurable": 1})
    assert "has 3 failed and 1 not measurable clauses; a policy that asks for them will refuse it" in both
    assert "`modelward assess m:2`" in both
    assert "has 1 failed clause; a policy that asks for it will" in words(failed=1)
    assert "refuse" not in words()


ANSWERS = {
    "classes": {"classes": ("no", "yes")},
    "items": {"classes": ("a", "b", "c"), "top": 2},
    "text": {"answer": "text", "length": 9},
    "values": {"answer": "values", "shape": (2,)},
}


def interface(kind):
    return Interface((Feature("a", "number"),), "b", **ANSWERS[kind])


def test_versions_are_compared_by_a_metric_of_what_they_answer_with_unless_one_is_named():
    found = {kind: settled(Objective(), [interface(kind)] * 2).metric for kind in ANSWERS}
    assert found == {"classes": "roc_auc", "items": "ndcg_10", "text": "chrf", "values": "accuracy_taught"} == USUAL_METRICS
    assert settled(Objective(metric="bleu"), [interface("text")]).metric == "bleu"
    with pytest.raises(IncomparableError, match="different things: classes, text"):
        settled(Objective(), [interface("text"), interface("classes")])


def test_nothing_is_not_compared():
    with pytest.raises(IncomparableError):
        weigh([], BY_AREA, replicates={})


SHELVES = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 6), st.integers(1, 6)).map(
        lambda drawn: row("", drawn[0] / 20, 1000 * drawn[1], latency=drawn[2] / 10)
    ),
    min_size=1,
    max_size=8,
).map(lambda rows: [replace(each, version=f"m:{at}") for at, each in enumerate(rows, 1)])
OBJECTIVES = st.builds(
    Objective,
    metric=st.sampled_from(["roc_auc", "brier", "log_loss", "ece"]),
    tolerance=st.sampled_from([0.0, 0.05, 0.1, 1.0]),
    prefer=st.sampled_from(["smallest-within", "best"]),
)


def worth(each, objective):
    return -each.estimate if objective.metric in ("brier", "log_loss", "ece") else each.estimate


@given(SHELVES, OBJECTIVES)
def test_what_is_recommended_is_within_tolerance_and_nothing_smaller_is(rows, objective):
    weighed = weigh(rows, objective, replicates={})
    best = max(worth(each, objective) for each in rows)
    (chosen,) = [each for each in weighed if each.is_recommended]
    assert chosen is weighed[0]
    allowed = objective.tolerance if objective.prefer == "smallest-within" else 0.0
    assert worth(chosen, objective) >= best - allowed
    within = [each for each in rows if worth(each, objective) >= best - allowed]
    assert not [each for each in within if each.size_bytes < chosen.size_bytes]


@given(SHELVES, OBJECTIVES)
def test_the_front_is_the_one_that_brute_force_finds(rows, objective):
    def beats(one, other):
        at_least = (
            worth(one, objective) >= worth(other, objective),
            one.size_bytes <= other.size_bytes,
            one.latency_p50_ms <= other.latency_p50_ms,
        )
        differs = (one.estimate, one.size_bytes, one.latency_p50_ms) != (other.estimate, other.size_bytes, other.latency_p50_ms)
        return all(at_least) and differs

    front = {each.version for each in weigh(rows, objective, replicates={}) if each.is_on_front}
    assert front == {each.version for each in rows if not any(beats(other, each) for other in rows)}
    assert front


@given(SHELVES, OBJECTIVES)
def test_the_recommendation_claims_nothing_that_is_not_so(rows, objective):
    weighed = weigh(rows, objective, replicates={})
    words = recommend(weighed, objective)
    assert weighed[0].version in words
    assert "()" not in words
    if "nothing smaller" in words:
        best = max(worth(each, objective) for each in rows)
        near = [each for each in rows if worth(each, objective) >= best - objective.tolerance]
        assert weighed[0].size_bytes == min(each.size_bytes for each in near)
    if "times smaller" in words:
        assert max(each.size_bytes for each in rows) >= weighed[0].size_bytes


def test_a_version_without_a_recipe_is_called_by_its_name():
    foreign = replace(ROWS[0], recipe="")
    assert recommend(weigh([foreign], BY_AREA, replicates={}), BY_AREA).startswith("Take m:1: ")
