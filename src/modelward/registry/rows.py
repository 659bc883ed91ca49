# SPDX-License-Identifier: Apache-2.0
"""Rows of JSON into the columns a graph takes, checked on the way.

One encoder per feature is prepared once; a row then costs one dictionary look-up and one call per feature, and all numbers of
a request share one array, which is compared with what training saw as a whole. The happy path raises plain errors; who is to
blame is looked up only after something failed.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

TEXT_LIMIT = 10_000
_LARGEST = float(np.finfo(np.float32).max)
_NAN = float("nan")
_NAMES_SHOWN = 10


class InvalidRowsError(InvalidError):
    """A row does not fit the interface of the version. The message names row and feature, never a value."""


class _Unfit(Exception):  # noqa: N818  # never leaves this file
    """Why a value does not fit its feature, in words."""


class Encoded(NamedTuple):
    """Rows as a graph takes them, and for each row the features whose value training never saw."""

    columns: dict[str, npt.NDArray[Any]]
    unfamiliar: list[tuple[str, ...]]


class RowEncoder:
    """The prepared encoders of one interface. It holds no state of a request, so that threads may share it."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._width = len(features)
        numbers = [feature for feature in features if feature.kind == "number"]
        categories = [feature for feature in features if feature.kind == "category"]
        self._numbers = [(feature.name, _number(nullable=feature.nullable)) for feature in numbers]
        self._categories = [(feature.name, _category(nullable=feature.nullable)) for feature in categories]
        of = dict[str, Callable[[Any], float | str]]([*self._numbers, *self._categories])
        self._encoders = {feature.name: of[feature.name] for feature in features}
        # As float32, like the rows: a number that the graph cannot tell from one of training is none that training never saw.
        self._lowest = _bounds((feature.minimum for feature in numbers), unknown=-np.inf)
        self._highest = _bounds((feature.maximum for feature in numbers), unknown=np.inf)
        # What the version fills in is nothing unfamiliar, so the empty text is known.
        self._known = [
            (feature.name, place, frozenset((*feature.categories, "")))
            for place, feature in enumerate(categories)
            if feature.categories
        ]

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> Encoded:
        """See `Interface.encode`."""
        try:
            if any(len(row) != self._width for row in rows) or not rows:
                raise _Unfit
            numbers = [encode(row[name]) for name, encode in self._numbers for row in rows]
            categories = [encode(row[name]) for name, encode in self._categories for row in rows]
        except (_Unfit, KeyError, TypeError, AttributeError):
            raise InvalidRowsError(self._blame(rows)) from None
        block = np.array(numbers, dtype=np.float32).reshape(len(self._numbers), len(rows), 1)
        texts = np.array(categories, dtype=object).reshape(len(self._categories), len(rows), 1)
        columns: dict[str, npt.NDArray[Any]] = dict(zip((name for name, _ in self._numbers), block, strict=True))
        columns.update(zip((name for name, _ in self._categories), texts, strict=True))
        return Encoded(columns, self._unfamiliar(block, categories, len(rows)))

    def _unfamiliar(self, numbers: npt.NDArray[np.float32], categories: list[str], rows: int) -> list[tuple[str, ...]]:
        strange: dict[str, Iterable[int]] = {}
        # A comparison with NaN, which stands for missing, is false.
        outside = (numbers < self._lowest) | (numbers > self._highest)
        if np.count_nonzero(outside):
            strange |= {name: np.flatnonzero(column) for (name, _), column in zip(self._numbers, outside, strict=True)}
        for name, place, known in self._known:
            given = categories[place * rows : (place + 1) * rows]
            if not known.issuperset(given):
                strange[name] = [at for at, value in enumerate(given) if value not in known]
        if not strange:
            return [()] * rows
        found: list[list[str]] = [[] for _ in range(rows)]
        for name in self._encoders:
            for at in strange.get(name, ()):
                found[at].append(name)
        return [tuple(names) for names in found]

    def _blame(self, rows: Sequence[Mapping[str, Any]]) -> str:
        if isinstance(rows, Mapping | str | bytes) or not isinstance(rows, Sequence):
            return "Rows come as a list of objects, each with the named features of one row."
        if not rows:
            return "There are no rows. Send at least one."
        faults = (f"Row {number}{fault}" for number, row in enumerate(rows, 1) if (fault := self._fault(row)))
        return next(faults, "The rows do not fit the interface.")

    def _fault(self, row: Any) -> str:
        if not isinstance(row, Mapping):
            return f": it is {_kind(row)}; send an object with the named features."
        missing = [name for name in self._encoders if name not in row]
        unknown = [name for name in row if name not in self._encoders]
        if unknown:
            return f": {_unknown(unknown, missing or list(self._encoders))}"
        if missing:
            return f" lacks {_lacking(missing)}"
        for name, encode in self._encoders.items():
            try:
                encode(row[name])
            except _Unfit as unfit:
                return f": feature {name!r} {unfit}."
        return ""


