# SPDX-License-Identifier: Apache-2.0
"""`modelward assess` and `compare`: measure versions, and weigh them against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.files import check_output, read_text, write_output
from modelward.entrances.cli.noting import note_erased
from modelward.entrances.cli.releases import next_step
from modelward.entrances.cli.verb import point, verb
from modelward.entrances.cli.waiting import waiting
from modelward.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from modelward.assessment import Clause, Comparison, Objective, Row, TrustReport

PANEL = "Data and models"
# From these widths on there is room for verdicts in words, and for a fourth digit.
_WORDS_WIDTH = 130
_DIGITS_WIDTH = 100


class NotTrainedError(NotFoundError):
    """A spec was named that was not trained."""


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""

    @verb(app, "compare", show=show_comparison, panel=PANEL, example="modelward compare income.yaml --plot pareto.svg")
    def compare(
        desk: Desk,
        what: Annotated[
            list[str],
            typer.Argument(metavar="SPEC.yaml | MODEL...", help="A spec (its latest run), models, or versions such as income:1."),
        ],
        metric: Annotated[
            str,
            typer.Option(help="The metric to compare by; a spec has its own, others that of their answers."),
        ] = "",
        tolerance: Annotated[float, typer.Option(help="How much of it may be given up for a smaller model.", min=0)] = 0.005,
        plot: Annotated[
            Path | None, typer.Option(help="Write the Pareto plot to this .svg file; one that is there is replaced.")
        ] = None,
    ) -> Comparison:
        """Weigh large against small: quality, latency, size, energy, and a recommendation.

        What their reports lack for that is measured first.
        """
        from modelward.assessment import Objective

        check_output(plot, endings=(".svg",))
        names, objective = _meant(desk, what, Objective(metric=metric, prefer="smallest-within", tolerance=tolerance))
        with waiting(desk, "Comparing") as progress:
            found = desk.house.assessment.compare(names, objective=objective, by=desk.actor, progress=progress)
        for name in names:
            note_erased(desk, name)
        if plot:
            write_output(plot, found.plot.encode())
            desk.say(f"The plot is in {plot}.")
        return found

    _declare_assess(app)


def _declare_assess(app: typer.Typer) -> None:
    @verb(app, "assess", show=None, panel=PANEL, example="modelward assess income:2 --only quality,fairness")
    def assess(
        desk: Desk,
        *,
        name: Annotated[str, typer.Argument(metavar="MODEL:V", help="The version, such as income:3.")],
        only: Annotated[str, typer.Option(help="Only these assessors, separated by commas.")] = "",
        report: Annotated[
            Path | None,
            typer.Option(
                metavar="DIR",
                help="Write the report into this folder as well, as pages in English and Chinese; earlier ones there are replaced.",
            ),
        ] = None,
        all_: Annotated[bool, typer.Option("--all", help="Show what was recorded with nothing asked of it, too.")] = False,
    ) -> None:
        """Measure a version; the report is signed with it."""
        chosen = [part.strip() for part in only.split(",") if part.strip()]
        version = desk.version(name)
        if report:
            report.mkdir(parents=True, exist_ok=True)
        with waiting(desk, f"Assessing {version}") as progress:
            made = desk.house.assessment.assess(version, only=chosen, by=desk.actor, progress=progress)
        if report:
            _write_report(desk, version, report)
        desk.answer(made, partial(show_report, is_whole=all_))
        note_erased(desk, version)
        point(desk, _to_release(desk, version))


def _to_release(desk: Desk, version: str) -> str:
    """What is next for an assessed version: a proposal, or what its release waits for."""
    try:
        known = desk.house.releases.list(model=version.partition(":")[0], by=desk.actor)
    except RefusedError:
        return ""
    waits = {release.version: next_step(desk, release) for release in reversed(known)}
    return waits.get(version) or f"modelward release propose {version}"


def _write_report(desk: Desk, name: str, folder: Path) -> None:
    from modelward.assessment import PAGE_FILE, REPORT_FILE

    version = desk.house.registry.find(name, by=desk.actor)
    for file in (REPORT_FILE, PAGE_FILE):
        write_output(folder / file, desk.house.registry.read(version, file))
    page = desk.house.assessment.page(name, language="zh", by=desk.actor)
    assert page is not None, "it was assessed just now"
    write_output(folder / "trust_report.zh.html", page)
    desk.say(f"The report is in {folder}.")


def _meant(desk: Desk, what: Sequence[str], objective: Objective) -> tuple[list[str], Objective]:
    """The versions that are meant by a spec's path, by models' names or by versions' names."""
    if len(what) == 1 and Path(what[0]).suffix in {".yaml", ".yml"}:
        return _of_spec(desk, Path(what[0]))
    return [name for each in what for name in _named(desk, each)], objective


def _of_spec(desk: Desk, file: Path) -> tuple[list[str], Objective]:
    from modelward.assessment import Objective
    from modelward.training import parse_spec

    spec = parse_spec(read_text(file))
    made = [run for run in desk.house.training.runs(by=desk.actor) if run.model == spec.model and run.versions]
    if not made:
        raise NotTrainedError(f"No run of {spec.model!r} made a version yet. Run `modelward train {file}`.")
    own = spec.objective
    return list(made[0].versions), Objective(metric=own.metric, prefer=own.prefer, tolerance=own.tolerance)


