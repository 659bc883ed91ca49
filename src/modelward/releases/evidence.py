# SPDX-License-Identifier: Apache-2.0
"""What is known about one version when its release is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase

from modelward.access import Actor
from modelward.assessment import Assessment, Clause, TrustReport
from modelward.errors import RefusedError
from modelward.registry import Answered, Registry, Version, answered

_SECONDS_A_DAY = 86_400
# One measure is not meant by the name of another.
_NEAR = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything a rule may look at. It is gathered before, so that a rule needs no clock, no network and no database.

    `report` is the version's latest trust report and None where there is none; who gathers it MUST have seen that its subject
    is the very `digest`. `report_age_days` counts from its making. `answered` is what the version answers with. `erased_rows`
    counts those that the version may have learned from and that were erased since.
    """

    version: str
    digest: str
    signed: bool
    report: TrustReport | None
    report_age_days: float | None
    answered: Answered
    lineage_complete: bool
    purpose: str
    owner: str
    erased_rows: int

    def clauses(self, pattern: str = "*") -> tuple[Clause, ...]:
        """The measured clauses whose id fits `pattern`, in which `*` stands for anything."""
        measured = self.report.clauses if self.report else ()
        return tuple(clause for clause in measured if fnmatchcase(clause.id, pattern))

    def nearest(self, pattern: str) -> str:
        """The clause whose id is nearest to a `pattern` that none fits: what was meant, perhaps. Nothing where none is near."""
        return next(iter(get_close_matches(pattern, [clause.id for clause in self.clauses()], n=1, cutoff=_NEAR)), "")

    def absence(self, pattern: str) -> str:
        """That no clause fits `pattern`, for a sentence."""
        near = self.nearest(pattern)
        return f"no clause of {self.version} is called {pattern}; did you mean {near}?" if near else f"{pattern} was not measured"


def evidence_of(version: Version, *, registry: Registry, assessment: Assessment, by: Actor) -> Evidence:
    """What is known about `version` now. A report that does not verify, or is of other bytes, is none."""
    try:
        report = assessment.report(version.name, by=by)
    except RefusedError:
        report = None
    if report is not None and report.digest != version.digest:
        report = None
    lineage = version.lineage
    return Evidence(
        version=version.name,
        digest=version.digest,
        signed=registry.verify(version.name, by=by).is_sound,
        report=report,
        report_age_days=(datetime.now(UTC) - report.created).total_seconds() / _SECONDS_A_DAY if report else None,
        answered=answered(version.interface),
        lineage_complete=all((lineage.fingerprint, lineage.split, lineage.spec, lineage.run, lineage.code)),
        purpose=version.purpose,
        owner=version.owner,
        erased_rows=erased_rows_of(version, assessment=assessment),
    )


def erased_rows_of(version: Version, *, assessment: Assessment) -> int:
    """How many rows that `version` may have learned from were erased until now."""
    return sum(each.gone for each in assessment.erasures(version))


def figures(clause: Clause) -> str:
    """A clause's id and what was measured, for a sentence: `quality.roc_auc is 0.71 [0.66, 0.75]`."""
    if clause.estimate is None:
        return f"{clause.id} is not measurable"
    interval = "" if clause.low is None or clause.high is None else f" [{clause.low:.4g}, {clause.high:.4g}]"
    return f"{clause.id} is {clause.estimate:.4g}{interval}"
