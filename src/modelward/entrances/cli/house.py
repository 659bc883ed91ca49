# SPDX-License-Identifier: Apache-2.0
"""`modelward init`, `doctor` and `serve`: the house itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.failing import EXIT
from modelward.entrances.cli.verb import OnlyHereError, verb
from modelward.errors import InvalidError, PrerequisiteError, RefusedError
from modelward.settings import HOME_FOLDER, Settings, find_home, variable

if TYPE_CHECKING:
    from modelward.app import Check, SecurityCheck

_PANEL = "The house"


class TwoHomesError(InvalidError):
    """Two places were named for one home."""


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""

    @verb(app, "init", show=_show_home, then=_to_begin, panel=_PANEL, only_here=True, example="modelward init")
    def init(
        desk: Desk,
        folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder to make it in; else this one.")] = None,
    ) -> dict[str, str]:
        """Make a home: keyring, database, ledger, and an administrator."""
        from modelward.app import create_home

        made = create_home(_settings_for(desk, folder), means=desk.means)
        _note_home_further_up(desk, made.path)
        return {"home": str(made.path), "administrator_token": str(made.invitation)}

    @verb(app, "doctor", show=None, panel=_PANEL)
    def doctor(
        desk: Desk,
        *,
        security: Annotated[bool, typer.Option("--security", help="Look for weak points instead; with any, exit code 3.")] = False,
    ) -> None:
        """Look the home over: keys, database, ledger, objects, space, optional parts, the certificate."""
        from modelward.app import examine
        from modelward.entrances.tls import certificate_checks

        if security:
            _look_for_weak_points(desk)
            return
        if desk.is_remote:
            raise OnlyHereError("`modelward doctor` works on this machine alone; `modelward doctor --security` takes `--url`.")
        checks = [*examine(desk.settings, means=desk.means), *certificate_checks(desk.settings)]
        desk.answer(checks, _show_checks)
        if not all(check.is_well for check in checks):
            raise typer.Exit(EXIT[PrerequisiteError])

    @verb(app, "serve", show=None, panel=_PANEL, only_here=True, example="modelward serve --port 0 --json")
    def serve(
        desk: Desk,
        host: Annotated[str | None, typer.Option(help="Address to bind; else that of the settings, 127.0.0.1.")] = None,
        port: Annotated[
            int | None,
            typer.Option(min=0, max=65535, help="Port to bind; 0 lets the system choose; else that of the settings, 8321."),
        ] = None,
        workers: Annotated[
            int | None,
            typer.Option(min=1, max=256, help="Processes that answer, all on the one port; else those of the settings, 1."),
        ] = None,
        grpc_port: Annotated[
            int | None, typer.Option(min=0, max=65535, help="Port to bind for gRPC; 0 is none; else that of the settings.")
        ] = None,
    ) -> None:
        """Serve the home: API, console, metrics. Ends in good order on SIGTERM and Ctrl-C.

        With --json, one document with the address is printed once it answers.
        """
        from modelward.entrances.cli.serving import run

        given = {"host": host, "port": port, "workers": workers, "grpc_port": grpc_port}
        changes = {name: value for name, value in given.items() if value is not None}
        run(msgspec.structs.replace(desk.settings, **changes), desk)


def _look_for_weak_points(desk: Desk) -> None:
    """A weak point is no fault of the house, and no success either: whoever runs it by a timer should hear of it."""
    checks = desk.house.security.look(by=desk.actor)
    desk.answer(checks, _show_weak_points)
    if any(check.is_weak for check in checks):
        raise typer.Exit(EXIT[RefusedError])


def _show_weak_points(console: Console, checks: list[SecurityCheck]) -> None:
    found = [check for check in checks if check.is_weak]
    for check in found:
        showing.line(console, f"{check.what}: {check.found}")
        showing.line(console, f"    Why it matters: {check.why}")
        showing.line(console, f"    What to do: {check.advice}")
    showing.line(console, f"{len(found)} weak points; {len(checks) - len(found)} of {len(checks)} things are well:")
    fine = [check for check in checks if not check.is_weak]
    showing.table(console, ("what", "found"), ((check.what, check.found) for check in fine), text=("found",))


def _settings_for(desk: Desk, folder: Path | None) -> Settings:
    """Settings with the home that `init` should make: never one further up, as for every other command."""
    if folder is not None and desk.common.home is not None:
        raise TwoHomesError("Name DIR, in which `.modelward` is made, or --home, which is the home itself: not both.")
    if desk.common.home is not None or (folder is None and variable("home") in os.environ):
        return desk.settings
    return msgspec.structs.replace(desk.settings, home=(folder or Path.cwd()).absolute() / HOME_FOLDER)


def _show_home(console: Console, made: dict[str, Any]) -> None:
    showing.line(console, f"A home is made: {made['home']}")
    showing.line(console, f"The administrator signs in to the console once with the token in {made['administrator_token']}")


def _note_home_further_up(desk: Desk, home: Path) -> None:
    further_up = find_home(home.parent.parent)
    if home.name == HOME_FOLDER and further_up != home and further_up.is_dir():
        desk.say(f"Note: {further_up} is a home too. In {home.parent} and below it, the new one is used from now on.")


def _to_begin(_desk: Desk, _made: dict[str, str]) -> str:
    return (
        "modelward data add NAME FILE --target COLUMN --purpose TEXT --owner NAME\n"
        "modelward train SPEC.yaml\n"
        "modelward compare SPEC.yaml"
    )


def _show_checks(console: Console, checks: list[Check]) -> None:
    well, ill = showing.Marked("[green]well[/]"), showing.Marked("[red]ill[/]")
    showing.table(
        console, ("", "what", "found"), ((well if each.is_well else ill, each.what, each.found) for each in checks), text=("found",)
    )
