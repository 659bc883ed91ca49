# SPDX-License-Identifier: Apache-2.0
"""How much of what a version writes well it has seen the like of: chrF on test texts that have no near-duplicate among the training
texts.

As with `leakage`, texts that repeat may be easier or harder than others, whatever is remembered: a gain is a reason to split by
cluster and train again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from modelward.assessment.assessor import Findings, NearTraining, Sample
from modelward.assessment.clause import Clause, Measure
from modelward.assessment.intervals import bootstrap, exact
from modelward.assessment.overlaps import UNCOUNTED, chrf, counted, is_counted
from modelward.assessment.scores import Floats

if TYPE_CHECKING:
    from modelward.registry import AnswerKind, OpenVersion

SHARE = Measure(
    assessor="text-leakage",
    key="near_duplicates",
    title="Test texts near training texts",
    meaning="share of the test rows whose text near-duplicates link to one that was learned from",
    highest=1.0,
)
WITHOUT = Measure(
    assessor="text-leakage",
    key="chrf_without",
    title="chrF without near-duplicates",
    meaning="chrF of what is written for test rows that are linked to no training row",
    highest=100.0,
)
GAIN = Measure(
    assessor="text-leakage",
    key="chrf_gain",
    title="chrF gained by near-duplicates",
    meaning="chrF on all test rows minus that on those that are linked to no training row",
    lowest=-100.0,
    highest=100.0,
)

_OTHERWISE = "Written texts are compared, and this version answers with something else."
_LEAST_ROWS = 30


class TextLeakage:
    """The share of test texts with a near-duplicate in training, and what they add to chrF, on the same rows."""

    title = "Leakage by near-duplicates of texts"
    answers: ClassVar[tuple[AnswerKind, ...]] = ("text",)
    needs_sample = True
    is_repeatable = True
    measures = (SHARE, WITHOUT, GAIN)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Three clauses; one bootstrap draws all rows and leaves the linked ones out for the second figure."""
        assert sample is not None
        near = sample.near_training
        if near is None or version.interface.answer != "text":
            note = _OTHERWISE if near else sample.near_unknown or "Which rows the version learned from is not known. Train it here."
            return Findings(tuple(measure.not_measurable(note, n=sample.rows) for measure in self.measures))
        note = f"Near: at least {near.similarity:g} of the values agree, or of the shingles of a text."
        share = SHARE.clause(exact(float(near.rows.mean()), n=sample.rows, method="counted"), note=note)
        return Findings((share, *_gain(version, sample, near)))


def _gain(version: OpenVersion, sample: Sample, near: NearTraining) -> tuple[Clause, ...]:
    fresh = ~near.rows
    alone = int(fresh.sum())
    if alone < _LEAST_ROWS:
        note = f"{alone} of {sample.rows} test rows have no near-duplicate in training. Split by `cluster` and train again."
        return tuple(measure.not_measurable(note, n=alone) for measure in (WITHOUT, GAIN))
    if not is_counted():
        return tuple(measure.not_measurable(UNCOUNTED, n=alone) for measure in (WITHOUT, GAIN))
    counts = counted(sample.written(version), sample.targets, metric="chrf")

    def figures(weights: Floats) -> Floats:
        without = chrf(weights * fresh @ counts)
        return np.stack([without, chrf(weights @ counts) - without], axis=1)

    without, gain = bootstrap(figures, rows=sample.rows, effective=alone, seed=sample.seed)
    if alone == sample.rows:
        gain = exact(0.0, n=alone, method="counted: there are no near-duplicates")
    assert without is not None, "chrF is defined of whatever is written"
    assert gain is not None, "and so is a difference"
    return WITHOUT.clause(replace(without, n=alone)), GAIN.clause(gain)
