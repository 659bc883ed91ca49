# SPDX-License-Identifier: Apache-2.0
"""What is known about one version when its release is decided."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from modelward.assessment import Clause, TrustReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything a rule may look at. It is gathered before, so that a rule needs no clock, no network and no database.

    `report` is the version's latest trust report and None where there is none; who gathers it MUST have seen that its subject
    is the very `digest`. `report_age_days` counts from its making.
    """

    version: str
    digest: str
    signed: bool
    report: TrustReport | None
    report_age_days: float | None
    lineage_complete: bool
    purpose: str
    owner: str

    def clauses(self, pattern: str = "*") -> tuple[Clause, ...]:
        """The measured clauses whose id fits `pattern`, in which `*` stands for anything."""
        measured = self.report.clauses if self.report else ()
        return tuple(clause for clause in measured if fnmatchcase(clause.id, pattern))


def figures(clause: Clause) -> str:
    """A clause's id and what was measured, for a sentence: `quality.roc_auc is 0.71 [0.66, 0.75]`."""
    if clause.estimate is None:
        return f"{clause.id} is not measurable"
    interval = "" if clause.low is None or clause.high is None else f" [{clause.low:.4g}, {clause.high:.4g}]"
    return f"{clause.id} is {clause.estimate:.4g}{interval}"
