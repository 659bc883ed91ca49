# SPDX-License-Identifier: Apache-2.0
"""`modelward train` and `runs`: make versions."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.files import read_text
from modelward.entrances.cli.verb import noun, verb
from modelward.entrances.cli.waiting import watching
from modelward.errors import ModelwardError

if TYPE_CHECKING:
    from modelward.registry import Interface
    from modelward.training import Candidate, Run, Spec

PANEL = "Data and models"
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the run; `modelward runs list` shows it.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one place of the spec; repeat it for more."),
]


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""

    @verb(app, "train", show=show_run, then=_to_weigh, panel=PANEL, example="modelward train income.yaml --set data.split.seed=3")
    def train(
        desk: Desk,
        spec: Annotated[
            Path, typer.Argument(metavar="SPEC.yaml", help="The training spec, a YAML file.", exists=True, dir_okay=False)
        ],
        set_: SetOption = None,
    ) -> Run:
        """Train every candidate of a spec, in parallel, on the same split.

        The shortest spec is `{model: income, data: {dataset: adult}, candidates: ["decision-tree", "mlp"]}`.
        """
        from modelward.training import override, parse_spec

        parsed = parse_spec(override(read_text(spec), set_ or ()))
        _note_that_it_was_trained(desk, parsed)
        with watching(desk) as progress:
            return desk.house.training.train(parsed, by=desk.actor, progress=progress)

    runs = noun(app, "runs", about="Trainings, past and present.", panel=PANEL)

    @verb(runs, "list", show=_show_runs)
    def list_(desk: Desk) -> list[Run]:
        """List runs, newest first."""
        return desk.house.training.runs(by=desk.actor)

    @verb(runs, "show", show=show_run, then=_to_resume)
    def show(desk: Desk, id: Id) -> Run:
        """Show a run and its candidates."""
        return desk.house.training.show(id, by=desk.actor)

    @verb(runs, "resume", show=show_run, then=_to_weigh)
    def resume(desk: Desk, id: Id) -> Run:
        """Train what an interrupted run did not come to."""
        with watching(desk) as progress:
            return desk.house.training.resume(id, by=desk.actor, progress=progress)


def _note_that_it_was_trained(desk: Desk, spec: Spec) -> None:
    """The same spec on the same data gives the same models again, under new names: not what one wants by mistake."""
    before = None
    # What is wrong here is wrong with the training, too, which says so.
    with suppress(ModelwardError):
        before = _trained_before(desk, spec)
    if before:
        made = showing.first_and_last(before.versions)
        desk.say(f"Note: the same spec was trained on the same data before: {before.id} made {made}.")
        desk.say("Training again makes new versions.")


def _trained_before(desk: Desk, spec: Spec) -> Run | None:
    wanted = (spec.digest, desk.house.datasets.show(spec.data.dataset, by=desk.actor).fingerprint)
    runs = desk.house.training.runs(by=desk.actor)
    return next((run for run in runs if (run.spec_digest, run.fingerprint) == wanted and run.versions), None)


def _to_weigh(desk: Desk, run: Run) -> str:
    first = desk.house.registry.find(run.versions[0], by=desk.actor).interface
    # Where nothing is predicted nobody knows which version is better.
    if len(run.versions) == 1 or not first.target:
        return f"modelward assess {run.versions[0]}"
    return " ".join(["modelward compare", *run.versions, *_objective_of(run, first)])


def _objective_of(run: Run, interface: Interface) -> list[str]:
    """The options with which `compare` weighs as the run's spec says, where it would weigh otherwise by itself."""
    from modelward.registry import USUAL_METRICS, answered
    from modelward.training import Objective, parse_spec

    asked, usual = parse_spec(run.spec).objective, Objective()
    metric_by_itself = USUAL_METRICS[answered(interface)]
    # The best is the smallest that is as good as the best.
    tolerance = 0.0 if asked.prefer == "best" else asked.tolerance
    metric = [] if asked.metric == metric_by_itself else ["--metric", asked.metric]
    return metric if tolerance == usual.tolerance else [*metric, "--tolerance", f"{tolerance:g}"]


def _to_resume(_desk: Desk, run: Run) -> str:
    return f"modelward runs resume {run.id}" if run.status.value == "interrupted" else ""


def show_run(console: Console, run: Run) -> None:
    """A run with its candidates."""
    showing.facts(
        console,
        {
            "run": run.id,
            "model": run.model,
            "status": showing.verdict(run.status.value),
            "dataset": f"{run.dataset} ({showing.beginning(run.fingerprint)})",
            "seed": run.seed,
            "spec": showing.beginning(run.spec_digest),
        },
    )
    console.print()
    showing.table(
        console,
        ("candidate", "status", "version", "time", "message"),
        ((c.name, showing.verdict(c.status.value), c.version, _took(c.seconds), _said(c)) for c in run.candidates),
        numbers=("time",),
        text=("message",),
    )
    drawn = [(c.name, name, curve) for c in run.candidates for name, curve in c.standing.curves.items() if curve.values]
    if drawn:
        console.print()
    for candidate, name, curve in drawn:
        said = f"{curve.values[0]:.4g} to {curve.values[-1]:.4g} at {curve.at[-1]}"
        showing.line(console, f"{candidate}: {name.replace('_', ' ')} {showing.spark(curve.values)} {said}")
    found = [("rows", each) for each in run.findings] + [(c.name, each) for c in run.candidates for each in c.findings]
    if found:
        console.print()
    for name, each in found:
        showing.line(console, f"{name}: {each.kind}. {each.text} {each.remedy}")


def _took(seconds: float) -> str | None:
    if not seconds:
        return None
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:,.0f} s"


def _said(candidate: Candidate) -> str:
    """Why it failed, or while it trains how far it is."""
    if candidate.status.value != "running":
        return candidate.message
    return f"{candidate.standing.share:.0%}, {candidate.standing.word}".rstrip(", ")


def _show_runs(console: Console, runs: list[Run]) -> None:
    showing.table(
        console,
        ("run", "model", "status", "dataset", "versions", "started", "ended"),
        (
            (r.id, r.model, showing.verdict(r.status.value), r.dataset, showing.first_and_last(r.versions), r.started, r.ended)
            for r in runs
        ),
        text=("versions",),
        spare=("dataset", "ended"),
    )
