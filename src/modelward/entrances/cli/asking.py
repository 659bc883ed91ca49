# SPDX-License-Identifier: Apache-2.0
"""`modelward predict` and `modelward explain`: ask a model, offline or a service."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.rows import read_rows
from modelward.entrances.cli.verb import Desk, verb

if TYPE_CHECKING:
    from modelward.serving import Batch, Explanation

ModelName = Annotated[str, typer.Argument(help="A model (its live version), or a version such as income:3.")]
RowsFile = Annotated[Path, typer.Argument(help="CSV, Excel, Parquet or JSON rows.", exists=True, dir_okay=False)]
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Predicted:
    """What came of a file: where the answers are, or the first of them."""

    batch: Batch
    output: str
    first: tuple[tuple[str, ...], ...]


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""

    @verb(app, "predict", show=_show_batch)
    def predict(
        desk: Desk,
        model: ModelName,
        file: RowsFile,
        output: Annotated[
            Path | None, typer.Option("-o", "--output", help="File to write the answers to (CSV or Parquet).")
        ] = None,
    ) -> Predicted:
        """Answer a file of rows, with the numbers that the service gives."""
        form = "parquet" if output and output.suffix.lower() == ".parquet" else "csv"
        batch: Batch = desk.house.serving.predict_file(model, file, form=form, by=desk.actor)
        if output:
            output.write_bytes(batch.payload)
        return Predicted(batch, str(output or ""), () if output else _first(batch.payload))

    @verb(app, "explain", show=_show_explanations)
    def explain(desk: Desk, model: ModelName, file: RowsFile) -> list[Explanation]:
        """Say what each feature did to the answer to each row."""
        found: list[Explanation] = desk.house.serving.explain(model, read_rows(file), by=desk.actor)
        return found


def _first(payload: bytes) -> tuple[tuple[str, ...], ...]:
    """The head and the first answers of a CSV."""
    return tuple(tuple(line) for line in islice(csv.reader(io.StringIO(payload.decode())), _SHOWN + 1))


def _show_batch(console: Console, predicted: Predicted) -> None:
    batch = predicted.batch
    where = f"are in {predicted.output}" if predicted.output else "were given"
    if predicted.first:
        showing.table(console, ("row", *predicted.first[0]), ((place, *line) for place, line in enumerate(predicted.first[1:], 1)))
    if batch.rows > _SHOWN and not predicted.output:
        where = "were given; write them all with `-o FILE`"
    console.print(
        f"{batch.rows} answers of {batch.version} {where}. Request {batch.request}, ledger entry {batch.entry}.", highlight=False
    )
    if batch.ignored:
        console.print(f"[dim]Columns that the model does not know were left out: {', '.join(batch.ignored)}[/]", highlight=False)


def _show_explanations(console: Console, explanations: list[Explanation]) -> None:
    for place, found in enumerate(explanations):
        console.print(
            f"row {place}: [bold]{showing.cell(found.label)}[/], probability {found.probability:.4f} (average {found.base:.4f})",
            highlight=False,
        )
        showing.table(
            console,
            ("feature", "adds"),
            ((part.feature, f"{part.contribution:+.4f}") for part in found.contributions),
            numbers=("adds",),
        )
        console.print(f"[dim]additivity residual {found.residual:.1e} · {found.method}[/]", highlight=False)
