# SPDX-License-Identifier: Apache-2.0
"""`modelward keys guard` and `rotate-master`: what keeps the home's own keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting

if TYPE_CHECKING:
    from modelward.access import MasterRotated
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

    @verb(keys, "rotate-master", show=_show_rotated, then=_after_rotation, example="modelward keys rotate-master")
    def rotate_master(desk: Desk) -> MasterRotated:
        """Replace the master key, which wraps the key of every dataset, model and report.

        No file is encrypted again, and servers go on meanwhile. Where it is cut off, nothing is lost: run it again.
        """
        with waiting(desk, "Wrapping data keys anew"):
            return desk.house.rotation.rotate(by=desk.actor)


def _show_rotated(console: Console, made: MasterRotated) -> None:
    before = " and ".join(made.before)
    showing.line(console, f"{made.rewrapped:,} data keys are wrapped by the master key {made.master} now.")
    if before:
        showing.line(
            console, f"{before} left the keyring {made.keyring}. What only {before} wrapped is dead: older copies of the rows."
        )


def _after_rotation(_desk: Desk, _made: MasterRotated) -> str:
    return "modelward backup FILE    (older ones open with the older keyring alone; copy the new one to where you keep it)"


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
