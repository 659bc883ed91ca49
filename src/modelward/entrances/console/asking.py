# SPDX-License-Identifier: Apache-2.0
"""The form that asks a version: its fields, the row it holds, and the answer with its reasons."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool

from modelward.access import Actor, Permission
from modelward.entrances.console.drawn_values import DrawnValues, drawn_values
from modelward.entrances.console.marked_text import Passage, marked_text
from modelward.entrances.console.picture import Picture, pictures_of
from modelward.entrances.console.series_field import (
    SeriesField,
    UnreadNumbersError,
    first_series,
    pasted_series,
    series_field,
)
from modelward.entrances.console.series_picture import SeriesPicture, series_pictures_of
from modelward.errors import InvalidError, ModelwardError
from modelward.registry import Feature, Interface, Version
from modelward.serving import Gateway, Question
from modelward.serving import Why as AskedWhy

FIELDS_LIMIT = 200
NOT_EXPLAINED = "Only probabilities of classes are explained, and this version answers with something else."
_VALUES_SHOWN = 200
_OPTIONS_LIMIT = 100
_PLACE = re.compile(r"\[[-\d:,]+\]$")
_HINTS = {"image": "PNG or JPEG"}


class FieldError(InvalidError):
    """A field of the form holds something that is not a number, or not the numbers of a series; `feature` is its name."""

    def __init__(self, feature: str, why: str) -> None:
        super().__init__(why)
        self.feature = feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input of the form. `key` is its name in what is sent, for a feature may be called anything; of a text or a sequence so
    many characters or entries are read as `reads` says.
    """

    key: str
    name: str
    value: str
    options: tuple[str, ...]
    hint: str
    is_number: bool
    is_long: bool
    is_image: bool
    is_nullable: bool
    reads: int
    is_sequence: bool
    series: SeriesField | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution, drawn from the middle: `left` and `width` in a picture from -50 to 50. `is_part` says that `name` is
    a place within a feature, where `value` stands.
    """

    name: str
    value: str
    contribution: float
    left: float
    width: float
    is_part: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The explanation of an answer, drawn."""

    bars: list[Bar]
    base: float
    base_of: str
    probability: float
    residual: float
    method: str
    background_rows: int
    request: str
    entry: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one question: the label with the probabilities, or the `text`, or `values`, each with its name or place, and
    `drawn` where they are an image. `unfamiliar` are the features whose value training never saw, `cut` the texts
    of which there was more than is read; `asked` and `answered` the very texts that the ledger's entry commits to.
    """

    label: str
    probabilities: list[tuple[str, float]]
    text: str | None
    values: list[tuple[str, str]]
    drawn: DrawnValues | None
    unfamiliar: list[str]
    cut: list[str]
    request: str
    entry: int | None
    asked: str
    answered: str
    why: Why | None
    why_not: str
    pictures: list[Picture]
    series: list[SeriesPicture]
    marked: list[Passage]


def fields_of(interface: Interface, form: Mapping[str, str]) -> list[Field]:
    """The form for one row, filled with what was sent before, or with something in each feature's range."""
    return [_field(feature, f"f{place}", form.get(f"f{place}")) for place, feature in enumerate(interface.features)]


def row_of(interface: Interface, form: Mapping[str, str]) -> dict[str, Any]:
    """The row that a form holds, typed by the interface.

    Raises:
        FieldError: a number or a series is none. The field is named, what it holds is not.
    """
    return {feature.name: _value(feature, form.get(f"f{place}", "")) for place, feature in enumerate(interface.features)}


