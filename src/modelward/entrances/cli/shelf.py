# SPDX-License-Identifier: Apache-2.0
"""`modelward model`: the signed shelf of versions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.failing import EXIT
from modelward.entrances.cli.noting import note_erased, note_erased_of
from modelward.entrances.cli.verb import noun, verb
from modelward.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from modelward.registry import Feature, Interface, ModelSummary, Verification, Version

VersionName = Annotated[str, typer.Argument(metavar="MODEL:V", help="The version, such as income:3; income is the live one.")]
_NAMES_SHOWN = 50


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    nouns = noun(app, "model", about="The signed shelf of models.", panel="Data and models")

    @verb(nouns, "list", show=_show_models)
    def list_(desk: Desk) -> list[ModelSummary]:
        """List models."""
        return desk.house.registry.models(by=desk.actor)

    @verb(nouns, "show", show=None)
    def show(
        desk: Desk, name: Annotated[str, typer.Argument(metavar="MODEL[:V]", help="A model, or a version such as income:3.")]
    ) -> None:
        """Show a model's versions, or one version."""
        if ":" in name:
            found = desk.house.registry.find(name, by=desk.actor)
            desk.answer(found, show_version)
            note_erased(desk, found.name)
        else:
            desk.answer(desk.house.registry.versions(name, by=desk.actor), partial(_show_versions, live=_live(desk, name)))
            note_erased_of(desk, name)

    _declare_moving(nouns)
    _declare_verify(nouns)


def _declare_moving(nouns: typer.Typer) -> None:
    @verb(
        nouns,
        "import",
        show=show_version,
        then=lambda _desk, made: f"modelward assess {made.name}",
        example="modelward model import model.onnx --name income --owner social-affairs",
    )
    def import_(
        desk: Desk,
        path: Annotated[Path, typer.Argument(help="An ONNX file, or a folder that holds one.", exists=True)],
        name: Annotated[str, typer.Option(metavar="NAME", help="Name of the model.")],
        purpose: Annotated[str, typer.Option(help="What it is for.")] = "",
        owner: Annotated[str, typer.Option(metavar="NAME", help="Who answers for it.")] = "",
        public_key: Annotated[
            Path | None, typer.Option(help="Key (PEM) that its signature must verify with.", exists=True, dir_okay=False)
        ] = None,
    ) -> Version:
        """Check a model made elsewhere, sign it, and put it on the shelf."""
        key = public_key.read_bytes() if public_key else None
        return desk.house.registry.import_folder(path, name, purpose=purpose, owner=owner, public_key=key, by=desk.actor)

    @verb(nouns, "export", show=_show_exported, example="modelward model export income:2 --to income-2")
    def export(
        desk: Desk, name: VersionName, to: Annotated[Path, typer.Option(metavar="DIR", help="A new folder.")]
    ) -> dict[str, Any]:
        """Write a version's signed directory in plain, with its signature and the public key."""
        version = desk.version(name)
        dossier = desk.house.registry.export(version, to, by=desk.actor)
        return {"version": version, "files": len(dossier.files), "folder": str(to)}


def _declare_verify(nouns: typer.Typer) -> None:
    @verb(nouns, "verify", show=None)
    def verify(desk: Desk, name: VersionName) -> None:
        """Check a version's signature and every file."""
        found = desk.house.registry.verify(desk.version(name), by=desk.actor)
        desk.answer(found, _show_verification)
        note_erased(desk, found.name)
        if not found.is_sound:
            desk.say(f"{found.name} is not sound, and is not opened. Restore it from a backup.")
            raise typer.Exit(EXIT[RefusedError])


def show_version(console: Console, version: Version) -> None:
    """One version."""
    lineage, interface = version.lineage, version.interface
    answers = {"answers with": _answers_with(interface)} if interface.answer != "classes" else {"classes": _few(interface.classes)}
    showing.facts(
        console,
        {
            "version": version.name,
            "digest": version.digest,
            "recipe": lineage.recipe,
            "dataset": f"{lineage.dataset} ({showing.beginning(lineage.fingerprint)})" if lineage.dataset else None,
            "run": lineage.run,
            "seed": lineage.seed,
            "code": lineage.code,
            "purpose": version.purpose,
            "owner": version.owner,
            **answers,
            "features": _few([_taken(feature) for feature in interface.features]),
            "made": version.created,
            "test rows near training": _near_training(version),
        },
    )
    console.print()
    showing.table(
        console,
        ("file", "size", "sha256"),
        ((file.path, showing.size(file.size_bytes), showing.beginning(file.digest)) for file in version.files),
        numbers=("size",),
    )


def _answers_with(interface: Interface) -> str:
    """What the version gives, where these are no classes."""
    if interface.answer == "text":
        return f"a text of at most {interface.length} characters"
    return f"values: {_few(interface.values)}" if interface.values else f"values of shape {' × '.join(map(str, interface.shape))}"


def _taken(feature: Feature) -> str:
    """The name of a feature, and what it is bound to."""
    if not feature.is_bound:
        return feature.name
    most = f"{feature.minimum:,.0f} to {feature.maximum:,.0f}" if feature.maximum is not None else _few(feature.categories)
    return f"{feature.name} ({most})"


def _few(names: Sequence[str]) -> str:
    """The names, or the first of so many that nobody reads them: a recommender has thousands of items."""
    more = f", … ({len(names):,})" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more


def _near_training(version: Version) -> str | None:
    """How many test rows have a near-duplicate in training; nothing where there is none, or nobody looked."""
    near = version.facts.get("test_rows_near_training")
    return f"{near:,} of {version.facts['rows']['test']:,} (near-duplicates)" if near else None


def _show_exported(console: Console, made: dict[str, Any]) -> None:
    showing.line(console, f"{made['files']} files of {made['version']} are in {made['folder']}, with their signature.")


def _show_models(console: Console, found: list[ModelSummary]) -> None:
    showing.table(
        console,
        ("model", "versions", "latest", "purpose", "owner", "updated"),
        ((m.model, m.versions, m.latest, m.purpose, m.owner, m.updated) for m in found),
        numbers=("versions", "latest"),
        text=("purpose",),
        spare=("owner", "updated"),
    )


def _show_versions(console: Console, found: list[Version], *, live: str) -> None:
    showing.table(
        console,
        ("version", "recipe", "files", "dataset", "seed", "made", "digest"),
        (
            (
                v.name,
                v.lineage.recipe,
                showing.size(v.size_bytes),
                v.lineage.dataset,
                v.lineage.seed,
                v.created,
                showing.beginning(v.digest),
            )
            for v in found
        ),
        numbers=("files", "seed"),
        spare=("dataset", "seed", "digest"),
    )
    showing.line(console, f"{live} is live." if live else "None of them is live.")


def _live(desk: Desk, model: str) -> str:
    try:
        return desk.house.releases.released(model, by=desk.actor)
    except NotFoundError:
        return ""


def _show_verification(console: Console, found: Verification) -> None:
    if found.is_sound:
        console.print(
            f"[green]sound[/] {found.name}: signature and {found.files_checked} files agree, what was signed earlier included.",
            highlight=False,
        )
    for fault in found.faults:
        where = f"{fault.path}: " if fault.path else ""
        console.print(f"[red]fault[/] {showing.cell(where + fault.what)}", highlight=False)
