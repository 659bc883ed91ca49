# SPDX-License-Identifier: Apache-2.0
"""What every assessor promises. The suite runs over the table, so a new assessor is tested at once."""

import copy
import json
from functools import cache

import numpy as np
import pytest

from assessment import echo
from modelward.assessment import ASSESSORS, ClauseVerdict

every_assessor = pytest.mark.parametrize("name", ASSESSORS.names())


def two_classes(rows=400):
    return echo.calibrated(rows, seed=1, town=["north", "south"] * (rows // 2), 颜色=["red", "", "blue", "green"] * (rows // 4))


SAMPLES = {
    "two classes": two_classes,
    "three classes": lambda: echo.many(400, town=["north", "south"] * 200),
    "no sensitive column": lambda: echo.calibrated(400, seed=1),
    "twelve rows": lambda: two_classes(12),
    "near-duplicates": lambda: echo.calibrated(400, seed=1, near=np.arange(400) % 4 == 0),
    "no near-duplicates": lambda: echo.calibrated(400, seed=1, near=np.zeros(400)),
    "near-duplicates only": lambda: echo.calibrated(400, seed=1, near=np.arange(400) > 20),
    "near-duplicates of one class": lambda: echo.sample(np.arange(60) < 20, [[0.9, 0.1]] * 60, near=np.arange(60) < 20),
    "one class": lambda: echo.sample([0] * 60, [[0.9, 0.1]] * 60, town=["north", "south"] * 30),
    "all equal answers": lambda: echo.sample(np.arange(60) % 2, [[0.5, 0.5]] * 60, town=["north", "south", "east"] * 20),
}
every_sample = pytest.mark.parametrize("kind", SAMPLES)


def asked(name, sample, *, facts=echo.METERED):
    return ASSESSORS.load(name)().assess(echo.opened(sample.classes, facts=facts), sample)


@cache
def asked_about(name, kind):
    return asked(name, SAMPLES[kind]())


@every_sample
@every_assessor
def test_findings_keep_the_laws(name, kind):
    assessor = ASSESSORS.load(name)()
    found = asked_about(name, kind)
    ids = [clause.id for clause in found.clauses]
    keys = {measure.key for measure in assessor.measures}
    assert ids
    assert len(set(ids)) == len(ids)
    assert all(clause.dimension == name and clause.measure in keys for clause in found.clauses)
    assert all(path.startswith((f"evidence/{name}.", f"plots/{name}.")) for path in found.evidence)
    assert {clause.evidence for clause in found.clauses} - {""} <= set(found.evidence)
    assert {plot.path for plot in found.plots} <= set(found.evidence)
    assert all(plot.text and plot.title for plot in found.plots)
    for path, data in found.evidence.items():
        assert json.loads(data) if path.endswith(".json") else data.startswith(b"<svg")


@every_sample
@every_assessor
def test_a_clause_is_measured_with_an_interval_and_a_method_or_says_why_not(name, kind):
    for clause in asked_about(name, kind).clauses:
        if clause.verdict is ClauseVerdict.NOT_MEASURABLE:
            assert clause.estimate is clause.low is clause.high is None
            assert clause.note
        else:
            assert clause.method
            assert np.isfinite([clause.low, clause.estimate, clause.high]).all()
            assert clause.low - 1e-9 <= clause.estimate <= clause.high + 1e-9
            assert (clause.verdict is ClauseVerdict.RECORDED) == (clause.threshold is None)


@every_assessor
def test_every_measure_is_spoken_of(name):
    assessor = ASSESSORS.load(name)()
    keys = {measure.key for measure in assessor.measures if not measure.only}
    assert {clause.measure for clause in asked(name, two_classes()).clauses} == keys


@every_assessor
def test_the_same_version_sample_and_seed_give_the_same_findings(name):
    assessor = ASSESSORS.load(name)()
    if not assessor.is_repeatable:
        pytest.skip("declared as a measurement that differs from run to run")
    once, again = (assessor.assess(echo.opened(), two_classes()) for _ in range(2))
    assert once == again
    assert dict(once.evidence) == dict(again.evidence)


@every_assessor
def test_the_sample_is_left_as_it_was(name):
    sample = two_classes()
    before = copy.deepcopy((dict(sample.columns), sample.labels, dict(sample.sensitive)))
    asked(name, sample)
    np.testing.assert_equal((dict(sample.columns), sample.labels, dict(sample.sensitive)), before)


@every_assessor
def test_an_assessor_that_needs_no_sample_does_without(name):
    assessor = ASSESSORS.load(name)()
    if assessor.needs_sample:
        pytest.skip("it is not asked without a sample")
    assert assessor.assess(echo.opened(), None).clauses


@every_assessor
def test_findings_hold_no_row(name):
    """A number that stands in one row alone is found nowhere in what was written."""
    sample = two_classes()
    sample.columns["p0"][7, 0], sample.columns["p1"][7, 0] = np.float32(0.123457), np.float32(0.876543)
    found = asked(name, sample)
    written = b"".join(found.evidence.values()) + repr(found.clauses).encode()
    assert b"0.123457" not in written
    assert b"0.876543" not in written


@every_assessor
def test_measures_say_what_they_are(name):
    for measure in ASSESSORS.load(name)().measures:
        assert measure.assessor == name
        assert measure.title
        assert measure.meaning
        assert "." not in measure.key
        assert measure.threshold is None or measure.threshold.source
