# SPDX-License-Identifier: Apache-2.0
"""`modelward backup` and `restore`: the whole home as one sealed file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting

if TYPE_CHECKING:
    from modelward.app import Backup

_PANEL = "The house"


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""

    @verb(app, "backup", show=_show_backup, then=_to_keep, panel=_PANEL, only_here=True, example="modelward backup monday.backup")
    def backup(desk: Desk, file: Annotated[Path, typer.Argument(metavar="FILE", help="New file to write.")]) -> Backup:
        """Write the home into one sealed file, while it is in use. The keyring is not in it."""
        from modelward.app import back_up

        with waiting(desk, "Backing up the home") as told:
            return back_up(desk.house, file, by=desk.actor, heard=lambda done, of: told(f"{done} of {of} objects", done / of))

    @verb(
        app,
        "restore",
        show=_show_restored,
        then=_to_open,
        panel=_PANEL,
        only_here=True,
        example="modelward restore monday.backup --home new",
    )
    def restore(desk: Desk, file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` wrote.")]) -> Backup:
        """Make a home out of a backup, with the keyring that made it, and prove it whole."""
        from modelward.app import restore

        with waiting(desk, "Restoring a home") as told:
            return restore(desk.settings, file, means=desk.means, heard=lambda done, of: told(f"{done} of {of} objects", done / of))


def _show_backup(console: Console, made: Backup) -> None:
    showing.facts(console, {"backup": made.path, "ledger": made.origin, "entries": made.entries, "sealed objects": made.objects})
    showing.line(console, f"{made.size_bytes:,} bytes, sealed. The keyring is not in it.")


def _to_keep(desk: Desk, made: Backup) -> str:
    kept = desk.settings.keyring_path
    return f"modelward restore {made.path} --home NEW    (with {kept}, without which no backup opens: keep the two apart)"


def _show_restored(console: Console, made: Backup) -> None:
    showing.facts(console, {"home": made.path, "ledger": made.origin, "entries": made.entries, "sealed objects": made.objects})
    showing.line(console, "The ledger is sound, and no object is missing.")


def _to_open(desk: Desk, made: Backup) -> str:
    kept, home = desk.settings.keyring_path, Path(made.path)
    if home.resolve() in kept.resolve().parents:
        return f"modelward doctor --home {home}"
    return f"MODELWARD_KEYS={kept} modelward doctor --home {home}    (set it from now on: that keyring alone opens this home)"
