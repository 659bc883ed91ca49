# SPDX-License-Identifier: Apache-2.0
"""The trust report as a page: one file, no script, nothing loaded from anywhere, in English or Chinese."""

from __future__ import annotations

import base64
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import floor, log10
from pathlib import Path
from typing import Any

import jinja2

from modelward.assessment.assessor import Plot, assessor_of
from modelward.assessment.clause import Clause
from modelward.assessment.phrasebook import Language
from modelward.assessment.report import Measurement, TrustReport
from modelward.assessment.wording import REPORT_WORDS

_WIDTH = 120.0


@dataclass(frozen=True, slots=True)
class Picture:
    """An interval against its threshold, in places from 0 to `_WIDTH`."""

    low: float
    estimate: float
    high: float
    threshold: float


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The rates of every group of one column: a row for each group, a cell for each title."""

    column: str
    titles: list[str]
    rows: list[tuple[str, list[Clause | None]]]


@dataclass(frozen=True, slots=True)
class Section:
    """What one assessor said: clauses about the whole, tables about groups, pictures, and the methods behind the figures."""

    title: str
    clauses: list[Clause]
    groups: list[GroupTable]
    plots: list[tuple[Plot, str]]
    methods: dict[str, str]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What was measured at one time: one of the measurements of then, and the titles of all of them."""

    of: Measurement
    titles: list[str]


def render_page(report: TrustReport, evidence: Mapping[str, bytes], *, language: Language = "en") -> bytes:
    """The report as one HTML file; the plots of `evidence` are carried inside."""
    titles = {measurement.assessor: measurement.title for measurement in report.measurements}
    text: str = _template("report.html").render(
        report=report,
        occasions=_occasions(report.measurements),
        sections=[_section(titles.get(name, name), name, report, evidence) for name in report.dimensions],
        lang="zh-Hans" if language == "zh" else language,
        t=lambda text: REPORT_WORDS.word(text, language),
        say=lambda text: REPORT_WORDS.html(text, language),
        width=_WIDTH,
    )
    return text.encode()


def figures(clause: Clause) -> tuple[str, str]:
    """Estimate and interval as text, with two digits of what is not sure; an exact figure in full, a missing one as a dash."""
    if clause.estimate is None or clause.low is None or clause.high is None:
        return "–", ""
    if clause.high <= clause.low:
        return _exact(clause.estimate), ""
    digits = min(9, max(0, 1 - floor(log10((clause.high - clause.low) / 2))))
    estimate, low, high = (f"{value:,.{digits}f}" for value in (clause.estimate, clause.low, clause.high))
    return estimate, f"{low} – {high}"


def asked(clause: Clause) -> str:
    """What is asked of a clause, nothing where nothing is."""
    if clause.threshold is None:
        return ""
    return f"{'≥' if clause.direction == 'at-least' else '≤'} {_exact(clause.threshold)}"


def picture(clause: Clause) -> Picture | None:
    """Where interval and threshold lie: on a line from 0 to 1 for shares, else on one that just holds them."""
    if clause.estimate is None or clause.low is None or clause.high is None or clause.threshold is None:
        return None
    values = (clause.low, clause.estimate, clause.high, clause.threshold)
    start, end = min(values), max(values)
    if start >= 0 and end <= 1:
        start, end = 0.0, 1.0
    else:
        start, end = start - 0.1 * (end - start), end + 0.1 * (end - start)
    return Picture(*(round(_WIDTH * (value - start) / (end - start or 1.0), 1) for value in values))


def _section(title: str, name: str, report: TrustReport, evidence: Mapping[str, bytes]) -> Section:
    clauses = report.dimensions[name]
    of_groups = [clause for clause in clauses if "=" in clause.slice]
    columns = dict.fromkeys(clause.slice.partition("=")[0] for clause in of_groups)
    methods = dict.fromkeys(_method(clause) for clause in clauses if clause.method)
    return Section(
        title,
        [clause for clause in clauses if "=" not in clause.slice],
        [_groups(column, of_groups) for column in columns],
        [
            (plot, f"data:image/svg+xml;base64,{base64.b64encode(evidence[plot.path]).decode()}")
            for plot in report.plots
            if assessor_of(plot.path) == name and plot.path in evidence
        ],
        dict(zip(methods, _letters(len(methods)), strict=True)),
    )


def _occasions(measurements: Sequence[Measurement]) -> list[Occasion]:
    found: dict[Any, Occasion] = {}
    for one in measurements:
        found.setdefault((one.at, one.by), Occasion(one, [])).titles.append(one.title)
    return list(found.values())


def _groups(column: str, clauses: Sequence[Clause]) -> GroupTable:
    mine = [clause for clause in clauses if clause.slice.partition("=")[0] == column]
    titles = dict.fromkeys(clause.title for clause in mine)
    names = dict.fromkeys(clause.slice.partition("=")[2] for clause in mine)
    found = {(clause.slice.partition("=")[2], clause.title): clause for clause in mine}
    return GroupTable(column, list(titles), [(name, [found.get((name, title)) for title in titles]) for name in names])


def _method(clause: Clause) -> str:
    return clause.method + (f", seed {clause.seed}" if clause.seed is not None else "")


def _letters(count: int) -> list[str]:
    return [string.ascii_lowercase[at % 26] * (at // 26 + 1) for at in range(count)]


def _exact(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


@cache
def _template(name: str) -> Any:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figures": figures, "asked": asked, "picture": picture, "method": _method}
    return environment.get_template(name)
