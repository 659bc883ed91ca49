# SPDX-License-Identifier: Apache-2.0
"""How good a version is must be known, whatever it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modelward.registry import Answered
from modelward.releases.evidence import Evidence
from modelward.releases.measuring import all_measured
from modelward.releases.rule import Verdict

_JUDGED_BY: dict[Answered, tuple[str, ...]] = {
    "classes": ("quality.accuracy", "quality.roc_auc", "quality.brier"),
    "items": ("ranking.hr_10", "ranking.ndcg_10", "ranking.ndcg_10_over_popularity"),
    "text": ("translation.chrf", "translation.chrf_over_copy"),
    "values": ("generation.accuracy_taught", "generation.coverage", "generation.copies"),
}


@dataclass(frozen=True)
class QualityMeasured:
    """What versions that answer alike are judged by was measured: `measured` with the clauses for classes, recommended items, texts
    or generated values.
    """

    example: ClassVar[Mapping[str, Any]] = {}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse with each of the figures that is absent, or could not be measured."""
        return all_measured(evidence, _JUDGED_BY[evidence.answered])
