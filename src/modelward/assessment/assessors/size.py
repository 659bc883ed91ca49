# SPDX-License-Identifier: Apache-2.0
"""How much there is of the version: bytes on the shelf, fitted numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modelward.assessment.assessor import Findings, Sample
from modelward.assessment.clause import Measure
from modelward.assessment.intervals import exact

if TYPE_CHECKING:
    from modelward.registry import Answered, OpenVersion

BYTES = Measure(assessor="size", key="model_bytes", title="Model file", meaning="bytes of `model.onnx`, unsealed", unit="bytes")
PARAMETERS = Measure(
    assessor="size",
    key="parameters",
    title="Fitted numbers",
    meaning="weights, thresholds, leaf values or stored rows, as the recipe counted them",
)


class Size:
    """Bytes of the model file, and the number of fitted parameters where the recipe counted them."""

    title = "Size"
    answers: ClassVar[tuple[Answered, ...]] = ("classes", "items", "text", "values")
    needs_sample = False
    is_repeatable = True
    measures = (BYTES, PARAMETERS)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:  # noqa: ARG002  # size needs no sample
        """Two exact clauses; a version whose recipe counted nothing has its parameters not measurable."""
        weight = BYTES.clause(exact(version.size_bytes, n=1, method="counted"))
        counted = version.version.facts.get("parameters")
        if not isinstance(counted, int) or counted < 0:
            return Findings((weight, PARAMETERS.not_measurable("The version's facts hold no count. Train it here to have one.")))
        return Findings((weight, PARAMETERS.clause(exact(counted, n=1, method="counted by the recipe"))))
