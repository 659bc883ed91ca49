# SPDX-License-Identifier: Apache-2.0
"""Rows of JSON, columns and matrices, checked against an interface.

What a row may hold is written down once as a type that the JSON decoder checks by itself, and once as a function per feature that
finds who is to blame. The happy path raises plain errors; the blame is looked up only after something failed.
"""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import chain, pairwise
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError
from modelward.registry.table import LARGEST, Table

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

TEXT_LIMIT = 10_000
LONG_TEXT_LIMIT = 1_000_000
_ORDER = ("number", "category", "text")
_NAMES_SHOWN = 10
# A hint is made while others wait: of so many names those that share the most with the wrong one are compared, so far.
_NAMES_LOOKED_AT = 100
_NAMES_COMPARED = 3
_LETTERS_COMPARED = 50
_NEAR = 0.5
Number: TypeAlias = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
"""What a row's number may be, for a decoder of JSON to check by itself; JSON knows no NaN, so that within bounds is finite."""


class InvalidRowsError(InvalidError):
    """A row does not fit the interface of the version. The message names row and feature, never a value."""


class _Unfit(Exception):  # noqa: N818  # never leaves this file
    """Why a value does not fit its feature, in words."""


class RowReader:
    """Checks rows against one interface. It holds no state of a request, so that threads may share it."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features
        numbers = [feature for feature in features if feature.kind == "number"]
        worded = [(feature, _word) for feature in features if feature.kind == "category"]
        worded += [(feature, _long_text) for feature in features if feature.kind == "text"]
        self._numbers = [(feature.name, _number(nullable=feature.nullable)) for feature in numbers]
        self._worded = [(feature.name, encoder(nullable=feature.nullable)) for feature, encoder in worded]
        of = dict[str, Callable[[Any], float | str | None]]([*self._numbers, *self._worded])
        self._encoders = {feature.name: of[feature.name] for feature in features}
        self._never_missing = [place for place, feature in enumerate(numbers) if not feature.nullable]

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any] | None:
        """Reads `{"rows": [{"FEATURE": VALUE, …}, …]}` whose rows fit, straight into values, and refuses whatever else is said.
        None where a feature has a name that JSON has to escape, for no type can have it.
        """
        ordered = sorted(self._features, key=lambda feature: _ORDER.index(feature.kind))
        fields = [(f"f{place}", _type_of(feature)) for place, feature in enumerate(ordered)]
        named = {f"f{place}": feature.name for place, feature in enumerate(ordered)}
        try:
            row = msgspec.defstruct("Row", fields, rename=named, forbid_unknown_fields=True, gc=False)
        except ValueError:
            return None
        return msgspec.json.Decoder(msgspec.defstruct("Rows", [("rows", list[row])], forbid_unknown_fields=True))  # type: ignore[valid-type]

    def typed(self, rows: Sequence[Any]) -> Table | None:
        """The table of rows that `decoder` read; None where a text needs a closer look."""
        values = list(map(msgspec.structs.astuple, rows))
        width = len(self._numbers)
        if not self._worded:
            return Table(len(rows), values, ()) if rows else None
        texts = [row[width:] for row in values]
        for row in texts:
            for text in row:
                if type(text) is not str or not (text.isascii() or _is_text(text)):
                    return None
        return Table(len(rows), [row[:width] for row in values], texts) if rows else None

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        """See `Interface.table_of_rows`."""
        width = len(self._encoders)
        try:
            if any(len(row) != width for row in rows) or not rows:
                raise _Unfit
            numbers = [[encode(row[name]) for name, encode in self._numbers] for row in rows]
            texts = [[encode(row[name]) for name, encode in self._worded] for row in rows]
        except (_Unfit, KeyError, TypeError, AttributeError):
            raise InvalidRowsError(self._blame(rows)) from None
        return Table(len(rows), numbers, texts)

    def columns(self, columns: Mapping[str, Any]) -> Table:
        """See `Interface.table_of_columns`."""
        held = {name: _listed_values(values) for name, values in columns.items()}
        lengths = {name: len(values) for name, values in held.items()}
        wanted = max(lengths.values(), default=0)
        for name, length in lengths.items():
            if length != wanted:
                raise InvalidRowsError(
                    f"The column {name[:100]!r} has {length} rows and another has {wanted}. Send as many in each."
                )
        names = list(held)
        return self.rows([dict(zip(names, values, strict=True)) for values in zip(*held.values(), strict=True)])

    def matrix(self, rows: Sequence[Sequence[Any]] | npt.NDArray[Any]) -> Table:
        """See `Interface.table_of_matrix`."""
        width = len(self._encoders)
        if isinstance(rows, np.ndarray):
            if rows.ndim != 2:
                raise InvalidRowsError(f"The rows come in {rows.ndim} dimensions. Send two: rows, and {width} values in each.")
            if rows.dtype.kind in "fiu" and not self._worded and len(rows) and rows.shape[1] == width:
                return self._block(rows)
        for number, row in enumerate(rows, 1):
            if len(row) != width:
                raise InvalidRowsError(
                    f"Row {number} has {len(row)} values, and the version takes {width}: {_listed(list(self._encoders))}."
                )
        if not self._worded and not isinstance(rows, np.ndarray) and rows:
            flat = list(chain.from_iterable(rows))
            # What is all numbers within bounds needs no look at each; a sum is NaN where any of them is.
            if set(map(type, flat)) <= {float, int} and min(flat) >= -LARGEST and max(flat) <= LARGEST and isfinite(sum(flat)):
                return Table(len(rows), rows if type(rows) is list else list(rows), ())
        names = list(self._encoders)
        plain = rows.tolist() if isinstance(rows, np.ndarray) else rows
        return self.rows([dict(zip(names, row, strict=True)) for row in plain])

    def _block(self, block: npt.NDArray[Any]) -> Table:
        with np.errstate(over="ignore"):
            numbers = np.asarray(block, dtype=np.float32)
        # What is a little beyond float32 becomes its largest number, and is refused all the same, as it is elsewhere.
        strange = ~(np.abs(block) <= LARGEST) if block.dtype.itemsize > 4 else ~np.isfinite(numbers)
        if np.count_nonzero(strange):
            missing = np.isnan(block)
            missing[:, self._never_missing] = False
            bad = np.argwhere(strange & ~missing)
            if len(bad):
                row, column = bad[0].tolist()
                name = list(self._encoders)[column]
                raise InvalidRowsError(f"Row {row + 1}: feature {name!r} {_why_no_number(float(block[row, column]))}.")
        return Table(len(numbers), numbers, ())

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
            return f": {_unknown(unknown, missing, list(self._encoders))}"
        if missing:
            return f" lacks {_lacking(missing)}"
        for name, encode in self._encoders.items():
            try:
                encode(row[name])
            except _Unfit as unfit:
                return f": feature {name!r} {unfit}."
        return ""


def _type_of(feature: Feature) -> Any:
    if feature.kind == "number":
        return Number | None if feature.nullable else Number
    limit = LONG_TEXT_LIMIT if feature.kind == "text" else TEXT_LIMIT
    text = Annotated[str, msgspec.Meta(min_length=0 if feature.nullable else 1, max_length=limit)]
    if feature.kind == "text":
        return text | None if feature.nullable else text
    return text | bool | None if feature.nullable else text | bool


def _listed_values(values: Any) -> Sequence[Any]:
    if not isinstance(values, np.ndarray):
        return values  # type: ignore[no-any-return]  # a sequence, as the caller promised
    flat: list[Any] = values.ravel().tolist()
    # NaN is how arrays say that a number is missing.
    return [None if value != value else value for value in flat] if values.dtype.kind == "f" else flat


def _number(*, nullable: bool) -> Callable[[Any], float | None]:
    def encode(value: Any) -> float | None:
        kind = type(value)
        # A comparison with NaN is false, so that it is refused together with infinities and what float32 cannot hold.
        if (kind is float or kind is int) and -LARGEST <= value <= LARGEST:
            return value  # type: ignore[no-any-return]  # checked one line above
        if value is None and nullable:
            return None
        raise _Unfit(_why_no_number(value))

    return encode


def _word(*, nullable: bool) -> Callable[[Any], str]:
    def encode(value: Any) -> str:
        if type(value) is str and len(value) <= TEXT_LIMIT and (value or nullable) and (value.isascii() or _is_text(value)):
            return value
        if type(value) is bool:
            return "true" if value else "false"
        if value is None and nullable:
            return ""
        raise _Unfit(_why_no_words(value, limit=TEXT_LIMIT))

    return encode


def _long_text(*, nullable: bool) -> Callable[[Any], str]:
    def encode(value: Any) -> str:
        if type(value) is str and len(value) <= LONG_TEXT_LIMIT and (value or nullable) and (value.isascii() or _is_text(value)):
            return value
        if value is None and nullable:
            return ""
        raise _Unfit(_why_no_words(value, limit=LONG_TEXT_LIMIT))

    return encode


def _why_no_number(value: Any) -> str:
    if value is None:
        return "is null, and the version does not fill it in; send a number"
    if type(value) in (float, int):
        return "is not finite or beyond what float32 holds; send a finite number, or null where the version fills it in"
    return f"must be a number and is {_kind(value)}"


def _why_no_words(value: Any, *, limit: int) -> str:
    if value is None or value == "":
        return "is empty, and the version does not fill it in; send text"
    if type(value) is not str:
        return f"must be text and is {_kind(value)}"
    if len(value) > limit:
        return f"is {len(value)} characters long; the limit is {limit}"
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


def _unknown(names: Sequence[Any], missing: Sequence[str], known: Sequence[str]) -> str:
    shown = [str(name)[:100] for name in names]
    near = _nearest(shown[0], missing or known)
    if near is not None:
        hint = f"Did you mean {near!r}?" if len(shown) == 1 else f"Did you mean {near!r} by {shown[0]!r}?"
    elif 0 < len(missing) < len(known):
        hint = f"The row lacks {_listed([repr(name) for name in missing])}."
    else:
        hint = f"There are: {_listed(known)}."
    unknown = f"feature {shown[0]!r} is unknown" if len(shown) == 1 else f"{len(shown)} features are unknown: {_listed(shown)}"
    return f"{unknown}. {hint}"


def _nearest(name: str, known: Sequence[str]) -> str | None:
    """The name that was most likely meant, where one is near enough; the longest names by how they begin."""
    name = name[:_LETTERS_COMPARED]
    pairs = set(pairwise(name))

    def shared(other: str) -> int:
        other = other[:_LETTERS_COMPARED]
        return len(pairs.intersection(pairwise(other)))

    matcher = difflib.SequenceMatcher(b=name)

    def likeness(other: str) -> float:
        matcher.set_seq1(other[:_LETTERS_COMPARED])
        return matcher.ratio()

    compared = heapq.nlargest(_NAMES_COMPARED, known[:_NAMES_LOOKED_AT], key=shared)
    nearest = max(((likeness(other), -place) for place, other in enumerate(compared)), default=(0.0, 0))
    return compared[-nearest[1]] if nearest[0] >= _NEAR else None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
