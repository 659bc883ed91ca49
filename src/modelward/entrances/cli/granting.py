# SPDX-License-Identifier: Apache-2.0
"""`modelward data grant` and its sisters: which model may have which data, for what, and what was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.limits import limiting
from modelward.entrances.cli.noting import note_models_to_come
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting
from modelward.errors import InvalidError

if TYPE_CHECKING:
    from modelward.assessment import Sighting, Trace
    from modelward.datasets import Grant, Reading

Model = Annotated[str, typer.Argument(help="Name of the model.")]
Name = Annotated[str, typer.Argument(help="Name of the dataset.")]


def declare_grants(nouns: typer.Typer) -> None:
    """Put the commands below `modelward data`."""

    @verb(
        nouns,
        "grant",
        show=_show_grant,
        example="modelward data grant income adult --purpose 'pre-screening of grants' --columns age,education,income "
        "--rows 'consent == \"yes\"' --until 2030-01-31",
    )
    def grant(
        desk: Desk,
        model: Model,
        name: Name,
        purpose: Annotated[list[str], typer.Option(help="What the model may be for; repeat it, or separate by semicolons.")],
        columns: Annotated[
            list[str] | None,
            typer.Option(metavar="COL", help="Only this column; repeat it, or separate by commas.", callback=limiting),
        ] = None,
        rows: Annotated[
            str | None,
            typer.Option(metavar="FILTER", help="Only these rows, such as: age >= 18 and state != 'CA'.", callback=limiting),
        ] = None,
        until: Annotated[datetime | None, typer.Option(metavar="DATE", help="When it ends, UTC, such as 2030-01-31.")] = None,
    ) -> Grant:
        """Grant a dataset to a model: which columns and rows it is made and measured from."""
        named = [part.strip(" ") for each in columns for part in each.split(",") if part.strip(" ")] if columns else None
        ends = until.replace(tzinfo=UTC) if until else None
        agreed = "; ".join(purpose)
        made = desk.house.grants.grant(model, name, purpose=agreed, columns=named, rows=rows or "", until=ends, by=desk.actor)
        if not desk.is_remote:
            note_models_to_come(desk, [model], what="grant reaches")
        return made

    @verb(nouns, "grants", show=_show_grants)
    def grants(
        desk: Desk,
        name: Annotated[str, typer.Argument(help="Only of this dataset.")] = "",
        model: Annotated[str, typer.Option(help="Only to this model.")] = "",
    ) -> Sequence[Grant]:
        """List what is granted to which model, and what was."""
        return desk.house.grants.list(dataset=name, model=model, by=desk.actor)

    @verb(nouns, "revoke", show=_show_revoked, example="modelward data revoke income adult")
    def revoke(desk: Desk, model: Model, name: Name) -> Grant:
        """Take a grant back: nothing is read under it any more, and a training that goes on stops."""
        return desk.house.grants.revoke(model, name, by=desk.actor)

    @verb(nouns, "reads", show=_show_reads)
    def reads(desk: Desk, name: Name) -> Sequence[Reading]:
        """See who had rows of a dataset: when, for which model, which columns, for what."""
        return desk.house.grants.reads(name, by=desk.actor)

    @verb(nouns, "trace", show=_show_trace, example="modelward data trace adult --where person=4711")
    def trace(
        desk: Desk,
        name: Name,
        where: Annotated[str, typer.Option(metavar="COL=VALUE", help="The records whose column has that value.")],
    ) -> Trace:
        """See which versions ever saw somebody's records, and what follows."""
        column, is_given, value = where.partition("=")
        if not is_given or value.startswith("="):
            raise InvalidError(
                "What is looked for is written as a column and a value, with one `=` between them: `--where person=4711`."
            )
        with waiting(desk, f"Looking through the versions made from {name}"):
            return desk.house.assessment.trace(name, column=column.strip(), value=value.strip(), by=desk.actor)


def _show_trace(console: Console, trace: Trace) -> None:
    showing.facts(console, {"dataset": trace.dataset, "records": trace.rows})
    console.print()
    show_sightings(console, trace.sightings)
    for sentence in trace.advice:
        showing.line(console, sentence)


def show_sightings(console: Console, sightings: Sequence[Sighting]) -> None:
    """What versions saw of somebody's rows."""
    showing.table(
        console,
        ("version", "train", "validation", "test", "kept from it", "note"),
        ((s.version, s.train, s.validation, s.test, s.outside, s.unknown) for s in sightings),
        numbers=("train", "validation", "test", "kept from it"),
        text=("note",),
    )


def _show_grant(console: Console, grant: Grant) -> None:
    showing.facts(
        console,
        {
            "grant": grant.id,
            "model": grant.model,
            "dataset": grant.dataset,
            "columns": _columns(grant),
            "rows": grant.rows or "every row",
            "purpose": grant.purpose,
            "until": grant.until or "it is revoked",
            "by": grant.by,
        },
    )
    for note in grant.notes:
        showing.line(console, note)


def _show_revoked(console: Console, grant: Grant) -> None:
    showing.line(console, f"The grant {grant.id} of {grant.dataset} to {grant.model} is revoked.")
    showing.line(console, "Versions that were made under it stay; take them out of service with `modelward release pause`.")


def _show_grants(console: Console, found: Sequence[Grant]) -> None:
    now = datetime.now(UTC)
    showing.table(
        console,
        ("grant", "dataset", "model", "state", "columns", "rows", "purpose", "until", "by"),
        (
            (
                each.id,
                each.dataset,
                each.model,
                "in force" if each.stands(now) else "revoked" if each.revoked else "ended",
                _columns(each),
                each.rows or "every row",
                each.purpose,
                each.until,
                each.by,
            )
            for each in found
        ),
        text=("columns", "rows", "purpose"),
        spare=("by", "until"),
    )


def _show_reads(console: Console, found: Sequence[Reading]) -> None:
    showing.table(
        console,
        ("at", "reader", "on behalf of", "use", "purpose", "columns", "rows", "grant"),
        ((r.at, r.reader, r.by, r.use, r.purpose, ", ".join(r.columns), r.rows, r.grant) for r in found),
        numbers=("rows",),
        text=("purpose", "columns"),
        spare=("grant", "use"),
    )


def _columns(grant: Grant) -> str:
    return "every column" if grant.columns is None else ", ".join(grant.columns)
