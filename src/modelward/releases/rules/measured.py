# SPDX-License-Identifier: Apache-2.0
"""What must not stay unmeasured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from modelward.assessment import ClauseVerdict
from modelward.releases.evidence import Evidence, figures
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class Measured:
    """For each pattern of `clauses` there is a clause in the report, and every one that fits it could be measured."""

    clauses: Annotated[tuple[str, ...], Meta(min_length=1)]

    example: ClassVar[Mapping[str, Any]] = {"clauses": ["quality.*", "fairness.*"]}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse with each pattern that fits nothing, and each clause that was tried and could not be measured."""
        absent = [evidence.absence(pattern) for pattern in self.clauses if not evidence.clauses(pattern)]
        found = {clause.id: clause for pattern in self.clauses for clause in evidence.clauses(pattern)}
        unmeasurable = [
            figures(clause) if not clause.note else f"{figures(clause)} ({clause.note})"
            for clause in found.values()
            if clause.estimate is None or clause.verdict == ClauseVerdict.NOT_MEASURABLE
        ]
        if absent or unmeasurable:
            return Refused("; ".join([*absent, *unmeasurable]))
        return Passed(f"{len(found)} clauses are measured")