def _told(answer: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The classes or items with their probabilities, the most probable first."""
    if ranking := answer.get("ranking"):
        return [(each["item"], each["probability"]) for each in ranking]
    return sorted(answer.get("probabilities", {}).items(), key=lambda item: -item[1])


async def ask(gateway: Gateway, version: Version, form: Mapping[str, str], *, by: Actor) -> Outcome:
    """Answer and explanation of one row, through the same gateway, and with the same words, as any caller's.

    Raises: as `Gateway.predict`. Where only the explanation cannot be had, the outcome says why.
    """
    row = row_of(version.interface, form)
    payload = msgspec.json.encode({"rows": [row]})
    question = Question(caller=by, model=version.model, number=version.number, payload=payload)
    reply = await gateway.predict(question, [row])
    answer = msgspec.json.decode(reply.payload)["predictions"][0]
    why, why_not = await _explain(gateway, question, row, by=by) if "label" in answer else (None, NOT_EXPLAINED)
    return Outcome(
        label=answer.get("label", ""),
        probabilities=_told(answer),
        text=answer.get("text"),
        values=[(name, _shown(value)) for name, value in _listed(answer.get("values", ()))],
        drawn=drawn_values(answer["values"], version.interface.shape) if "values" in answer else None,
        unfamiliar=answer["unfamiliar"],
        cut=answer.get("cut", []),
        request=reply.request,
        entry=reply.entry,
        asked=payload.decode(),
        answered=reply.payload.decode(),
        why=why,
        why_not=why_not,
        pictures=await run_in_threadpool(pictures_of, version.interface, row, why.bars if why else ()),
        marked=marked_text(version.interface, why.bars if why else ()),
        series=await run_in_threadpool(series_pictures_of, version.interface, row, why.bars if why else ()),
    )


async def _explain(gateway: Gateway, question: Question, row: Mapping[str, Any], *, by: Actor) -> tuple[Why | None, str]:
    if not by.may(Permission.MODELS_EXPLAIN, model=question.model):
        return None, f"Your role gets no explanations: {Permission.MODELS_EXPLAIN.value} is needed."
    try:
        reply = await gateway.explain(question, lambda: AskedWhy([row]))
    except ModelwardError as error:
        # The answer stands on its own; it was given, and is on record.
        return None, str(error)
    found = msgspec.json.decode(reply.payload)["explanations"][0]
    return Why(
        bars=bars_of(found["contributions"]),
        base=found["base"],
        base_of=found["base_of"],
        probability=found["probability"],
        residual=found["residual"],
        method=found["method"],
        background_rows=found["background_rows"],
        request=reply.request,
        entry=reply.entry,
    ), ""


def _listed(values: Any) -> list[tuple[str, Any]]:
    """The first values, each with its name, or its place in the order of rows where it has none."""
    if isinstance(values, Mapping):
        return [*values.items()][:_VALUES_SHOWN]
    flat = [*values]
    while flat and isinstance(flat[0], list):
        flat = [each for part in flat[:_VALUES_SHOWN] for each in part]
    return [(str(place), value) for place, value in enumerate(flat[:_VALUES_SHOWN], 1)]


def bars_of(contributions: list[dict[str, Any]]) -> list[Bar]:
    """Contributions as bars, the largest first."""
    widest = max((abs(part["contribution"]) for part in contributions), default=0.0) or 1.0
    bars = []
    for part in sorted(contributions, key=lambda part: -abs(part["contribution"])):
        length = 50 * part["contribution"] / widest
        name, value = part["feature"], _shown(part["value"])
        is_part = bool(value and _PLACE.search(name))
        bars.append(Bar(name, value, part["contribution"], min(0.0, length), abs(length), is_part))
    return bars


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _field(feature: Feature, key: str, sent: str | None) -> Field:
    is_number, is_long = feature.kind == "number", feature.kind in ("text", "sequence")
    options = feature.categories if feature.kind == "category" and len(feature.categories) <= _OPTIONS_LIMIT else ()
    has_range = is_number and feature.minimum is not None and feature.maximum is not None
    return Field(
        key=key,
        name=feature.name,
        # A browser fills in no file by itself.
        value="" if feature.kind == "image" else _start(feature) if sent is None else sent,
        options=options,
        hint=f"{feature.minimum:.12g} – {feature.maximum:.12g}" if has_range else _HINTS.get(feature.kind, ""),
        is_number=is_number,
        is_long=is_long,
        is_image=feature.kind == "image",
        is_nullable=feature.nullable,
        reads=feature.length,
        is_sequence=feature.kind == "sequence",
        series=series_field(feature) if feature.kind == "series" else None,
    )


def _start(feature: Feature) -> str:
    if feature.kind == "series":
        return first_series(feature)
    if feature.kind != "number":
        return feature.categories[0] if feature.categories else ""
    low, high = feature.minimum or 0.0, feature.maximum or 0.0
    # Amounts and counts that can be nothing mostly are; others lie nearer the low end than the middle of their range.
    start = low + (high - low) / 4 if low else low
    return f"{math.floor(start):d}" if high - low > 4 else f"{start:.3g}"


def _series(feature: Feature, text: str) -> Any:
    try:
        return pasted_series(feature, text)
    except UnreadNumbersError as unread:
        raise FieldError(feature.name, str(unread)) from None


def _value(feature: Feature, text: str) -> Any:
    if feature.kind == "series":
        return _series(feature, text)
    if feature.kind == "sequence":
        return [item for line in text.splitlines() for item in (part.strip() for part in line.split(",")) if item]
    if not text.strip():
        return None
    if feature.kind != "number":
        return text
    try:
        # A comma is refused rather than guessed at: it parts thousands here and decimals there.
        return float(text)
    except ValueError:
        raise FieldError(feature.name, f"The field {feature.name!r} needs a number, such as 12 or 12.5.") from None
