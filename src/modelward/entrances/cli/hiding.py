# SPDX-License-Identifier: Apache-2.0
"""`modelward data deidentify` and `data reidentify`: who is in a dataset is hidden, and told again to who may know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting

if TYPE_CHECKING:
    from modelward.datasets import Anonymity, Attack, Deidentification, Forgotten, HiddenColumn, Reidentified

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]


def declare_hiding(nouns: typer.Typer) -> None:
    """Put the commands below `modelward data`."""

    @verb(
        nouns,
        "deidentify",
        show=_show_copy,
        example="modelward data deidentify patients --as patients-hidden --column age=generalise:10 --drop room",
    )
    def deidentify(
        desk: Desk,
        name: Name,
        *,
        copy: Annotated[str, typer.Option("--as", metavar="NEW", help="Name of the dataset that it becomes.")],
        column: Annotated[
            list[str] | None,
            typer.Option(metavar="COL=OPERATOR", help="What hides every cell of a column: redact, mask:4, …; repeat it for more."),
        ] = None,
        drop: Annotated[list[str] | None, typer.Option(metavar="COL", help="A column to leave out; repeat it for more.")] = None,
        found: Annotated[
            str, typer.Option(metavar="OPERATOR", help="What hides what is found in the other columns.")
        ] = "pseudonym",
        k: Annotated[int, typer.Option("--k", metavar="N", help="Make as many rows alike in the columns of --quasi.")] = 0,
        quasi: Annotated[list[str] | None, typer.Option(metavar="COLS", help="Columns known of persons from outside.")] = None,
        sensitive: Annotated[str, typer.Option(metavar="COL", help="With --k: what nobody shall learn of a person.")] = "",
        diversity: Annotated[int, typer.Option(metavar="N", help="How many sensitive values alike rows have at least.")] = 1,
        closeness: Annotated[
            float, typer.Option(metavar="SHARE", help="How far their shares are from those of all rows at most, 0 to 1.")
        ] = 1.0,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be found and hidden, and change nothing.")] = False,
    ) -> Deidentification:
        """Hide what names persons, and register what is left as a dataset of its own."""
        from modelward.datasets import Hiding, anonymising, columns_of

        names = [name.strip() for part in quasi or () for name in part.split(",") if name.strip()]
        asked = anonymising(k=k, quasi=names, sensitive=sensitive, diversity=diversity, closeness=closeness)
        hiding = Hiding(columns=columns_of(column or ()), drop=tuple(drop or ()), found=found, anonymous=asked)
        with waiting(desk, f"Hiding who is in {name}"):
            return desk.house.deidentifying.deidentify(name, copy, hiding, is_trial=dry_run, by=desk.actor)

    @verb(
        nouns,
        "reidentify",
        show=_show_told,
        example="modelward data reidentify patients-hidden '+999 0412345678' --reason 'complaint 7'",
    )
    def reidentify(
        desk: Desk,
        name: Name,
        texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Pseudonyms, or texts that hold some.")],
        reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stays in the ledger, so it names no person.")],
    ) -> Reidentified:
        """Tell what pseudonyms of a dataset stand for, once it is on record who asked, and why."""
        return desk.house.deidentifying.reidentify(name, texts, reason=reason, by=desk.actor)

    _declare_forgetting(nouns)


def _declare_forgetting(nouns: typer.Typer) -> None:
    @verb(nouns, "forget", show=_show_forgotten, example="modelward data forget patients-hidden --reason 'the study ended'")
    def forget(
        desk: Desk,
        name: Name,
        reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stays in the ledger, so it names no person.")],
    ) -> Forgotten:
        """Destroy the book of a dataset's pseudonyms, for good: its rows stay, and nobody can tell again who is in them."""
        return desk.house.deidentifying.forget(name, reason=reason, by=desk.actor)


def _show_forgotten(console: Console, made: Forgotten) -> None:
    showing.line(console, f"The pseudonyms of {made.dataset} are forgotten: nobody can tell again what they stand for.")
    showing.line(console, "Older copies of the database still can, until the master key of their time is replaced.")


def _show_copy(console: Console, made: Deidentification) -> None:
    derived = made.derived
    is_made = f"is registered as {made.dataset}, {made.rows:,} rows" if made.fingerprint else "was looked at; nothing was changed"
    showing.line(console, f"{derived.dataset} {is_made}.")
    console.print()
    show_hidden(console, derived.columns)
    told = {"left out": derived.dropped, "pseudonyms": derived.pseudonyms}
    showing.facts(console, {name: said for name, said in told.items() if said})
    show_anonymity(console, derived.anonymity)


def show_hidden(console: Console, columns: tuple[HiddenColumn, ...]) -> None:
    """What was found and hidden in each column, in counts."""
    showing.table(
        console,
        ("column", "operator", "found", "hidden", "cells changed"),
        ((each.column, _operator(each), _counts(each.found), _counts(each.hidden), each.cells) for each in columns),
        numbers=("cells changed",),
        text=("found", "hidden"),
    )


def show_anonymity(console: Console, made: Anonymity | None) -> None:
    """How anonymous the table is, as it was counted and attacked."""
    if made is None:
        return
    console.print()
    before, after = made.attack_before, made.attack_after
    told = {
        "alike in": made.quasi,
        "classes": f"{made.classes:,}, of {made.smallest:,} to {made.largest:,} rows (asked for: {made.k:,} at least)",
        "information lost": f"{made.lost:.1%} of what these columns told; {made.withheld:,} cells tell nothing",
        "risk of a row": f"{made.highest_risk:.1%} at most, {made.mean_risk:.1%} in the mean",
        "attack": f"{_rate(after)} of rows picked right; before {_rate(before)}",
        "alone in all columns": f"{made.alone:.1%} of rows",
    }
    if made.sensitive:
        told["sensitive"] = f"{made.sensitive}: {made.diversity} values at least, distance {made.closeness:.3f} at most"
    showing.facts(console, told)


def _rate(found: Attack) -> str:
    return f"{found.hits / found.tries:.1%} ({found.low:.1%} to {found.high:.1%})"


def _operator(column: HiddenColumn) -> str:
    if not column.operator:
        return "left as it is"
    if column.operator == "alike":
        return "made alike"
    return f"{column.operator} within" if column.within else column.operator


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in counts.items())


def _show_told(console: Console, told: Reidentified) -> None:
    for text in told.texts:
        showing.line(console, text)
    count = sum(told.counts.values())
    showing.line(console, f"{count} {'pseudonym was' if count == 1 else 'pseudonyms were'} found. That you asked is on record.")
