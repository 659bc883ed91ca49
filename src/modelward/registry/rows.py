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
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError
from modelward.images import count_anew
from modelward.registry.kinds import KINDS
from modelward.registry.kinds.number import why_no_number
from modelward.registry.table import Table
from modelward.registry.values import LARGEST, UnfitValueError, flat, is_unicode, json_kind

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

_ORDER = tuple(KINDS)
_NAMES_SHOWN = 10
# A hint is made while others wait: of so many names those that share the most with the wrong one are compared, so far.
_NAMES_LOOKED_AT = 100
_NAMES_COMPARED = 3
_LETTERS_COMPARED = 50
_NEAR = 0.5


class InvalidRowsError(InvalidError):
    """A row does not fit the interface of the version. The message names row and feature, never a value."""


class RowReader:
    """Checks rows against one interface. It holds no state of a request, so that threads may share it."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features
        numbers = [feature for feature in features if feature.kind == "number"]
        others = [feature for feature in _in_order(features) if feature.kind != "number"]
        self._numbers = [(feature.name, feature.sort.encoder(feature)) for feature in numbers]
        self._others = [(feature.name, feature.sort.encoder(feature)) for feature in others]
        of = dict[str, Callable[[Any], Any]]([*self._numbers, *self._others])
        self._encoders = {feature.name: of[feature.name] for feature in features}
        self._is_free = not any(feature.is_bound for feature in features)
        self._never_missing = [place for place, feature in enumerate(numbers) if not feature.nullable]

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any] | None:
        """Reads `{"rows": [{"FEATURE": VALUE, …}, …]}` whose rows fit, straight into values, and refuses whatever else is said.
        None where a feature has a name that JSON has to escape, for no type can have it, or is of a kind that no type can check.
        """
        ordered = _in_order(self._features)
        fields = [(f"f{place}", feature.sort.json_type(feature)) for place, feature in enumerate(ordered)]
        if any(kind is None for _, kind in fields):
            return None
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
        if not self._others:
            return Table(len(rows), values, ()) if rows else None
        texts = [row[width:] for row in values]
        for row in texts:
            for text in row:
                if type(text) is not str or not (text.isascii() or is_unicode(text)):
                    return None
        return Table(len(rows), [row[:width] for row in values], texts) if rows else None

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        """See `Interface.table_of_rows`."""
        width = len(self._encoders)
        try:
            if any(len(row) != width for row in rows) or not rows:
                raise UnfitValueError
            numbers = [[encode(row[name]) for name, encode in self._numbers] for row in rows]
            others = [[encode(row[name]) for name, encode in self._others] for row in rows]
        except (UnfitValueError, KeyError, TypeError, AttributeError):
            count_anew()
            raise InvalidRowsError(self._blame(rows)) from None
        return Table(len(rows), numbers, others)

    def columns(self, columns: Mapping[str, Any], *, check_count: Callable[[int], None]) -> Table:
        """See `Interface.table_of_columns`. `check_count` refuses too many rows."""
        held = {name: self._listed(name, values) for name, values in columns.items()}
        lengths = {name: len(values) for name, values in held.items()}
        wanted = max(lengths.values(), default=0)
        for name, length in lengths.items():
            if length != wanted:
                raise InvalidRowsError(
                    f"The column {name[:100]!r} has {length} rows and another has {wanted}. Send as many in each."
                )
        check_count(wanted)
        names = list(held)
        return self.rows([dict(zip(names, values, strict=True)) for values in zip(*held.values(), strict=True)])

    def matrix(self, rows: Sequence[Sequence[Any]] | npt.NDArray[Any], *, check_count: Callable[[int], None]) -> Table:
        """See `Interface.table_of_matrix`. `check_count` refuses too many rows."""
        width = len(self._encoders)
        if isinstance(rows, np.ndarray):
            if rows.ndim != 2:
                raise InvalidRowsError(f"The rows come in {rows.ndim} dimensions. Send two: rows, and {width} values in each.")
            if rows.dtype.kind in "fiu" and not self._others and self._is_free and len(rows) and rows.shape[1] == width:
                return self._block(rows)
        check_count(len(rows))
        for number, row in enumerate(rows, 1):
            if len(row) != width:
                raise InvalidRowsError(
                    f"Row {number} has {len(row)} values, and the version takes {width}: {_listed(list(self._encoders))}."
                )
        if not self._others and self._is_free and not isinstance(rows, np.ndarray) and rows:
            flat = list(chain.from_iterable(rows))
            # What is all numbers within bounds needs no look at each; a sum is NaN where any of them is.
            if set(map(type, flat)) <= {float, int} and min(flat) >= -LARGEST and max(flat) <= LARGEST and isfinite(sum(flat)):
                return Table(len(rows), rows if type(rows) is list else list(rows), ())
        names = list(self._encoders)
        plain = rows.tolist() if isinstance(rows, np.ndarray) else rows
        return self.rows([dict(zip(names, row, strict=True)) for row in plain])

    def _listed(self, name: str, values: Any) -> Sequence[Any]:
        if not isinstance(values, np.ndarray):
            return values  # type: ignore[no-any-return]  # a sequence, as the caller promised
        feature = next((each for each in self._features if each.name == name), None)
        return flat(values) if feature is None else feature.sort.listed(values, feature)

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
                raise InvalidRowsError(f"Row {row + 1}: feature {name!r} {why_no_number(float(block[row, column]))}.")
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
            return f": it is {json_kind(row)}; send an object with the named features."
        missing = [name for name in self._encoders if name not in row]
        unknown = [name for name in row if name not in self._encoders]
        if unknown:
            return f": {_unknown(unknown, missing, list(self._encoders))}"
        if missing:
            return f" lacks {_lacking(missing)}"
        for name, encode in self._encoders.items():
            try:
                encode(row[name])
            except UnfitValueError as unfit:
                return f": feature {name!r} {unfit}."
        return ""


def _in_order(features: Sequence[Feature]) -> list[Feature]:
    """The features as a row of a table holds them."""
    return sorted(features, key=lambda feature: _ORDER.index(feature.kind))


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
