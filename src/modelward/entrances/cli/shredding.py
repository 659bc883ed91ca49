# SPDX-License-Identifier: Apache-2.0
"""`modelward data shred` and `data keys`: the end of data, and the proof of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.verb import verb

if TYPE_CHECKING:
    from modelward.datasets import Shredded
    from modelward.storage import KeyStanding

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]


def declare_shredding(nouns: typer.Typer) -> None:
    """Put the commands below `modelward data`."""

    @verb(nouns, "shred", show=_show_shredded, then=_after, example="modelward data shred adult --reason 'the consent ended'")
    def shred(
        desk: Desk,
        name: Name,
        reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stays in the ledger, so it names no person.")],
    ) -> Shredded:
        """Destroy the keys of a dataset, for good: nobody can read it again, in backups of the objects neither."""
        return desk.house.shredding.shred(name, reason=reason, by=desk.actor)

    @verb(nouns, "keys", show=_show_keys)
    def keys(desk: Desk, name: Name) -> list[KeyStanding]:
        """Say of each key of a dataset whether it is there or destroyed."""
        return desk.house.shredding.keys(name, by=desk.actor)


def _show_shredded(console: Console, made: Shredded) -> None:
    count = len(made.keys)
    showing.line(console, f"The dataset {made.dataset} is shredded: {count} {'key is' if count == 1 else 'keys are'} destroyed.")
    if made.shards:
        showing.line(console, f"Rows of it are still in {', '.join(made.shards)}: shards and copies are datasets of their own.")
    showing.line(console, "Versions made from it stay. Older copies of the database die with the master key of their time.")


def _after(_desk: Desk, _made: Shredded) -> str:
    return "modelward keys rotate-master    (older copies of the database open nothing then)"


def _show_keys(console: Console, found: list[KeyStanding]) -> None:
    showing.table(
        console,
        ("key", "seals", "state", "object"),
        ((key.id or "in the object", key.label, _state(key), showing.beginning(key.object)) for key in found),
        text=("seals", "state"),
        spare=("object",),
    )


def _state(key: KeyStanding) -> str:
    if key.destroyed:
        return f"destroyed on {key.destroyed:%Y-%m-%d %H:%M} UTC"
    return f"there, wrapped by {key.master}" if key.master else "missing"
