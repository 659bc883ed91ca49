# SPDX-License-Identifier: Apache-2.0
"""Whether the version beats an answer that looks at nothing: the class frequencies of the sample itself.

A constant fitted to the very rows it is measured on is the hardest of all constants to beat, so passing means something. Only the
probabilities are judged: where a class is rare, a useful version may decide every row for the other one.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from modelward.assessment import scores
from modelward.assessment.assessor import Findings, Sample
from modelward.assessment.clause import Measure, Threshold
from modelward.assessment.intervals import bootstrap
from modelward.assessment.scores import Answers, Floats

if TYPE_CHECKING:
    from modelward.registry import OpenVersion

ACCURACY_GAIN = Measure(
    assessor="baseline",
    key="accuracy_gain",
    title="Accuracy above the majority class",
    meaning="accuracy minus that of always deciding the most frequent class",
    lowest=-1.0,
    highest=1.0,
)
BRIER_SKILL = Measure(
    assessor="baseline",
    key="brier_skill",
    title="Brier skill score",
    meaning="share of the Brier score of constant class frequencies that the version removes; 1 is perfect",
    threshold=Threshold(0.001, "at-least"),
    lowest=-inf,
    highest=1.0,
)


class Baseline:
    """Gain in accuracy over the majority class and in Brier score over the class frequencies, on the same rows, paired."""

    title = "Against a constant answer"
    needs_sample = True
    is_repeatable = True
    measures = (ACCURACY_GAIN, BRIER_SKILL)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Two clauses; the threshold asks that the whole interval of the skill lies above nought."""
        assert sample is not None
        answers = sample.answers(version)
        rival = _constant(answers)

        def gains(weights: Floats) -> Floats:
            ours, theirs = (scores.accuracy(scores.confusion(one, weights)) for one in (answers, rival))
            skill = 1 - scores.ratio(scores.brier(answers, weights), scores.brier(rival, weights))
            return np.stack([ours - theirs, skill], axis=1)

        found = bootstrap(gains, rows=answers.rows, effective=answers.rarest, seed=sample.seed)
        note = "The sample holds one class only. Hold out rows of every class."
        pairs = zip(self.measures, found, strict=True)
        return Findings(tuple(m.clause(e) if e else m.not_measurable(note, n=answers.rows) for m, e in pairs))


def _constant(answers: Answers) -> Answers:
    shares = np.bincount(answers.labels, minlength=answers.classes) / answers.rows
    return Answers(answers.labels, np.tile(shares, (answers.rows, 1)), answers.positive)
