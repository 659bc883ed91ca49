# SPDX-License-Identifier: Apache-2.0
"""Prepared rows of a large table, made when they are asked for.

What lies in memory of a row is four bytes for each number and two for each category, however many columns these become.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelward.training.preparation import FloatMatrix, Preparation

Codes = npt.NDArray[np.int16]
Places = npt.NDArray[np.int64]

ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRows:
    """Rows that are taken by a slice, by their numbers or by a mask, as those of a matrix: float32 [m, width], the bits that
    `Preparation.apply` would give.

    `numbers` [n, numbers] are prepared, `codes` [n, categories] not yet spread over columns; `places` says which of the n rows
    these are, and in which order.
    """

    preparation: Preparation
    numbers: FloatMatrix
    codes: Codes
    places: Places

    ndim = 2
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows there are, and of how many columns."""
        return len(self.places), len(self.preparation.sources())

    @property
    def nbytes(self) -> int:
        """What all rows would take at once."""
        rows, width = self.shape
        return rows * width * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, chosen: slice | npt.NDArray[Any]) -> FloatMatrix:
        places = self.places[chosen]
        parts = [self.numbers[places]] if self.preparation.numbers else []
        if self.preparation.categories:
            parts.append(self.preparation.spread(self.codes[places]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def blocks(self) -> Iterator[tuple[slice, FloatMatrix]]:
        """All rows in their order, a block at a time, and where each block stands."""
        return ((block, self[block]) for block in blocks_of(len(self)))

    def whole(self) -> FloatMatrix:
        """All rows at once."""
        rows = np.empty(self.shape, dtype=np.float32)
        for block, held in self.blocks():
            rows[block] = held
        return rows


def unmade(rows: Any) -> PreparedRows | None:
    """The rows, if they are made when they are asked for; None where they are a matrix."""
    return rows if isinstance(rows, PreparedRows) else None


def blocks_of(rows: int) -> Iterator[slice]:
    """Slices of so many rows."""
    return (slice(start, min(start + ROWS_AT_ONCE, rows)) for start in range(0, rows, ROWS_AT_ONCE))
