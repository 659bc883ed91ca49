# SPDX-License-Identifier: Apache-2.0
"""Tables that need not fit into memory: what they take of it is one column, or some rows, at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from modelward.storage import Scratch

if TYPE_CHECKING:
    import polars as pl

BLOCK_ROWS = 1 << 18


class Table(Protocol):
    """A table by its columns. A `polars.DataFrame` is one that lies in memory."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        ...

    @property
    def height(self) -> int:
        """How many rows there are."""
        ...

    def get_column(self, name: str, /) -> pl.Series:
        """All values of one column."""
        ...


class SlicedTable(Table, Protocol):
    """A table that can be had some rows at a time as well."""

    def iter_slices(self, n_rows: int = BLOCK_ROWS) -> Iterator[pl.DataFrame]:
        """All rows in their order, at most so many at a time."""
        ...


@dataclass(slots=True)
class _Blocks:
    """A column put aside. Every block holds `BLOCK_ROWS` values but the last, unless the column came in parts of other sizes."""

    numbers: list[int] = field(default_factory=list)
    types: set[pl.DataType] = field(default_factory=set)


class KeptTable:
    """A table whose columns lie in a `Scratch`."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._blocks: dict[str, _Blocks] = {}
        self._heights: list[int] = []

    @property
    def columns(self) -> list[str]:
        """See `Table.columns`."""
        return list(self._blocks)

    @property
    def height(self) -> int:
        """See `Table.height`."""
        return sum(self._heights)

    def get_column(self, name: str, /) -> pl.Series:
        """See `Table.get_column`. Parts of several types come as text."""
        import polars as pl

        blocks = self._blocks[name]
        parts: Iterable[pl.Series] = map(self._opened, blocks.numbers)
        if len(blocks.types) > 1:
            parts = (part.cast(pl.String) for part in parts)
        # In one piece, for sums over several round otherwise.
        return pl.concat(parts, rechunk=True)

    def iter_slices(self, n_rows: int = BLOCK_ROWS) -> Iterator[pl.DataFrame]:
        """See `SlicedTable.iter_slices`."""
        import polars as pl

        for place in range(len(self._heights)):
            rows = pl.DataFrame([self._opened(blocks.numbers[place]) for blocks in self._blocks.values()])
            yield from rows.iter_slices(n_rows)

    def append(self, rows: pl.DataFrame) -> None:
        """Put further rows aside, which have the columns of those before."""
        self._heights.append(rows.height)
        for values in rows.get_columns():
            blocks = self._blocks.setdefault(values.name, _Blocks())
            blocks.numbers.append(self._put(values))
            blocks.types.add(values.dtype)

    def add(self, values: pl.Series) -> None:
        """Put a further column aside, which has as many rows as those before."""
        self._heights = [min(BLOCK_ROWS, len(values) - start) for start in range(0, len(values), BLOCK_ROWS)]
        numbers = [self._put(values[start : start + BLOCK_ROWS]) for start in range(0, len(values), BLOCK_ROWS)]
        self._blocks[values.name] = _Blocks(numbers, {values.dtype})

    def discard(self, name: str) -> None:
        """Forget a column."""
        for number in self._blocks.pop(name).numbers:
            self._scratch.discard(number)

    def _put(self, values: pl.Series) -> int:
        sink = io.BytesIO()
        values.to_frame().write_ipc(sink, compression="lz4")
        return self._scratch.put(sink.getvalue())

    def _opened(self, number: int) -> pl.Series:
        import polars as pl

        return pl.read_ipc(io.BytesIO(self._scratch.get(number))).to_series()


def frame_of(table: Table) -> pl.DataFrame:
    """The whole table in memory."""
    import polars as pl

    return table if isinstance(table, pl.DataFrame) else pl.DataFrame([table.get_column(name) for name in table.columns])
