# SPDX-License-Identifier: Apache-2.0
"""How clauses are laid out, whoever shows them: an interval against its threshold as a picture, and groups as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelward.assessment.clause import Clause

_MARGIN = 0.15
_EDGE = 2.0


@dataclass(frozen=True, slots=True)
class Picture:
    """An interval against its threshold: places on a line from 0 to 100."""

    low: float
    estimate: float
    high: float
    threshold: float


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The same measures over every group of one column: a row for each group, a cell for each title."""

    column: str
    titles: list[str]
    rows: list[tuple[str, list[Clause | None]]]


def picture_of(clause: Clause) -> Picture | None:
    """Where interval and threshold lie: between 0 and 1 for shares, else on a line that just holds them."""
    if clause.estimate is None or clause.low is None or clause.high is None or clause.threshold is None:
        return None
    values = (clause.low, clause.estimate, clause.high, clause.threshold)
    start, end = min(values), max(values)
    if not clause.unit and start >= 0 and end <= 1:
        start, end = 0.0, 1.0
    else:
        margin = _MARGIN * (end - start) or 1.0
        start, end = start - margin, end + margin
    # A little is left free at either end, so that a mark on the very end is seen whole.
    return Picture(*(round(_EDGE + (100 - 2 * _EDGE) * (value - start) / (end - start), 2) for value in values))


def group_tables(clauses: Sequence[Clause]) -> list[GroupTable]:
    """The clauses about groups, each column's in a table of its own."""
    columns: dict[str, list[Clause]] = {}
    for clause in clauses:
        column, is_group, _name = clause.slice.partition("=")
        if is_group:
            columns.setdefault(column, []).append(clause)
    return [_table(column, mine) for column, mine in columns.items()]


def _table(column: str, clauses: Sequence[Clause]) -> GroupTable:
    titles = list(dict.fromkeys(clause.title for clause in clauses))
    names = dict.fromkeys(clause.slice.partition("=")[2] for clause in clauses)
    at = {(clause.slice.partition("=")[2], clause.title): clause for clause in clauses}
    return GroupTable(column, titles, [(name, [at.get((name, title)) for title in titles]) for name in names])
