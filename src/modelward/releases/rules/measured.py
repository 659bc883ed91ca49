# SPDX-License-Identifier: Apache-2.0
"""What must not stay unmeasured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from modelward.releases.evidence import Evidence
from modelward.releases.measuring import all_measured
from modelward.releases.rule import Verdict


@dataclass(frozen=True)
class Measured:
    """For each pattern of `clauses` there is a clause in the report, and every one that fits it could be measured."""

    clauses: Annotated[tuple[str, ...], Meta(min_length=1)]

    example: ClassVar[Mapping[str, Any]] = {"clauses": ["quality.*", "fairness.*"]}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse with each pattern that fits nothing, and each clause that was tried and could not be measured."""
        return all_measured(evidence, self.clauses)
