# SPDX-License-Identifier: Apache-2.0
"""`modelward train`, `runs`, `compare`: make versions and weigh them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.verb import Desk, verb
from modelward.errors import NotFoundError

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from modelward.assessment import Comparison
    from modelward.training import Run

Id = Annotated[str, typer.Argument(help="Id of the run.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Override one place of the spec: data.split.seed=3")]


class NotTrainedError(NotFoundError):
    """A spec was named that was not trained."""


class RunBars:
    """Shows a run's candidates as bars on a terminal; elsewhere says a word when each is done."""

    def __init__(self, bars: Bars | None, console: Console) -> None:
        self._bars = bars
        self._console = console
        self._rows: dict[str, int] = {}

    def started(self, run: Run) -> None:
        """Name the run, so that it can be found again."""
        self._console.print(f"Run {run.id}: {len(run.candidates)} candidates.", highlight=False)

    def candidate(self, name: str, share: float, word: str) -> None:
        """Move a candidate's bar."""
        if self._bars is None:
            if share >= 1:
                self._console.print(f"  {name}: {word}", highlight=False)
            return
        if name not in self._rows:
            self._rows[name] = self._bars.add_task(name, total=1.0, word="")
        self._bars.update(self._rows[name], completed=share, word=word)  # type: ignore[arg-type]  # rich's own task number


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""

    @verb(app, "train", show=show_run)
    def train(
        desk: Desk,
        spec: Annotated[Path, typer.Argument(help="The training spec, a YAML file.", exists=True, dir_okay=False)],
        set_: SetOption = None,
    ) -> Run:
        """Train every candidate of a spec, in parallel, on the same split."""
        from modelward.training import override, parse_spec

        parsed = parse_spec(override(spec.read_text(), set_ or ()))
        with watching(desk) as progress:
            run: Run = desk.house.training.train(parsed, by=desk.actor, progress=progress)
        return run

    runs = typer.Typer(help="Trainings, past and present.", no_args_is_help=True)
    app.add_typer(runs, name="runs")

    @verb(runs, "list", show=_show_runs)
    def list_(desk: Desk) -> list[Run]:
        """List runs, newest first."""
        found: list[Run] = desk.house.training.runs(by=desk.actor)
        return found

    @verb(runs, "show", show=show_run)
    def show(desk: Desk, id: Id) -> Run:  # noqa: A002  # the word users type
        """Show a run and its candidates."""
        found: Run = desk.house.training.show(id, by=desk.actor)
        return found

    @verb(runs, "resume", show=show_run)
    def resume(desk: Desk, id: Id) -> Run:  # noqa: A002  # the word users type
        """Train what an interrupted run did not come to."""
        with watching(desk) as progress:
            run: Run = desk.house.training.resume(id, by=desk.actor, progress=progress)
        return run

    _declare_compare(app)


def _declare_compare(app: typer.Typer) -> None:
    @verb(app, "compare", show=show_comparison)
    def compare(
        desk: Desk,
        what: Annotated[
            list[str], typer.Argument(help="A spec (its latest run's versions), a model, or versions such as income:1.")
        ],
        metric: Annotated[str, typer.Option(help="The metric to compare by; a spec's own objective wins.")] = "roc_auc",
        tolerance: Annotated[float, typer.Option(help="How much of it may be given up for a smaller model.", min=0)] = 0.005,
        plot: Annotated[Path | None, typer.Option(help="Write the Pareto plot to this SVG file.")] = None,
    ) -> Comparison:
        """Large against small: quality, latency, size, energy, and a recommendation. Assesses what was not assessed yet."""
        from modelward.assessment import Objective

        names, objective = _meant(desk, what, Objective(metric=metric, prefer="smallest-within", tolerance=tolerance))
        with waiting(desk, "Assessing and comparing …") as progress:
            found: Comparison = desk.house.assessment.compare(names, objective=objective, by=desk.actor, progress=progress)
        if plot:
            plot.write_text(found.plot)
        return found


def _meant(desk: Desk, what: Sequence[str], objective: object) -> tuple[list[str], object]:
    """The versions that are meant by a spec's path, a model's name or versions' names."""
    if len(what) == 1 and Path(what[0]).suffix in {".yaml", ".yml"}:
        from modelward.assessment import Objective
        from modelward.training import parse_spec

        spec = parse_spec(Path(what[0]).read_text())
        run = _latest(desk, spec.model)
        own = Objective(metric=spec.objective.metric, prefer=spec.objective.prefer, tolerance=spec.objective.tolerance)
        return list(run.versions), own
    if len(what) == 1 and ":" not in what[0]:
        return [version.name for version in desk.house.registry.versions(what[0], by=desk.actor)], objective
    return list(what), objective


def _latest(desk: Desk, model: str) -> Run:
    """The latest run of a model that made versions."""
    for run in desk.house.training.runs(by=desk.actor):
        if run.model == model and run.versions:
            found: Run = run
            return found
    raise NotTrainedError(f"No run of {model!r} made a version yet. Run `modelward train` with this spec.")


@contextmanager
def watching(desk: Desk) -> Iterator[RunBars]:
    """Bars on standard error while a run goes on."""
    if not desk.err.is_terminal:
        yield RunBars(None, desk.err)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("{task.description:>24}"), BarColumn(), TextColumn("{task.fields[word]}"), TimeElapsedColumn(), console=desk.err
    )
    with bars:
        yield RunBars(bars, desk.err)


@contextmanager
def waiting(desk: Desk, text: str) -> Iterator[object]:
    """A turning sign on standard error, and a function that changes its word."""
    if not desk.err.is_terminal:
        desk.say(text)
        yield lambda _word, _share=0.0: None
        return
    with desk.err.status(text) as status:
        yield lambda word, _share=0.0: status.update(f"{text} {word}")


def show_run(console: Console, run: Run) -> None:
    """A run with its candidates."""
    showing.facts(
        console,
        {
            "run": run.id,
            "model": run.model,
            "status": showing.verdict(run.status.value),
            "dataset": f"{run.dataset} ({run.fingerprint[:16]})",
            "seed": run.seed,
            "spec": run.spec_digest[:16],
        },
    )
    showing.table(
        console,
        ("candidate", "status", "version", "seconds", "message"),
        ((c.name, showing.verdict(c.status.value), c.version, c.seconds or None, c.message) for c in run.candidates),
        numbers=("seconds",),
    )


def show_comparison(console: Console, found: Comparison) -> None:
    """The table, and the recommendation."""
    showing.table(
        console,
        ("", "version", "recipe", found.objective.metric, "latency p50", "size", "energy", "verdicts", "Pareto"),
        (
            (
                showing.Marked("[green]→[/]") if row.is_recommended else "",
                row.version,
                row.recipe,
                showing.interval(row.estimate, row.low, row.high),
                f"{row.latency_p50_ms:.3f} ms",
                showing.size(row.size_bytes),
                f"{row.energy_joules:.3g} J" if row.energy_joules is not None else None,
                ", ".join(f"{count} {word}" for word, count in row.verdicts.items()),
                "on the front" if row.is_on_front else "",
            )
            for row in found.rows
        ),
        numbers=("latency p50", "size", "energy"),
    )
    console.print(f"\n[bold]{showing.cell(found.recommendation)}[/]", highlight=False)


def _show_runs(console: Console, runs: list[Run]) -> None:
    showing.table(
        console,
        ("run", "model", "status", "dataset", "versions", "started", "ended"),
        ((r.id, r.model, showing.verdict(r.status.value), r.dataset, r.versions, r.started, r.ended) for r in runs),
    )
