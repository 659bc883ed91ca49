# SPDX-License-Identifier: Apache-2.0
"""A trust report as a page shows it: what was judged first, with pictures; then what was only recorded, by dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelward.assessment import Clause, ClauseVerdict, Plot, TrustReport

_ORDER = (ClauseVerdict.FAILED, ClauseVerdict.NOT_MEASURABLE, ClauseVerdict.PASSED)
_MARGIN = 0.15
_EDGE = 2.0


@dataclass(frozen=True, slots=True)
class Picture:
    """An interval against its threshold, on a line from 0 to 100."""

    low: float
    high: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A clause that something was asked of, or that could not be measured; `part` is the title of the part it belongs to."""

    clause: Clause
    part: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Groups:
    """The same measures over every group of one column: a row for each group, a column for each measure."""

    column: str
    titles: list[str]
    rows: list[tuple[str, list[Clause | None]]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one assessor measured with nothing asked of it."""

    part: str
    count: int
    clauses: list[Clause]
    groups: list[Groups]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report, sorted for reading. Of each plot it is known whether it is wide, as those of groups are."""

    report: TrustReport
    judged: list[Judged]
    recorded: list[Recorded]
    plots: list[tuple[Plot, bool]]


def view_of(report: TrustReport) -> ReportView:
    """The report, sorted: failures first, then what could not be measured, then what passed; the recorded rest by dimension."""
    judged = [clause for clause in report.clauses if _is_judged(clause)]
    judged.sort(key=lambda clause: _ORDER.index(clause.verdict) if clause.verdict in _ORDER else len(_ORDER))
    titles = {measurement.assessor: measurement.title for measurement in report.measurements}
    recorded = {name: _recorded(titles.get(name, name), clauses) for name, clauses in report.dimensions.items()}
    wide = tuple(f"plots/{name}." for name, part in recorded.items() if part.groups)
    return ReportView(
        report,
        [Judged(clause, titles.get(clause.dimension, clause.dimension), picture_of(clause)) for clause in judged],
        [part for part in recorded.values() if part.count],
        [(plot, plot.path.startswith(wide)) for plot in report.plots],
    )


def picture_of(clause: Clause) -> Picture | None:
    """Where interval and threshold lie: between 0 and 1 for shares, else on a line that just holds them."""
    if clause.low is None or clause.high is None or clause.threshold is None:
        return None
    values = (clause.low, clause.high, clause.threshold)
    start, end = min(values), max(values)
    if not clause.unit and start >= 0 and end <= 1:
        start, end = 0.0, 1.0
    else:
        margin = _MARGIN * (end - start) or 1.0
        start, end = start - margin, end + margin
    # A little is left free at either end, so that a mark on the very end is seen whole.
    return Picture(*(_EDGE + (100 - 2 * _EDGE) * (value - start) / (end - start) for value in values))


def _is_judged(clause: Clause) -> bool:
    return clause.threshold is not None or clause.verdict is not ClauseVerdict.RECORDED


def _recorded(part: str, clauses: Sequence[Clause]) -> Recorded:
    recorded = [clause for clause in clauses if not _is_judged(clause)]
    plain = [clause for clause in recorded if "=" not in clause.slice]
    # A table of groups is whole: what could not be measured of one group is a cell in it, too.
    columns = list(dict.fromkeys(clause.slice.partition("=")[0] for clause in clauses if "=" in clause.slice))
    return Recorded(part, len(recorded), plain, [_groups(column, clauses) for column in columns])


def _groups(column: str, clauses: Sequence[Clause]) -> Groups:
    mine = [clause for clause in clauses if clause.slice.startswith(f"{column}=")]
    titles = list(dict.fromkeys(clause.title for clause in mine))
    names = list(dict.fromkeys(clause.slice.partition("=")[2] for clause in mine))
    at = {(clause.slice.partition("=")[2], clause.title): clause for clause in mine}
    return Groups(column, titles, [(name, [at.get((name, title)) for title in titles]) for name in names])
