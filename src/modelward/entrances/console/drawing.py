# SPDX-License-Identifier: Apache-2.0
"""Turns nouns into what the templates show: figures, dates, form fields and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelward.errors import InvalidError
from modelward.registry import Feature, Interface

_OPTIONS_LIMIT = 60
_UNITS = ("B", "KB", "MB", "GB")


class FieldError(InvalidError):
    """A field of the prediction form holds something that is not a number."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the prediction form."""

    name: str
    value: str
    options: tuple[str, ...]
    hint: str
    is_number: bool
    nullable: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution, drawn from the middle: `left` and `width` in a picture from -50 to 50."""

    name: str
    value: float
    left: float
    width: float


def fields_of(interface: Interface, form: Mapping[str, str]) -> list[Field]:
    """The form for one row, filled with what was sent before, or with something in each feature's range."""
    return [_field(feature, form.get(f"f{place}")) for place, feature in enumerate(interface.features)]


def row_of(interface: Interface, form: Mapping[str, str]) -> dict[str, Any]:
    """The row that a form holds, typed by the interface.

    Raises:
        FieldError: a number is not one. The field is named, what it holds is not.
    """
    return {feature.name: _value(feature, form.get(f"f{place}", "")) for place, feature in enumerate(interface.features)}


def bars_of(contributions: Mapping[str, float]) -> list[Bar]:
    """Contributions as bars, the largest first."""
    widest = max((abs(value) for value in contributions.values()), default=0.0) or 1.0
    return [
        Bar(name, value, min(0.0, 50 * value / widest), 50 * abs(value) / widest)
        for name, value in sorted(contributions.items(), key=lambda item: -abs(item[1]))
    ]


def by_dimension(clauses: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    """Clauses grouped by the first part of their id, in the order in which they come."""
    groups: dict[str, list[Any]] = {}
    for clause in clauses:
        groups.setdefault(clause.id.partition(".")[0], []).append(clause)
    return list(groups.items())


def figure(value: float | None) -> str:
    """A figure in four significant digits; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def size(size_bytes: float) -> str:
    """Bytes in the unit that suits them."""
    for unit in _UNITS[:-1]:
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} {_UNITS[-1]}"


def when(moment: datetime) -> str:
    """A moment, to the second, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def fact(value: Any) -> str:
    """A fact of a ledger entry, shortened where it is a digest."""
    text = str(value)
    return f"{text[:12]}…" if len(text) > 40 else text


def _field(feature: Feature, sent: str | None) -> Field:
    is_number = feature.kind == "number"
    options = feature.categories if not is_number and len(feature.categories) <= _OPTIONS_LIMIT else ()
    hint = f"{figure(feature.minimum)} – {figure(feature.maximum)}" if is_number and feature.minimum is not None else ""
    return Field(feature.name, _start(feature) if sent is None else sent, options, hint, is_number, feature.nullable)


def _start(feature: Feature) -> str:
    if feature.kind == "number":
        low, high = feature.minimum or 0.0, feature.maximum or 0.0
        return f"{round(low + (high - low) / 4):d}" if high - low > 4 else f"{(low + high) / 2:.3g}"
    return feature.categories[0] if feature.categories else ""


def _value(feature: Feature, text: str) -> Any:
    if not text.strip():
        return None
    if feature.kind != "number":
        return text
    try:
        return float(text.replace(",", ".", 1) if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        raise FieldError(f"The field {feature.name!r} needs a number.") from None
