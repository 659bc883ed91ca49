# SPDX-License-Identifier: Apache-2.0
"""A table at rest: Parquet files of whole columns, each sealed by itself, so that one column is read without the others.

A small table is one piece. Of a large one a piece ends with the column that makes it larger than 64 MB.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from modelward.datasets.table import Table

if TYPE_CHECKING:
    import polars as pl

PIECE_BYTES = 64 << 20
Names = tuple[str, ...]


def pieces_of(table: Table, *, piece_bytes: int = PIECE_BYTES) -> Iterator[tuple[Names, bytes]]:
    """The pieces of `table`: the columns in each, in the table's order, and its bytes."""
    held: list[pl.Series] = []
    for name in table.columns:
        held.append(table.get_column(name))
        if sum(values.estimated_size() for values in held) > piece_bytes:
            yield _piece(held)
            held.clear()
    if held:
        yield _piece(held)


def _piece(columns: Sequence[pl.Series]) -> tuple[Names, bytes]:
    import polars as pl

    sink = io.BytesIO()
    pl.DataFrame(columns).write_parquet(sink)
    return tuple(values.name for values in columns), sink.getvalue()


class SealedTable:
    """A table in pieces that are read when one of their columns is asked for; the piece read last stays in memory.

    `names` says which columns are in each piece; without it there is one piece. `read` gives a piece by its number.
    """

    def __init__(self, names: Sequence[Names], *, height: int, read: Callable[[int], bytes]) -> None:
        self._height = height
        self._read = read
        self._number = -1
        self._held: pl.DataFrame | None = None
        self._places = {name: number for number, piece in enumerate(names) for name in piece}
        if not names:
            self._places = dict.fromkeys(self._piece(0).columns, 0)

    @property
    def columns(self) -> list[str]:
        """See `Table.columns`."""
        return list(self._places)

    @property
    def height(self) -> int:
        """See `Table.height`."""
        return self._height

    def get_column(self, name: str, /) -> pl.Series:
        """See `Table.get_column`."""
        return self._piece(self._places[name]).get_column(name)

    def _piece(self, number: int) -> pl.DataFrame:
        import polars as pl

        if self._held is None or self._number != number:
            # Given up first: two pieces at once would take twice the memory.
            self._held = None
            self._held, self._number = pl.read_parquet(io.BytesIO(self._read(number))), number
        return self._held
