# SPDX-License-Identifier: Apache-2.0
"""`modelward predict` and `modelward explain`: ask a model, offline or a service."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.files import OutputUnusableError, check_output, write_output
from modelward.entrances.cli.rows import read_rows
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting

if TYPE_CHECKING:
    from modelward.serving import Batch, Explanation, Ranked

_PANEL = "Serving"
_SHOWN = 10
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model (its live version), or its live version's name.")]
RowsFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Rows: CSV, Excel, Parquet, .json or .jsonl; or an image.", exists=True, dir_okay=False),
]

RowsOrImages = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Rows: CSV, Excel, Parquet, .json or .jsonl; an image; or a folder of images.", exists=True
    ),
]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer, as the API words it."""

    label: str
    probabilities: dict[str, float]
    unfamiliar: tuple[str, ...]
    cut: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recommended:
    """One answer of a version that tells only the most probable classes, such as items that it recommends."""

    label: str
    ranking: tuple[Ranked, ...]
    unfamiliar: tuple[str, ...]
    cut: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenText:
    """One answer of a version that writes."""

    text: str
    unfamiliar: tuple[str, ...]
    cut: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """One answer of a version that gives numbers: each by its name, or nested lists where they have none."""

    values: Any
    unfamiliar: tuple[str, ...]
    cut: tuple[str, ...]


