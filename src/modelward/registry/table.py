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

from modelward.registry.texts import code_points

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

LARGEST = float(np.finfo(np.float32).max)


class Table:
    """Checked rows. `numbers` holds them row by row, [rows, numbers], as lists of numbers and None, or as float32 with NaN for what
    is missing; `texts` likewise [rows, categories and then texts], with the empty text for what is missing.
    """

    __slots__ = ("numbers", "rows", "texts")

    def __init__(
        self, rows: int, numbers: Sequence[Sequence[float | None]] | npt.NDArray[np.float32], texts: Sequence[Sequence[str]]
    ) -> None:
        self.rows = rows
        self.numbers = numbers
        self.texts = texts

    def __len__(self) -> int:
        return self.rows


class Columns(Mapping[str, npt.NDArray[Any]]):
    """Rows as a graph takes them, a column for each feature: float32 [rows, 1] for numbers, objects (text) [rows, 1] for
    categories, code points int32 [rows, length] for texts. `texts` holds the latter two.

    The numbers lie side by side, float32 [rows, numbers] in the order of `number_names`, and are cut into columns only when asked
    for one: most graphs would put them side by side again.
    """

    __slots__ = ("number_names", "numbers", "rows", "texts")

    def __init__(
        self, number_names: tuple[str, ...], numbers: npt.NDArray[np.float32], texts: Mapping[str, npt.NDArray[Any]]
    ) -> None:
        self.rows = len(numbers)
        self.number_names = number_names
        self.numbers = numbers
        self.texts = texts

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name in self.texts:
            return self.texts[name]
        try:
            place = self.number_names.index(name)
        except ValueError:
            raise KeyError(name) from None
        return np.ascontiguousarray(self.numbers[:, place : place + 1])

    def __iter__(self) -> Iterator[str]:
        yield from self.number_names
        yield from self.texts

    def __len__(self) -> int:
        return len(self.number_names) + len(self.texts)

    def apart(self) -> dict[str, npt.NDArray[Any]]:
        """Every column by itself, all made at once."""
        block = np.ascontiguousarray(self.numbers.T).reshape(len(self.number_names), self.rows, 1)
        return {**dict(zip(self.number_names, block, strict=True)), **self.texts}

    def twice(self) -> Columns:
        """The same rows, and then the same rows again."""
        texts = {name: np.concatenate((values, values)) for name, values in self.texts.items()}
        return Columns(self.number_names, np.concatenate((self.numbers, self.numbers)), texts)


class Encoded(NamedTuple):
    """Rows as a graph takes them, and for each row the features whose value training never saw."""

    columns: Columns
    unfamiliar: list[tuple[str, ...]]


class ColumnWriter:
    """Makes a graph's columns out of tables. It holds no state of a request, so that threads may share it."""

    def __init__(self, features: Sequence[Feature]) -> None:
        numbers = [feature for feature in features if feature.kind == "number"]
        categories = [feature for feature in features if feature.kind == "category"]
        self._names = [feature.name for feature in features]
        self._numbers = tuple(feature.name for feature in numbers)
        self._categories = [feature.name for feature in categories]
        self._texts = [feature for feature in features if feature.kind == "text"]
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

    def encode(self, tables: Sequence[Table]) -> Encoded:
        """All rows of all tables, in order."""
        rows = sum([table.rows for table in tables])
        numbers = self._joined(tables, rows)
        words: list[tuple[str, ...]] = []
        block: Iterable[npt.NDArray[np.object_]] = ()
        if self._categories or self._texts:
            words = list(zip(*chain.from_iterable(table.texts for table in tables), strict=True))
        width = len(self._categories)
        if width:
            block = np.array(words[:width] if self._texts else words, dtype=object).reshape(width, rows, 1)
        columns = Columns(self._numbers, numbers, dict(zip(self._categories, block, strict=True)))
        if self._texts:
            points = {one.name: code_points(given, one) for one, given in zip(self._texts, words[width:], strict=True)}
            columns.texts = {**columns.texts, **points}
        return Encoded(columns, self._unfamiliar(numbers, words, rows))

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

    def _unfamiliar(self, numbers: npt.NDArray[np.float32], texts: Sequence[tuple[str, ...]], rows: int) -> list[tuple[str, ...]]:
        strange: dict[str, list[int]] = {}
        # A comparison with NaN, which stands for missing, is false.
        outside = (numbers < self._lowest) | (numbers > self._highest)
        if np.count_nonzero(outside):
            for at, place in np.argwhere(outside).tolist():
                strange.setdefault(self._numbers[place], []).append(at)
        for name, place, known in self._known:
            given = texts[place]
            if not known.issuperset(given):
                strange[name] = [at for at, value in enumerate(given) if value not in known]
        found: list[tuple[str, ...]] = [()] * rows
        for name in self._names if strange else ():
            for at in strange.get(name, ()):
                found[at] += (name,)
        return found


def _bounds(limits: Iterable[float | None], *, unknown: float) -> npt.NDArray[np.float32]:
    """One bound per number, float32 [numbers]; where training said none, one that nothing passes."""
    held = [unknown if limit is None else min(max(limit, -LARGEST), LARGEST) for limit in limits]
    return np.array(held, dtype=np.float32)
