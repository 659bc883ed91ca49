# SPDX-License-Identifier: Apache-2.0
"""`modelward init`, `doctor` and `serve`: the house itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.verb import Desk, print_json, verb
from modelward.settings import HOME_FOLDER

if TYPE_CHECKING:
    from modelward.app import Check


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""

    @verb(app, "init", show=_show_home)
    def init(desk: Desk, folder: Annotated[Path | None, typer.Argument(help="Folder to make it in.")] = None) -> dict[str, str]:
        """Make a home: keyring, database, ledger, and an administrator."""
        from modelward.app import create_home

        settings = desk.settings
        if folder is not None:
            settings = msgspec.structs.replace(settings, home=folder.absolute() / HOME_FOLDER)
        made = create_home(settings)
        return {"home": str(made.path), "administrator_token": str(made.invitation)}

    @verb(app, "doctor", show=_show_checks)
    def doctor(desk: Desk) -> list[Check]:
        """Look the home over: files, keys, database, ledger, space, optional parts."""
        from modelward.app import examine

        checks = examine(desk.settings)
        if not all(check.is_well for check in checks):
            if desk.as_json:
                print_json([asdict(check) for check in checks])
            else:
                _show_checks(desk.out, checks)
            raise typer.Exit(6)
        return checks

    @app.command("serve")
    def serve(
        host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
        port: Annotated[int | None, typer.Option(help="Port to bind; 0 lets the system choose.")] = None,
        home: Annotated[Path | None, typer.Option("--home", help="The home to serve.")] = None,
    ) -> None:
        """Serve the home: API, console, metrics. Ends in good order on SIGTERM and Ctrl-C."""
        from modelward.entrances.cli.serving import serve as run

        run(host=host, port=port, home=home)


def _show_home(console: Console, made: dict[str, Any]) -> None:
    showing.facts(console, {"home": made["home"], "administrator's one-time token": made["administrator_token"]})
    console.print("[dim]Next: `modelward data add NAME FILE --target COLUMN --purpose … --owner …`[/]")


def _show_checks(console: Console, checks: list[Check]) -> None:
    showing.table(
        console,
        ("", "what", "found"),
        (
            (showing.Marked("[green]well[/]") if check.is_well else showing.Marked("[red]ill[/]"), check.what, check.found)
            for check in checks
        ),
    )
