# SPDX-License-Identifier: Apache-2.0
"""What making the version cost in energy, as its training recorded it, with the method and how sure it is."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, ClassVar

from modelward.assessment.assessor import Findings, Sample
from modelward.assessment.clause import Measure
from modelward.assessment.intervals import Estimate

if TYPE_CHECKING:
    from modelward.registry import Answered, OpenVersion

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
    answers: ClassVar[tuple[Answered, ...]] = ("classes", "items", "text", "values")
    needs_sample = False
    is_repeatable = True
    measures = (TRAINING,)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:  # noqa: ARG002  # the facts hold it
        """One clause; not measurable where training recorded no energy, no method, or not how sure it is."""
        facts = version.version.facts
        joules, low, high, method = (facts.get(f"energy_{key}") for key in ("joules", "low_joules", "high_joules", "method"))
        numbers = [float(number) for number in (low, joules, high) if isinstance(number, int | float)]
        # Facts of an imported version are what somebody wrote.
        if len(numbers) < 3 or not 0 <= numbers[0] <= numbers[1] <= numbers[2] < inf or not isinstance(method, str) or not method:
            return Findings((TRAINING.not_measurable("Training recorded no energy. Train the version here to have it metered."),))
        return Findings((TRAINING.clause(Estimate(numbers[1], numbers[0], numbers[2], 1, method)),))
