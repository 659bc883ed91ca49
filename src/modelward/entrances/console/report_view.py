# SPDX-License-Identifier: Apache-2.0
"""A trust report as a page shows it: what was judged first, with pictures; then what was only recorded, by dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelward.assessment import (
    Clause,
    ClauseVerdict,
    GroupTable,
    Picture,
    Plot,
    TrustReport,
    assessor_of,
    group_tables,
    picture_of,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A clause that something was asked of, or that could not be measured; `part` is the title of the part it belongs to."""

    clause: Clause
    part: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one assessor measured with nothing asked of it."""

    part: str
    count: int
    clauses: list[Clause]
    groups: list[GroupTable]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report, sorted for reading. What several clauses could not measure for one reason lies in `unmeasured`, by that reason. Of
    each plot it is known whether it is wide, as those of groups are.
    """

    report: TrustReport
    judged: list[Judged]
    unmeasured: dict[str, list[Clause]]
    recorded: list[Recorded]
    plots: list[tuple[Plot, bool]]


def view_of(report: TrustReport) -> ReportView:
    """The report, sorted: failures first, then what could not be measured, then what passed; the recorded rest by dimension."""
    unmeasured = {reason: [*alike] for reason, alike in report.unmeasured_alike.items()}
    for clause in report.judged:
        # A reason that others have, too, is said once, and what is asked for stands first under it.
        if clause.estimate is None and clause not in (alike := unmeasured.get(clause.note, [clause])):
            alike.insert(0, clause)
    alike = [clause for same in unmeasured.values() for clause in same]
    recorded = {name: _recorded(report.title_of(name), clauses) for name, clauses in report.dimensions.items()}
    wide = {name for name, part in recorded.items() if part.groups}
    return ReportView(
        report,
        [Judged(clause, report.title_of(clause.dimension), picture_of(clause)) for clause in report.judged if clause not in alike],
        unmeasured,
        [part for part in recorded.values() if part.count],
        [(plot, assessor_of(plot.path) in wide) for plot in report.plots],
    )


def _recorded(part: str, clauses: Sequence[Clause]) -> Recorded:
    recorded = [clause for clause in clauses if clause.verdict is ClauseVerdict.RECORDED]
    plain = [clause for clause in recorded if "=" not in clause.slice]
    # A table of groups is whole: what could not be measured of one group is a cell in it, too.
    return Recorded(part, len(recorded), plain, group_tables(clauses))
