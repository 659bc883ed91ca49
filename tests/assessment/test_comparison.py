# SPDX-License-Identifier: Apache-2.0
"""Large against small: what is recommended, and what is never compared."""

from dataclasses import replace

import pytest

from modelward.assessment.comparison import IncomparableError, Objective, Row, recommend, weigh


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
    (chosen,) = [each for each in weigh(rows, Objective(**objective)) if each.is_recommended]
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
    marks = {each.version: each.is_on_front for each in weigh([*ROWS, beaten], Objective())}
    assert marks == {"m:1": True, "m:2": True, "m:3": True, "m:4": False}


def test_two_equal_versions_are_both_on_the_front():
    assert all(each.is_on_front for each in weigh([ROWS[0], replace(ROWS[0], version="m:9")], Objective()))


def test_the_words_say_whether_the_intervals_overlap():
    near = recommend(weigh(ROWS, Objective()), Objective())
    assert "m:2" in near
    assert "intervals overlap" in near
    assert "2250.0 times smaller" in near
    sure = [replace(ROWS[0], low=0.929, high=0.931), replace(ROWS[1], low=0.926, high=0.928)]
    assert "do not overlap" in recommend(weigh(sure, Objective()), Objective())


def test_nothing_is_not_compared():
    with pytest.raises(IncomparableError):
        weigh([], Objective())
