# SPDX-License-Identifier: Apache-2.0
"""`modelward terms`: what whoever uses a model or a dataset has to accept before."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.files import read_text
from modelward.entrances.cli.noting import note_thing_to_come
from modelward.entrances.cli.verb import noun, verb

if TYPE_CHECKING:
    from modelward.access import Acceptance, OfferedTerms, Terms

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="What they hold for, as model:income or dataset:adult.")]


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    terms = noun(app, "terms", about="Terms of confidentiality of models and datasets.", panel="Accountability")

    @verb(terms, "put", show=_show_put, example="modelward terms put model:income terms.txt")
    def put(
        desk: Desk,
        subject: Subject,
        file: Annotated[Path, typer.Argument(help="The terms, plain text in UTF-8.", exists=True, dir_okay=False)],
        replaces: Annotated[
            str, typer.Option(metavar="SHA256", help="Only in the place of these, which `terms show` tells; or of `none`.")
        ] = "",
    ) -> Terms:
        """Put terms in place. Whoever used it before accepts them anew."""
        put = desk.house.access.terms.put(subject, read_text(file), replaces=replaces, by=desk.actor)
        note_thing_to_come(desk, put.subject)
        return put

    @verb(terms, "list", show=_show_all)
    def list_(desk: Desk) -> list[OfferedTerms]:
        """List the terms in place, and when you accepted each."""
        return desk.house.access.terms.list(by=desk.actor)

    @verb(terms, "show", show=_show_one)
    def show(desk: Desk, subject: Subject) -> OfferedTerms:
        """Show terms, and when you accepted them."""
        return desk.house.access.terms.show(subject, by=desk.actor)

    @verb(terms, "accept", show=_show_accepted, example="modelward terms accept model:income")
    def accept(
        desk: Desk,
        subject: Subject,
        digest: Annotated[str, typer.Option(metavar="SHA256", help="Only if the terms are those; `terms show` tells it.")] = "",
        for_: Annotated[str, typer.Option("--for", metavar="KEY_ID", help="On behalf of this key, as who manages keys.")] = "",
    ) -> Acceptance:
        """Accept the terms in place, which goes on record with their digest."""
        return desk.house.access.terms.accept(subject, digest=digest, key=for_, by=desk.actor)


def _show_put(console: Console, terms: Terms) -> None:
    showing.line(console, f"The terms of {terms.subject} are in place: {terms.digest}.")


def _show_accepted(console: Console, acceptance: Acceptance) -> None:
    showing.line(console, f"{acceptance.actor} accepted the terms of {acceptance.subject}: {acceptance.digest}.")


def _show_all(console: Console, found: list[OfferedTerms]) -> None:
    showing.table(
        console,
        ("of", "put", "by", "digest", "you accepted"),
        ((o.terms.subject, o.terms.put, o.terms.by, showing.beginning(o.terms.digest), _accepted(o)) for o in found),
        spare=("by",),
    )
    for each in found:
        if each.fault:
            showing.line(console, each.fault)


def _accepted(offered: OfferedTerms) -> datetime | str:
    return "broken" if offered.fault else offered.accepted or "not yet"


def _show_one(console: Console, found: OfferedTerms) -> None:
    terms = found.terms
    told = {"terms of": terms.subject, "put": terms.put, "by": terms.by, "digest": terms.digest}
    showing.facts(console, told | {"you accepted": _accepted(found)})
    console.print()
    showing.line(console, terms.text)
