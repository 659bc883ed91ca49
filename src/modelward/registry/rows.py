# SPDX-License-Identifier: Apache-2.0
"""Rows of JSON into the columns a graph takes, checked on the way.

One encoder per feature is prepared once; a row then costs one dictionary look-up and one call per feature, and all numbers of
a request share one array. The happy path raises plain errors; who is to blame is looked up only after something failed.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

TEXT_LIMIT = 10_000
_LARGEST = float(np.finfo(np.float32).max)
_NAN = float("nan")


class InvalidRowsError(InvalidError):
    """A row does not fit the interface of the version. The message names row and feature, never a value."""


class _Unfit(Exception):  # noqa: N818  # never leaves this file
    """Why a value does not fit its feature, in words."""


class RowEncoder:
    """The prepared encoders of one interface. It holds no state of a request, so that threads may share it."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._width = len(features)
        self._encoders = {
            feature.name: (_number if feature.kind == "number" else _category)(nullable=feature.nullable) for feature in features
        }
        self._numbers = [(feature.name, self._encoders[feature.name]) for feature in features if feature.kind == "number"]
        self._categories = [(feature.name, self._encoders[feature.name]) for feature in features if feature.kind == "category"]

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
        """See `Interface.columns`."""
        try:
            if any(len(row) != self._width for row in rows) or not rows:
                raise _Unfit
            numbers = [encode(row[name]) for name, encode in self._numbers for row in rows]
            categories = [encode(row[name]) for name, encode in self._categories for row in rows]
        except (_Unfit, KeyError, TypeError, AttributeError):
            raise InvalidRowsError(self._blame(rows)) from None
        columns: dict[str, npt.NDArray[Any]] = {}
        for encoders, values, kind in ((self._numbers, numbers, np.float32), (self._categories, categories, object)):
            block = np.array(values, dtype=kind).reshape(len(encoders), len(rows), 1)
            columns.update(zip((name for name, _ in encoders), block, strict=True))
        return columns

    def _blame(self, rows: Sequence[Mapping[str, Any]]) -> str:
        if isinstance(rows, Mapping | str | bytes) or not isinstance(rows, Sequence):
            return "Rows come as a list of objects, each with the named features of one row."
        if not rows:
            return "There are no rows. Send at least one."
        faults = (f"Row {number}: {fault}" for number, row in enumerate(rows, 1) if (fault := self._fault(row)))
        return next(faults, "The rows do not fit the interface.")

    def _fault(self, row: Any) -> str:
        if not isinstance(row, Mapping):
            return f"it is {_kind(row)}; send an object with the named features."
        missing = [name for name in self._encoders if name not in row]
        unknown = [name for name in row if name not in self._encoders]
        if unknown:
            return _unknown(unknown[0], missing or list(self._encoders))
        if missing:
            others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            return f"feature {missing[0]!r}{others} is missing. Send it, or null where the version fills it in."
        for name, encode in self._encoders.items():
            try:
                encode(row[name])
            except _Unfit as unfit:
                return f"feature {name!r} {unfit}."
        return ""


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


def _unknown(name: Any, known: Sequence[str]) -> str:
    shown = str(name)[:100]
    near = difflib.get_close_matches(shown, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known[:20])}{', …' if len(known) > 20 else ''}."
    return f"feature {shown!r} is unknown. {hint}"
