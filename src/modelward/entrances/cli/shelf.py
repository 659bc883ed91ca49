# SPDX-License-Identifier: Apache-2.0
"""`modelward model` and `modelward assess`: the shelf of versions, and what was measured of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.training import waiting
from modelward.entrances.cli.verb import Desk, print_json, verb
from modelward.errors import RefusedError

if TYPE_CHECKING:
    from modelward.assessment import TrustReport
    from modelward.registry import Verification, Version

VersionName = Annotated[str, typer.Argument(help="The version, such as income:3.")]


class VersionNotSoundError(RefusedError):
    """Verification found something wrong with a version."""


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    nouns = typer.Typer(help="The signed shelf of models.", no_args_is_help=True)
    app.add_typer(nouns, name="model")
    _declare_moving(nouns)
    _declare_assess(app)

    @verb(nouns, "list", show=_show_models)
    def list_(desk: Desk) -> list[Any]:
        """List models."""
        found: list[Any] = desk.house.registry.models(by=desk.actor)
        return found

    @verb(nouns, "show", show=_show_model_or_version)
    def show(desk: Desk, name: Annotated[str, typer.Argument(help="A model, or a version such as income:3.")]) -> Any:
        """Show a model's versions, or one version."""
        if ":" in name:
            return desk.house.registry.find(name, by=desk.actor)
        return desk.house.registry.versions(name, by=desk.actor)

    @verb(nouns, "verify", show=_show_verification)
    def verify(desk: Desk, name: VersionName) -> Verification:
        """Check a version's signature and every file."""
        found: Verification = desk.house.registry.verify(name, by=desk.actor)
        if not found.is_sound:
            if desk.as_json:
                print_json(found)
                raise typer.Exit(3)
            raise VersionNotSoundError(f"{name} is not sound: {'; '.join(fault.what for fault in found.faults)}")
        return found


def _declare_moving(nouns: typer.Typer) -> None:
    @verb(nouns, "import", show=_show_imported)
    def import_(
        desk: Desk,
        path: Annotated[Path, typer.Argument(help="An ONNX file, or a folder that holds one.", exists=True)],
        name: Annotated[str, typer.Option(help="Name of the model.")],
        purpose: Annotated[str, typer.Option(help="What it is for.")] = "",
        owner: Annotated[str, typer.Option(help="Who answers for it.")] = "",
        public_key: Annotated[Path | None, typer.Option(help="Key that its signature must verify with.", exists=True)] = None,
    ) -> Version:
        """Check a model made elsewhere, sign it, and put it on the shelf."""
        key = public_key.read_bytes() if public_key else None
        made: Version = desk.house.registry.import_folder(path, name, purpose=purpose, owner=owner, public_key=key, by=desk.actor)
        return made

    @verb(nouns, "export", show=lambda console, made: console.print(f"{made['files']} files are in {made['folder']}."))
    def export(desk: Desk, name: VersionName, to: Annotated[Path, typer.Option(help="A new folder.")]) -> dict[str, Any]:
        """Write a version's signed directory in plain, with its signature and the public key."""
        dossier = desk.house.registry.export(name, to, by=desk.actor)
        return {"files": len(dossier.files), "folder": str(to)}


def _declare_assess(app: typer.Typer) -> None:
    @verb(app, "assess", show=show_report)
    def assess(
        desk: Desk,
        name: VersionName,
        only: Annotated[str, typer.Option(help="Only these assessors, separated by commas.")] = "",
        report: Annotated[Path | None, typer.Option(help="Write the report into this folder as well.")] = None,
    ) -> TrustReport:
        """Measure a version; the report is signed with it."""
        chosen = [part.strip() for part in only.split(",") if part.strip()]
        with waiting(desk, f"Assessing {name} …") as progress:
            made: TrustReport = desk.house.assessment.assess(name, only=chosen, by=desk.actor, progress=progress)
        if report:
            _write_report(desk, name, report)
        return made


def _write_report(desk: Desk, name: str, folder: Path) -> None:
    version = desk.house.registry.find(name, by=desk.actor)
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("trust_report.json", "trust_report.html"):
        (folder / file).write_bytes(desk.house.registry.read(version, file))
    desk.say(f"The report is in {folder}.")


def show_version(console: Console, version: Version) -> None:
    """One version."""
    showing.facts(
        console,
        {
            "version": version.name,
            "digest": version.digest,
            "recipe": version.lineage.recipe,
            "dataset": f"{version.lineage.dataset} ({version.lineage.fingerprint[:16]})" if version.lineage.dataset else None,
            "run": version.lineage.run,
            "seed": version.lineage.seed,
            "code": version.lineage.code,
            "purpose": version.purpose,
            "owner": version.owner,
            "classes": version.interface.classes,
            "features": [feature.name for feature in version.interface.features],
            "made": version.created,
        },
    )
    showing.table(
        console,
        ("file", "size", "sha256"),
        ((file.path, showing.size(file.size_bytes), file.digest[:32]) for file in version.files),
        numbers=("size",),
    )


def show_report(console: Console, report: TrustReport) -> None:
    """Every clause of a report."""
    showing.table(
        console,
        ("clause", "estimate", "threshold", "verdict", "n", "note"),
        (
            (
                clause.id,
                showing.interval(clause.estimate, clause.low, clause.high) + (f" {clause.unit}" if clause.unit else ""),
                "" if clause.threshold is None else f"{'≥' if clause.direction == 'at-least' else '≤'} {clause.threshold:.4g}",
                showing.verdict(clause.verdict.value),
                clause.n,
                clause.note,
            )
            for clause in report.clauses
        ),
        numbers=("n",),
    )


def _show_imported(console: Console, version: Version) -> None:
    show_version(console, version)


def _show_models(console: Console, found: list[Any]) -> None:
    showing.table(
        console,
        ("model", "versions", "latest", "purpose", "owner", "updated"),
        ((m.model, m.versions, m.latest, m.purpose, m.owner, m.updated) for m in found),
        numbers=("versions", "latest"),
    )


def _show_model_or_version(console: Console, found: Any) -> None:
    if not isinstance(found, list):
        show_version(console, found)
        return
    showing.table(
        console,
        ("version", "recipe", "size", "dataset", "seed", "made", "digest"),
        (
            (v.name, v.lineage.recipe, showing.size(v.size_bytes), v.lineage.dataset, v.lineage.seed, v.created, v.digest[:16])
            for v in found
        ),
        numbers=("size", "seed"),
    )


def _show_verification(console: Console, found: Verification) -> None:
    console.print(f"[green]sound[/] {found.name}: signature and {found.files_checked} files agree.", highlight=False)
