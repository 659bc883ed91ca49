# SPDX-License-Identifier: Apache-2.0
"""`modelward keys guard`: what keeps the home's own keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.verb import verb

if TYPE_CHECKING:
    from modelward.storage import Means


class GuardShown(msgspec.Struct, frozen=True):
    """Which guard keeps the keyring, and which did before it was put under another."""

    keyring: str
    guard: str
    before: str | None = None


def declare(keys: typer.Typer) -> None:
    """Put the command into the tree."""

    @verb(keys, "guard", show=_show, then=_after, only_here=True, example="modelward keys guard passphrase")
    def guard(
        desk: Desk,
        name: Annotated[
            str | None, typer.Argument(metavar="GUARD", help="Put the keyring under it: file, passphrase or command; else show it.")
        ] = None,
        passphrase_file: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help="File (mode 0600) with the new passphrase; else it is asked, or the settings name it."
            ),
        ] = None,
    ) -> GuardShown:
        """Show what guards the home's keyring, or put it under another guard.

        A passphrase and the program of the guard `command` are told by settings from then on.
        """
        custody, path = desk.house.custody, str(desk.settings.keyring_path)
        held = custody.guard(by=desk.actor)
        if name is None:
            return GuardShown(path, held)
        custody.put_under(name, _new_means(desk, passphrase_file, held=held), by=desk.actor)
        return GuardShown(path, name, held)


def _new_means(desk: Desk, passphrase_file: Path | None, *, held: str) -> Means:
    """What the keyring opens with from now on. Who is at a terminal and has a passphrase already is asked for the new one."""
    from dataclasses import replace

    means = desk.means
    if passphrase_file is not None:
        return replace(means, passphrase_file=passphrase_file)
    return replace(means, passphrase_file=None, passphrase_descriptor=None) if held == "passphrase" else means


def _show(console: Console, shown: GuardShown) -> None:
    if shown.before is None:
        showing.facts(console, {"keyring": shown.keyring, "guard": shown.guard})
    else:
        showing.line(console, f"The keyring {shown.keyring} is under the guard {shown.guard!r} now. Before: {shown.before!r}.")


def _after(_desk: Desk, shown: GuardShown) -> str:
    if shown.before is None or shown.before == "command":
        return ""
    return f"erase older copies of {shown.keyring}: what opened them then opens them still"
