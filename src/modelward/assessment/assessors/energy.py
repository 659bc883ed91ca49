# SPDX-License-Identifier: Apache-2.0
"""What making the version cost in energy, as its training recorded it, with the method and how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.assessment.assessor import Findings, Sample
from modelward.assessment.clause import Measure
from modelward.assessment.intervals import Estimate

if TYPE_CHECKING:
    from modelward.registry import OpenVersion

TRAINING = Measure(
    assessor="energy",
    key="training_joules",
    title="Energy of training",
    meaning="electrical energy of the training run, by the method that the clause names",
    unit="J",
)


class Energy:
    """The training run's energy from the version's facts."""

    title = "Energy"
    needs_sample = False
    is_repeatable = True
    measures = (TRAINING,)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:  # noqa: ARG002  # the facts hold it
        """One clause; not measurable where training recorded no energy, no method, or not how sure it is."""
        facts = version.version.facts
        keys = ("energy_joules", "energy_low_joules", "energy_high_joules", "energy_method")
        if any(facts.get(key) is None for key in keys):
            return Findings((TRAINING.not_measurable("Training recorded no energy. Train the version here to have it metered."),))
        joules, low, high, method = (facts[key] for key in keys)
        return Findings((TRAINING.clause(Estimate(float(joules), float(low), float(high), 1, str(method))),))
