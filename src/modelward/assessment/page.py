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
from typing import TYPE_CHECKING, Any

from modelward.assessment.assessor import Plot, assessor_of
from modelward.assessment.clause import Clause
from modelward.assessment.layout import GroupTable, group_tables, picture_of
from modelward.assessment.phrasebook import Language
from modelward.assessment.report import Measurement, TrustReport
from modelward.assessment.wording import REPORT_WORDS

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Section:
    """What one assessor said: clauses about the whole, tables about groups, pictures, and the methods behind the figures. What many
    clauses could not measure for one reason lies in `unmeasured`, by that reason and the title of the part it would be in.
    """

    title: str
    clauses: list[Clause]
    unmeasured: dict[str, dict[str, list[Clause]]]
    groups: list[GroupTable]
    plots: list[tuple[Plot, str]]
    methods: dict[str, str]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What was measured at one time: one of the measurements of then, and the titles of all of them."""

    of: Measurement
    titles: list[str]


def render_page(report: TrustReport, evidence: Mapping[str, bytes], *, language: Language = "en", erased_rows: int = 0) -> bytes:
    """The report as one HTML file; the plots of `evidence` are carried inside. `erased_rows` that the version may have learned from
    were erased since.
    """
    text: str = _template("report.html").render(
        report=report,
        judged=_shown_as_judged(report),
        occasions=_occasions(report.measurements),
        sections=_sections(report, evidence),
        erased=_erased(erased_rows),
        lang="zh-Hans" if language == "zh" else language,
        t=lambda text: REPORT_WORDS.word(text, language),
        say=lambda text: REPORT_WORDS.html(text, language),
    )
    return text.encode()


def _erased(rows: int) -> str:
    return f"Since this was signed, rows were erased that the version learned from, or may have: {rows}." if rows else ""


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


def _sections(report: TrustReport, evidence: Mapping[str, bytes]) -> list[Section]:
    """The parts in their order. Those that could measure nothing at all, for a reason that others have too, are one, at the end."""
    shared = {reason: silent for reason, silent in report.silent.items() if len(silent) > 1}
    apart = [name for name in report.dimensions if not any(name in names for names in shared.values())]
    found = [_section(name, report, evidence) for name in apart]
    unmeasured = {
        reason: {report.title_of(name): list(clauses) for name, clauses in silent.items()} for reason, silent in shared.items()
    }
    return [*found, Section("Not measured", [], unmeasured, [], [], {})] if shared else found


def _section(name: str, report: TrustReport, evidence: Mapping[str, bytes]) -> Section:
    clauses = report.dimensions[name]
    methods = dict.fromkeys(_method(clause) for clause in clauses if clause.method)
    whole = [clause for clause in clauses if "=" not in clause.slice]
    unmeasured = {
        reason: here for reason, alike in report.unmeasured_alike.items() if (here := [one for one in alike if one in whole])
    }
    grouped = [clause for alike in unmeasured.values() for clause in alike]
    return Section(
        report.title_of(name),
        [clause for clause in whole if clause not in grouped],
        {reason: {report.title_of(name): alike} for reason, alike in unmeasured.items()},
        group_tables(clauses),
        [
            (plot, f"data:image/svg+xml;base64,{base64.b64encode(evidence[plot.path]).decode()}")
            for plot in report.plots
            if assessor_of(plot.path) == name and plot.path in evidence
        ],
        dict(zip(methods, _letters(len(methods)), strict=True)),
    )


def _shown_as_judged(report: TrustReport) -> list[Clause]:
    """What was judged, but for what nothing is asked of and its section says at once."""
    alike = [clause for same in report.unmeasured_alike.values() for clause in same]
    return [clause for clause in report.judged if clause not in alike]


def _occasions(measurements: Sequence[Measurement]) -> list[Occasion]:
    found: dict[Any, Occasion] = {}
    for one in measurements:
        found.setdefault((one.at, one.by), Occasion(one, [])).titles.append(one.title)
    return list(found.values())


def _method(clause: Clause) -> str:
    return clause.method + (f", seed {clause.seed}" if clause.seed is not None else "")


def _letters(count: int) -> list[str]:
    return [string.ascii_lowercase[at % 26] * (at // 26 + 1) for at in range(count)]


def _exact(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def pages_in(folder: Path) -> jinja2.Environment:
    """Templates of `folder`, which may include those here: `page.css` has the looks of every page."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, _TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _template(name: str) -> Any:
    environment = pages_in(_TEMPLATES)
    environment.filters |= {"figures": figures, "asked": asked, "picture": picture_of, "method": _method}
    return environment.get_template(name)