def _named(desk: Desk, name: str) -> list[str]:
    return [name] if ":" in name else [version.name for version in desk.house.registry.versions(name, by=desk.actor)]


def show_report(console: Console, report: TrustReport, *, is_whole: bool) -> None:
    """What was judged of a version, and what versions are compared by; with `is_whole` all that was recorded besides."""
    from modelward.registry import USUAL_METRICS

    measured = [clause for clause in report.clauses if clause.estimate is not None]
    usual = set(USUAL_METRICS.values())
    recorded = [clause for clause in measured if clause.verdict.value == "recorded" and clause.measure not in usual]
    _show_clauses(console, [clause for clause in measured if is_whole or clause not in recorded])
    for reason, names in _unmeasured(report, is_whole=is_whole).items():
        said = f"{', '.join(names)}: {reason}"
        console.print(f"[yellow]not measurable[/] {showing.cell(said)}", highlight=False)
    console.print()
    counts = ", ".join(f"{count} {word}" for word, count in report.verdicts.items() if word != "not-measurable")
    unmeasured = f", {count} not measurable" if (count := report.verdicts.get("not-measurable", 0)) else ""
    place = f"{report.rows} test rows of {report.dataset}" if report.dataset else "no data"
    said = f"{report.name} on {place}: {len(measured)} clauses measured{counts and f' ({counts})'}{unmeasured}."
    console.print(showing.cell(f"{said} Intervals are of {report.confidence:.0%}."), highlight=False)
    if recorded and not is_whole:
        more = f"{len(recorded)} more figures are recorded with nothing asked of them: --all shows them."
        console.print(showing.cell(more), highlight=False)


def _unmeasured(report: TrustReport, *, is_whole: bool) -> dict[str, list[str]]:
    """By the reason what could not be measured. An assessor that could measure nothing is named with the number of its figures, and
    with `is_whole` each of them is.
    """
    silent = {} if is_whole else report.silent
    reasons = {reason: [f"{name} ({len(clauses)})" for name, clauses in told.items()] for reason, told in silent.items()}
    for clause in report.clauses:
        if clause.estimate is None and clause.dimension not in silent.get(clause.note, {}):
            reasons.setdefault(clause.note, []).append(clause.id)
    return reasons


def _show_clauses(console: Console, clauses: Sequence[Clause]) -> None:
    digits = 4 if console.width >= _DIGITS_WIDTH else 3
    showing.table(
        console,
        ("verdict", "clause", "estimate", "asked", "n", "note"),
        (
            (
                showing.verdict(clause.verdict.value),
                clause.id,
                showing.interval(clause.estimate, clause.low, clause.high, unit=clause.unit, digits=digits),
                _asked(clause),
                clause.n,
                clause.note,
            )
            for clause in clauses
        ),
        numbers=("n",),
        text=("note",),
        spare=("n", "note"),
    )


def _asked(clause: Clause) -> str:
    if clause.threshold is None:
        return ""
    return f"{'≥' if clause.direction == 'at-least' else '≤'} {showing.number(clause.threshold)}"


def show_comparison(console: Console, found: Comparison) -> None:
    """The table, and the recommendation."""
    is_wide = console.width >= _WORDS_WIDTH
    showing.table(
        console,
        ("", "version", "recipe", found.objective.metric, "p50", "graph", "verdicts", "energy"),
        (
            (
                _mark(row),
                row.version,
                row.recipe,
                _with_interval(row),
                f"{row.latency_p50_ms:.3f} ms",
                showing.size(row.size_bytes),
                (" · " if is_wide else " ").join(_verdicts(row.verdicts, is_wide=is_wide)),
                f"{row.energy_joules:.3g} J" if row.energy_joules is not None else None,
            )
            for row in found.rows
        ),
        numbers=("p50", "graph", "energy"),
        spare=("recipe", "energy"),
    )
    verdicts = "" if is_wide else " · ✓ passed ✗ failed ? not measurable"
    # What is recommended bears its arrow alone, on the front or not.
    front = " · • on the Pareto front" if any(row.is_on_front and not row.is_recommended for row in found.rows) else ""
    console.print(f"[dim]→ recommended{front}{verdicts}[/]")
    console.print(f"\n[bold]{showing.cell(found.recommendation)}[/]", highlight=False)


def _mark(row: Row) -> showing.Marked:
    return showing.Marked("[green]→[/]" if row.is_recommended else "•" if row.is_on_front else " ")


def _with_interval(row: Row) -> str:
    return f"{row.estimate:.3f} [{row.low:.3f}, {row.high:.3f}]"


def _verdicts(counts: Mapping[str, int], *, is_wide: bool) -> Iterator[str]:
    """How many clauses passed, failed and could not be measured. What was merely recorded is no verdict."""
    for word, sign, shown in (("passed", "✓", "passed"), ("failed", "✗", "failed"), ("not-measurable", "?", "not measurable")):
        if count := counts.get(word, 0):
            yield f"{count} {shown}" if is_wide else f"{count}{sign}"
