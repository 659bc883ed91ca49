# SPDX-License-Identifier: Apache-2.0
"""`modelward data erase`: somebody's rows are taken out of a dataset for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.granting import show_sightings
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting

if TYPE_CHECKING:
    from modelward.assessment import Erasure


def declare_erasing(nouns: typer.Typer) -> None:
    """Put the command below `modelward data`."""

    @verb(
        nouns, "erase", show=_show, example="modelward data erase adult --rows 'person == 4711' --reason 'objection of 3 November'"
    )
    def erase(
        desk: Desk,
        name: Annotated[str, typer.Argument(help="Name of the dataset.")],
        *,
        rows: Annotated[str, typer.Option(metavar="FILTER", help="Which rows, as comparisons: `person == 4711`.")],
        reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stays in the ledger, so it names no person.")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be taken out, and change nothing.")] = False,
    ) -> Erasure:
        """Take somebody's rows out of a dataset and out of all its shards, for good; see which versions may know them."""
        with waiting(desk, f"Taking rows out of {name}"):
            return desk.house.assessment.erase(name, rows=rows, reason=reason, is_trial=dry_run, by=desk.actor)


def _show(console: Console, made: Erasure) -> None:
    erased = made.erased
    is_one = erased.gone == 1
    said = f"{'is' if is_one else 'are'} taken out, and nobody can read {'it' if is_one else 'them'} again"
    said = "would be taken out; nothing was changed" if erased.erased is None else said
    showing.line(console, f"{erased.gone} of {erased.parts[0].before} rows of {erased.dataset} {said}.")
    for part in erased.parts[1:]:
        showing.line(console, f"Of its shard {part.dataset}: {part.gone} of {part.before}.")
    if made.sightings:
        show_sightings(console, made.sightings)
    for sentence in made.advice:
        showing.line(console, sentence)