Told = Recommended | WrittenText | Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What came of a file: the answers, or the file that they are in."""

    version: str
    request: str
    entry: int
    rows: int
    unfamiliar_rows: int
    cut_rows: int
    hidden: Mapping[str, int]
    ignored: tuple[str, ...]
    output: str
    predictions: tuple[Prediction | Told, ...]


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""

    @verb(app, "predict", show=_show_predicted, panel=_PANEL, example="modelward predict income rows.csv -o answers.csv")
    def predict(
        desk: Desk,
        model: ModelName,
        file: RowsOrImages,
        output: Annotated[
            Path | None,
            typer.Option("-o", "--output", help="File for the answers, .csv or .parquet; one that is there is replaced."),
        ] = None,
    ) -> Predicted:
        """Answer a file of rows, with the numbers that the service gives."""
        check_output(output, endings=(".csv", ".parquet"))
        if output is not None and output.exists() and output.samefile(file):
            raise OutputUnusableError(f"{output} holds the rows that are asked about, and would be replaced. Name another file.")
        with waiting(desk, f"Asking {model}"):
            batch = desk.house.serving.predict_file(model, file, form=_form_of(output), by=desk.actor)
        if output:
            write_output(output, batch.payload)
        return _predicted(batch, output)

    @verb(app, "explain", show=_show_explanations, panel=_PANEL, example="modelward explain income rows.csv --label '>50K'")
    def explain(
        desk: Desk,
        model: ModelName,
        file: RowsFile,
        label: Annotated[str | None, typer.Option(help="The class to explain; else the one predicted.")] = None,
    ) -> list[Explanation]:
        """Say what each feature did to the answer to each row."""
        rows = read_rows(desk, model, file)
        with waiting(desk, f"Explaining {len(rows)} rows"):
            return desk.house.serving.explain(model, rows, label=label, by=desk.actor)


def _form_of(output: Path | None) -> Literal["csv", "parquet"]:
    """That of the file; where answers are only shown, the one that tells numbers from texts."""
    return "csv" if output is not None and output.suffix.lower() == ".csv" else "parquet"


def _predicted(batch: Batch, output: Path | None) -> Predicted:
    return Predicted(
        version=batch.version,
        request=batch.request,
        entry=batch.entry,
        rows=batch.rows,
        unfamiliar_rows=batch.unfamiliar_rows,
        cut_rows=batch.cut_rows,
        hidden=batch.hidden,
        ignored=batch.ignored,
        output=str(output or ""),
        predictions=() if output else _predictions(batch.payload),
    )


def _predictions(payload: bytes) -> tuple[Prediction | Told, ...]:
    """The answers in a Parquet table, see `Batch`."""
    import polars as pl

    table = pl.read_parquet(io.BytesIO(payload))
    notes = [_Notes(*(tuple(json.loads(row.get(note) or "[]")) for note in _Notes._fields)) for row in table.iter_rows(named=True)]
    # The files of images are told in the order of their names, and by name in a file of answers.
    answers = table.drop("row", "file", *_Notes._fields, strict=False)
    return tuple(map(_told, answers.iter_rows(named=True), notes))


class _Notes(NamedTuple):
    unfamiliar: tuple[str, ...]
    cut: tuple[str, ...]


def _told(answer: dict[str, Any], notes: _Notes) -> Prediction | Told:
    if "text" in answer:
        return WrittenText(answer["text"], *notes)
    if "values" in answer:
        return Numbers(json.loads(answer["values"]), *notes)
    if "label" not in answer:
        return Numbers({name.removeprefix("value_"): value for name, value in answer.items()}, *notes)
    if "ranking" in answer:
        return Recommended(answer["label"], _ranking(answer["ranking"]), *notes)
    label, *shares = answer.items()
    return Prediction(label[1], {name.removeprefix("probability_"): share for name, share in shares}, *notes)


def _ranking(told: str) -> tuple[Ranked, ...]:
    from modelward.serving import Ranked

    return tuple(Ranked(each["item"], each["probability"]) for each in json.loads(told))


def _show_predicted(console: Console, predicted: Predicted) -> None:
    if not predicted.output:
        _show_first(console, predicted.predictions)
    place = f"are in {predicted.output}" if predicted.output else "were given"
    if predicted.rows > _SHOWN and not predicted.output:
        place = f"were given, of which the first {_SHOWN} are shown; -o FILE keeps them all"
    showing.line(console, f"{predicted.rows} answers of {predicted.version} {place}.")
    showing.line(console, f"Request {predicted.request}, entry {predicted.entry} of the ledger.")
    if predicted.unfamiliar_rows:
        showing.line(
            console,
            f"Rows with values training never saw: {predicted.unfamiliar_rows} of {predicted.rows} (see `unfamiliar`).",
        )
    if predicted.cut_rows:
        showing.line(console, f"Rows with texts longer than is read: {predicted.cut_rows} of {predicted.rows} (see `cut`).")
    if predicted.hidden:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(predicted.hidden.items()))
        showing.line(console, f"Hidden, as the policy of the release asks: {counts}.")
    if predicted.ignored:
        showing.line(console, f"Columns that the model does not know were left out: {', '.join(predicted.ignored)}.")


def _show_first(console: Console, predictions: Sequence[Prediction | Told]) -> None:
    """The first answers, which are all of one kind."""
    if told := [each for each in predictions[:_SHOWN] if not isinstance(each, Prediction)]:
        _show_told(console, told)
        return
    first = [each for each in predictions[:_SHOWN] if isinstance(each, Prediction)]
    classes = list(first[0].probabilities) if first else []
    notes = _noted(first)
    showing.table(
        console,
        ("row", "label", *classes, *notes),
        (
            (
                place,
                each.label,
                *(f"{share:.4f}" for share in each.probabilities.values()),
                *(", ".join(getattr(each, note)) for note in notes),
            )
            for place, each in enumerate(first, 1)
        ),
        numbers=("row", *classes),
        spare=classes,
    )


def _noted(told: Sequence[Prediction | Told]) -> list[str]:
    """The columns behind the answers that say something."""
    return [note for note in _Notes._fields if any(getattr(each, note) for each in told)]


def _show_told(console: Console, told: Sequence[Told]) -> None:
    shown = [_shown(each) for each in told]
    notes = _noted(told)
    showing.table(
        console,
        ("row", *shown[0], *notes),
        (
            (place, *values.values(), *(", ".join(getattr(each, note)) for note in notes))
            for place, (each, values) in enumerate(zip(told, shown, strict=True), 1)
        ),
        numbers=("row",),
        text=("text", "values", "recommended"),
    )


def _shown(told: Told) -> dict[str, Any]:
    """The columns of an answer."""
    if isinstance(told, Recommended):
        return {"recommended": ", ".join(f"{each.item} ({each.probability:.4f})" for each in told.ranking)}
    if isinstance(told, WrittenText):
        return {"text": told.text}
    if isinstance(told.values, dict):
        return {name: f"{value:.9g}" if isinstance(value, float) else value for name, value in told.values.items()}
    return {"values": json.dumps(told.values)}


def _show_explanations(console: Console, explanations: list[Explanation]) -> None:
    for place, found in enumerate(explanations, 1):
        console.print(
            f"row {place}: [bold]{showing.cell(found.label)}[/] {found.probability:.4f} = {found.base_of} {found.base:.4f} and the "
            "sum of:",
            highlight=False,
        )
        showing.table(
            console,
            ("feature", "value", "adds"),
            ((part.feature, part.value, f"{part.contribution:+.4f}") for part in found.contributions),
            numbers=("value", "adds"),
        )
        if found.unfamiliar:
            showing.line(console, f"Training never saw such a value of: {', '.join(found.unfamiliar)}.")
        console.print(f"[dim]{showing.cell(found.method)} · residual {found.residual:.1e} · request {found.request_id}[/]\n")
