# SPDX-License-Identifier: Apache-2.0
"""Tables: rows that were checked against an interface, on their way to a graph.

A table is cheap to make for one row and cheap to join with others, so that the arrays are made once for all rows that are
computed together.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from modelward.registry.kinds import KINDS
from modelward.registry.texts import Alphabet, read_texts
from modelward.registry.values import LARGEST

if TYPE_CHECKING:
    from modelward.registry.interface import Feature


_ORDER = tuple(KINDS)


class Table:
    """Checked rows. `numbers` holds them row by row, [rows, numbers], as lists of numbers and None, or as float32 with NaN for what
    is missing; `others` likewise [rows, categories and then the rest], each as the encoder of its kind gave it.
    """

    __slots__ = ("numbers", "others", "rows")

    def __init__(
        self, rows: int, numbers: Sequence[Sequence[float | None]] | npt.NDArray[np.float32], others: Sequence[Sequence[Any]]
    ) -> None:
        self.rows = rows
        self.numbers = numbers
        self.others = others

    def __len__(self) -> int:
        return self.rows


class Columns(Mapping[str, npt.NDArray[Any]]):
    """Rows as a graph takes them, a column for each feature: float32 [rows, 1] for numbers; what else there is lies in `others`, as
    `Kind.column` of each makes it.

    The numbers lie side by side, float32 [rows, numbers] in the order of `number_names`, and are cut into columns only when asked
    for one: most graphs would put them side by side again.
    """

    __slots__ = ("number_names", "numbers", "others", "rows")

    def __init__(
        self, number_names: tuple[str, ...], numbers: npt.NDArray[np.float32], others: Mapping[str, npt.NDArray[Any]]
    ) -> None:
        self.rows = len(numbers)
        self.number_names = number_names
        self.numbers = numbers
        self.others = others

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name in self.others:
            return self.others[name]
        try:
            place = self.number_names.index(name)
        except ValueError:
            raise KeyError(name) from None
        return np.ascontiguousarray(self.numbers[:, place : place + 1])

    def __iter__(self) -> Iterator[str]:
        yield from self.number_names
        yield from self.others

    def __len__(self) -> int:
        return len(self.number_names) + len(self.others)

    def apart(self) -> dict[str, npt.NDArray[Any]]:
        """Every column by itself, all made at once."""
        block = np.ascontiguousarray(self.numbers.T).reshape(len(self.number_names), self.rows, 1)
        return {**dict(zip(self.number_names, block, strict=True)), **self.others}

    def twice(self) -> Columns:
        """The same rows, and then the same rows again."""
        others = {name: np.concatenate((values, values)) for name, values in self.others.items()}
        return Columns(self.number_names, np.concatenate((self.numbers, self.numbers)), others)


class Encoded(NamedTuple):
    """Rows as a graph takes them; for each row the features whose value training never saw; and likewise the texts of which there
    was more than is read, or nothing at all where there was of none.
    """

    columns: Columns
    unfamiliar: list[tuple[str, ...]]
    cut: Sequence[tuple[str, ...]] = ()


class ColumnWriter:
    """Makes a graph's columns out of tables. It holds no state of a request, so that threads may share it."""

    def __init__(self, features: Sequence[Feature]) -> None:
        numbers = [feature for feature in features if feature.kind == "number"]
        categories = [feature for feature in features if feature.kind == "category"]
        self._names = [feature.name for feature in features]
        self._numbers = tuple(feature.name for feature in numbers)
        self._categories = [feature.name for feature in categories]
        rest = [feature for feature in features if feature.kind not in ("number", "category")]
        self._rest = sorted(rest, key=lambda feature: _ORDER.index(feature.kind))
        self._sequences = [
            (feature.name, place, frozenset(feature.categories))
            for place, feature in enumerate(self._rest, len(categories))
            if feature.kind == "sequence" and feature.categories
        ]
        self._pack = struct.Struct(f"{len(numbers)}f").pack
        # As float32, like the rows: a number that the graph cannot tell from one of training is none that training never saw.
        self._lowest = _bounds((feature.minimum for feature in numbers), unknown=-np.inf)
        self._highest = _bounds((feature.maximum for feature in numbers), unknown=np.inf)
        # What the version fills in is nothing unfamiliar, so the empty text is known.
        self._known = [
            (feature.name, place, frozenset((*feature.categories, "")))
            for place, feature in enumerate(categories)
            if feature.categories
        ]
        self._alphabets = [
            (feature.name, Alphabet(feature.characters, strange_share=feature.strange_share))
            for feature in self._rest
            if feature.characters
        ]

        self._series = [
            (feature.name, np.float32(feature.minimum), np.float32(feature.maximum))
            for feature in self._rest
            if feature.kind == "series" and feature.minimum is not None and feature.maximum is not None
        ]

    def encode(self, tables: Sequence[Table]) -> Encoded:
        """All rows of all tables, in order."""
        rows = sum([table.rows for table in tables])
        numbers = self._joined(tables, rows)
        given: list[tuple[Any, ...]] = []
        block: Iterable[npt.NDArray[np.object_]] = ()
        if self._categories or self._rest:
            given = list(zip(*chain.from_iterable(table.others for table in tables), strict=True))
        width = len(self._categories)
        if width:
            # Categories are made at once, for what they all cost together is little more than what one costs.
            block = np.array(given[:width] if self._rest else given, dtype=object).reshape(width, rows, 1)
        columns = Columns(self._numbers, numbers, dict(zip(self._categories, block, strict=True)))
        cut = {}
        if self._rest:
            rest = {}
            for one, values in zip(self._rest, given[width:], strict=True):
                if one.kind == "text":
                    rest[one.name], cut[one.name] = read_texts(values, one)
                else:
                    rest[one.name] = one.sort.column(values, one)
            columns.others = {**columns.others, **rest}
        strange = {name: alphabet.strange(columns.others[name]) for name, alphabet in self._alphabets}
        for name, low, high in self._series:
            steps = columns.others[name]
            strange[name] = np.flatnonzero(((steps < low) | (steps > high)).any(axis=(1, 2))).tolist()
        unfamiliar = self._unfamiliar(numbers, given, rows, strange)
        return Encoded(columns, unfamiliar, self._by_row(cut, rows) if any(cut.values()) else ())

    def _joined(self, tables: Sequence[Table], rows: int) -> npt.NDArray[np.float32]:
        width = len(self._numbers)
        if all(type(table.numbers) is list for table in tables):
            together = list(chain.from_iterable([table.numbers for table in tables]))
            try:
                # Numbers are packed in a third of the time that NumPy takes over lists, to the same bits.
                packed = b"".join([self._pack(*row) for row in together])
            except struct.error:
                # Something is missing.
                return np.array(together, dtype=np.float32).reshape(rows, width)
            return np.frombuffer(packed, dtype=np.float32).reshape(rows, width)
        return np.concatenate([np.asarray(table.numbers, dtype=np.float32).reshape(len(table), width) for table in tables])

    def _unfamiliar(
        self, numbers: npt.NDArray[np.float32], others: Sequence[tuple[Any, ...]], rows: int, strange: dict[str, list[int]]
    ) -> list[tuple[str, ...]]:
        # A comparison with NaN, which stands for missing, is false.
        outside = (numbers < self._lowest) | (numbers > self._highest)
        if np.count_nonzero(outside):
            for at, place in np.argwhere(outside).tolist():
                strange.setdefault(self._numbers[place], []).append(at)
        for name, place, known in self._known:
            given = others[place]
            if not known.issuperset(given):
                strange[name] = [at for at, value in enumerate(given) if value not in known]
        for name, place, known in self._sequences:
            if unknown := [at for at, words in enumerate(others[place]) if not known.issuperset(words)]:
                strange[name] = unknown
        return self._by_row(strange, rows)

    def _by_row(self, found: Mapping[str, Sequence[int]], rows: int) -> list[tuple[str, ...]]:
        """For each row the features that it was found of, in their order."""
        names: list[tuple[str, ...]] = [()] * rows
        for name in self._names if found else ():
            for at in found.get(name, ()):
                names[at] += (name,)
        return names


def places_of_texts(features: Sequence[Feature]) -> dict[str, int]:
    """The texts among `features`, each with its place among `Table.others`: categories come first, then the rest by its kind."""
    categories = [feature for feature in features if feature.kind == "category"]
    rest = sorted((each for each in features if each.kind not in ("number", "category")), key=lambda each: _ORDER.index(each.kind))
    return {each.name: place for place, each in enumerate(rest, len(categories)) if each.kind == "text"}


def _bounds(limits: Iterable[float | None], *, unknown: float) -> npt.NDArray[np.float32]:
    """One bound per number, float32 [numbers]; where training said none, one that nothing passes."""
    held = [unknown if limit is None else min(max(limit, -LARGEST), LARGEST) for limit in limits]
    return np.array(held, dtype=np.float32)
