# SPDX-License-Identifier: Apache-2.0
"""Nothing that the assessment itself set a threshold for may miss it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modelward.assessment import Clause, ClauseVerdict
from modelward.releases.evidence import Evidence, figures
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class NoFailedClause:
    """There is a trust report, and no clause in it failed.

    A clause that could not be measured did not fail: the verdict names it, and the rule `measured` is there to ask for it.
    """

    example: ClassVar[Mapping[str, Any]] = {}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse with each failed clause, its estimate, interval and threshold."""
        found = evidence.clauses()
        measured = [clause for clause in found if clause.verdict != ClauseVerdict.NOT_MEASURABLE]
        if not measured:
            return Refused(f"{evidence.version} has no measured clause. Run `modelward assess {evidence.version}`.")
        failed = [clause for clause in measured if clause.verdict == ClauseVerdict.FAILED]
        if failed:
            return Refused("; ".join(map(_complaint, failed)))
        unmeasured = [clause.id for clause in found if clause.verdict == ClauseVerdict.NOT_MEASURABLE]
        passed = sum(clause.verdict == ClauseVerdict.PASSED for clause in measured)
        told = f"none of {len(measured)} measured clauses failed ({passed} passed, {len(measured) - passed} recorded)"
        return Passed(f"{told}; not measurable: {', '.join(unmeasured)}" if unmeasured else told)


def _complaint(clause: Clause) -> str:
    if clause.threshold is None:
        return figures(clause)
    end, bound = ("low", "at least") if clause.direction == "at-least" else ("high", "at most")
    return f"{figures(clause)}, and the {end} end of its interval must be {bound} {clause.threshold:g}"
