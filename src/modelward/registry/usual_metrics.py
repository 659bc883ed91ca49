# SPDX-License-Identifier: Apache-2.0
"""What versions answer with, as far as it decides what can be measured of them, and by what they are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from modelward.registry.interface import AnswerKind

if TYPE_CHECKING:
    from modelward.registry.interface import Interface

Answered = AnswerKind | Literal["items"]
"""What a version answers with, for what can be measured of it: items are classes of which only the most probable are told."""
UsualMetric = Literal["roc_auc", "ndcg_10", "chrf", "accuracy_taught"]
USUAL_METRICS: dict[Answered, UsualMetric] = {
    "classes": "roc_auc",
    "items": "ndcg_10",
    "text": "chrf",
    "values": "accuracy_taught",
}
"""By what versions are compared where nobody says it: before they are trained, and afterwards."""


def answered(interface: Interface) -> Answered:
    """What a version of this interface answers with."""
    return "items" if interface.top else interface.answer
