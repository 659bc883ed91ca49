# SPDX-License-Identifier: Apache-2.0
"""How much of the figure is memory: what the version is worth on test rows that have no near-duplicate among the training rows.

Rows that repeat may be easier or harder than others, whatever the version remembers, so a gain is a reason to split by cluster and
train again, and not yet the amount by which that will lower the figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.assessment import scores
from modelward.assessment.assessor import Findings, NearTraining, Sample
from modelward.assessment.clause import Clause, Measure
from modelward.assessment.intervals import bootstrap, exact, wilson
from modelward.assessment.scores import Answers, Floats

if TYPE_CHECKING:
    from modelward.registry import OpenVersion

SHARE = Measure(
    assessor="leakage",
    key="near_duplicates",
    title="Test rows near training rows",
    meaning="share of the test rows that near-duplicates link to a training row",
    highest=1.0,
)
ACCURACY_WITHOUT = Measure(
    assessor="leakage",
    key="accuracy_without",
    title="Accuracy without near-duplicates",
    meaning="share of rows decided rightly, among the test rows that are linked to no training row",
    highest=1.0,
)
ACCURACY_GAIN = Measure(
    assessor="leakage",
    key="accuracy_gain",
    title="Accuracy gained by near-duplicates",
    meaning="accuracy on all test rows minus that on those that are linked to no training row",
    lowest=-1.0,
    highest=1.0,
)
ROC_AUC_GAIN = Measure(
    assessor="leakage",
    key="roc_auc_gain",
    title="ROC AUC gained by near-duplicates",
    meaning="ROC AUC on all test rows minus that on those that are linked to no training row",
    lowest=-1.0,
    highest=1.0,
)

_LEAST_ROWS = 30


class Leakage:
    """The share of test rows with a near-duplicate in training, and what they add to accuracy and ROC AUC, on the same rows."""

    title = "Leakage by near-duplicates"
    needs_sample = True
    is_repeatable = True
    measures = (SHARE, ACCURACY_WITHOUT, ACCURACY_GAIN, ROC_AUC_GAIN)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Four clauses; the gains have one bootstrap, which draws all rows and leaves the linked ones out for the second figure."""
        assert sample is not None
        near = sample.near_training
        if near is None:
            note = sample.near_unknown or "Which rows the version learned from is not known. Train it here."
            return Findings.none(self.measures, note, n=sample.rows)
        note = f"Near: at least {near.similarity:g} of the values agree, or of the shingles of a text."
        share = SHARE.clause(exact(float(near.rows.mean()), n=sample.rows, method="counted"), note=note)
        return Findings((share, *_gains(sample.answers(version), near, seed=sample.seed)))


def _gains(answers: Answers, near: NearTraining, *, seed: int) -> tuple[Clause, ...]:
    measures, fresh = (ACCURACY_WITHOUT, ACCURACY_GAIN, ROC_AUC_GAIN), ~near.rows
    alone = int(fresh.sum())
    if alone < _LEAST_ROWS:
        note = f"{alone} of {answers.rows} test rows have no near-duplicate in training. Split by `cluster` and train again."
        return tuple(measure.not_measurable(note, n=alone) for measure in measures)
    without = ACCURACY_WITHOUT.clause(wilson(float((answers.decisions == answers.labels)[fresh].mean()), n=alone))
    if alone == answers.rows:
        nothing = exact(0.0, n=answers.rows, method="counted: there are no near-duplicates")
        return without, ACCURACY_GAIN.clause(nothing), ROC_AUC_GAIN.clause(nothing)

    def gains(weights: Floats) -> Floats:
        return _figures(answers, weights) - _figures(answers, weights * fresh)

    found = bootstrap(gains, rows=answers.rows, effective=answers.rarest, seed=seed)
    note = "The rows without a near-duplicate in training hold too few of a class. Hold out more rows."
    pairs = zip((ACCURACY_GAIN, ROC_AUC_GAIN), found, strict=True)
    return without, *(measure.clause(gain) if gain else measure.not_measurable(note, n=alone) for measure, gain in pairs)


def _figures(answers: Answers, weights: Floats) -> Floats:
    """Accuracy and area [b, 2]."""
    return np.stack([scores.accuracy(scores.confusion(answers, weights)), scores.roc_auc(answers, weights)], axis=1)