def _bounds(limits: Iterable[float | None], *, unknown: float) -> npt.NDArray[np.float32]:
    """One bound per number, float32 [numbers, 1, 1]; where training said none, one that nothing passes."""
    held = [unknown if limit is None else min(max(limit, -_LARGEST), _LARGEST) for limit in limits]
    return np.array(held, dtype=np.float32).reshape(-1, 1, 1)


def _number(*, nullable: bool) -> Callable[[Any], float]:
    def encode(value: Any) -> float:
        kind = type(value)
        # A comparison with NaN is false, so that it is refused together with infinities and what float32 cannot hold.
        if (kind is float or kind is int) and -_LARGEST <= value <= _LARGEST:
            return value  # type: ignore[no-any-return]  # checked one line above
        if value is None and nullable:
            return _NAN
        raise _Unfit(_why_no_number(value))

    return encode


def _category(*, nullable: bool) -> Callable[[Any], str]:
    def encode(value: Any) -> str:
        if type(value) is str and len(value) <= TEXT_LIMIT and (value or nullable) and (value.isascii() or _is_text(value)):
            return value
        if type(value) is bool:
            return "true" if value else "false"
        if value is None and nullable:
            return ""
        raise _Unfit(_why_no_category(value))

    return encode


def _why_no_number(value: Any) -> str:
    if value is None:
        return "is null, and the version does not fill it in; send a number"
    if type(value) in (float, int):
        return "is not finite or beyond what float32 holds; send a finite number, or null where the version fills it in"
    return f"must be a number and is {_kind(value)}"


def _why_no_category(value: Any) -> str:
    if value is None or value == "":
        return "is empty, and the version does not fill it in; send text"
    if type(value) is not str:
        return f"must be text and is {_kind(value)}"
    if len(value) > TEXT_LIMIT:
        return f"is {len(value)} characters long; the limit is {TEXT_LIMIT}"
    return "holds half a character (a lone surrogate); send valid Unicode"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    """The JSON type of a value, in words: it may be told where the value may not."""
    names = {bool: "true or false", str: "text", list: "a list", dict: "an object", float: "a number", int: "a number"}
    return "null" if value is None else names.get(type(value), "something else")


def _lacking(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"the feature {names[0]!r}. Send it, or null where the version fills it in."
    return f"{len(names)} features: {_listed(names)}. Send each, or null where the version fills it in."


def _unknown(names: Sequence[Any], known: Sequence[str]) -> str:
    shown = [str(name)[:100] for name in names]
    near = difflib.get_close_matches(shown[0], known, n=1, cutoff=0.5)
    if len(shown) == 1:
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {_listed(known)}."
        return f"feature {shown[0]!r} is unknown. {hint}"
    hint = f"Did you mean {near[0]!r} by {shown[0]!r}?" if near else f"There are: {_listed(known)}."
    return f"{len(shown)} features are unknown: {_listed(shown)}. {hint}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
