# SPDX-License-Identifier: Apache-2.0
"""Whether what is asked for was measured, for the rules that ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelward.assessment import ClauseVerdict
from modelward.releases.evidence import Evidence, figures
from modelward.releases.rule import Passed, Refused, Verdict

_SHOWN: Final = 8


def all_measured(evidence: Evidence, patterns: Sequence[str]) -> Verdict:
    """Refuse with each of the `patterns` that fits nothing, and each clause that was tried and could not be measured."""
    absent = [evidence.absence(pattern) for pattern in patterns if not evidence.clauses(pattern)]
    found = {clause.id: clause for pattern in patterns for clause in evidence.clauses(pattern)}
    unmeasurable = [
        figures(clause) if not clause.note else f"{figures(clause)} ({clause.note})"
        for clause in found.values()
        if clause.estimate is None or clause.verdict == ClauseVerdict.NOT_MEASURABLE
    ]
    if absent or unmeasurable:
        return Refused("; ".join([*absent, *unmeasurable]))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return Passed(f"measured: {', '.join([*found][:_SHOWN])}{more}")
