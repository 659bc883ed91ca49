# SPDX-License-Identifier: Apache-2.0
"""Prepared rows of large data, made when they are asked for.

What lies in memory of a table's row is four bytes for each number and two for each category, however many columns these become; of
an image a byte for each number of a pixel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from modelward.training.preparation import FloatMatrix, Preparation

if TYPE_CHECKING:
    from modelward.training.recipe import Rows

Codes = npt.NDArray[np.int16]
Places = npt.NDArray[np.int64]

MATRIX_BYTES = 256 << 20
"""Prepared rows that would take more are made when they are asked for."""
ROWS_AT_ONCE = 1 << 16
CELLS_AT_ONCE = 1 << 23
BRIGHTEST = 255.0


@dataclass(frozen=True, slots=True, eq=False)
class UnmadeRows(ABC):
    """Rows that are taken by a slice, by their numbers or by a mask, as those of a matrix: float32 [m, width], the bits that the
    preparation's `apply` would give.

    `places` says which of the rows that are held these are, and in which order.
    """

    places: Places

    ndim = 2
    dtype = np.dtype(np.float32)

    @property
    @abstractmethod
    def width(self) -> int:
        """The columns of a prepared row."""

    @abstractmethod
    def made(self, places: Places) -> FloatMatrix:
        """The rows that stand at `places` among those that are held."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows there are, and of how many columns."""
        return len(self.places), self.width

    @property
    def nbytes(self) -> int:
        """What all rows would take at once."""
        rows, width = self.shape
        return rows * width * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, chosen: slice | npt.NDArray[Any]) -> FloatMatrix:
        return self.made(self.places[chosen])

    def blocks(self) -> Iterator[tuple[slice, FloatMatrix]]:
        """All rows in their order, a block at a time, and where each block stands."""
        return ((block, self[block]) for block in blocks_of(len(self), self.width))

    def whole(self) -> FloatMatrix:
        """All rows at once."""
        rows = np.empty(self.shape, dtype=np.float32)
        for block, held in self.blocks():
            rows[block] = held
        return rows

    def part(self, places: Places) -> Rows:
        """Some of the rows that are held: a matrix, unless that would be a large one."""
        part = replace(self, places=places)
        # Recipes know both: a matrix, and what stands for one.
        return cast("Rows", part) if part.nbytes > MATRIX_BYTES else part.whole()


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRows(UnmadeRows):
    """Those of a table. `numbers` [n, numbers] are prepared, `codes` [n, categories] not yet spread over columns."""

    preparation: Preparation
    numbers: FloatMatrix
    codes: Codes

    @property
    def width(self) -> int:
        return len(self.preparation.sources())

    def made(self, places: Places) -> FloatMatrix:
        parts = [self.numbers[places]] if self.preparation.numbers else []
        if self.preparation.categories:
            parts.append(self.preparation.spread(self.codes[places]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPixels(UnmadeRows):
    """Those of images: `pixels`, uint8 [n, height, width, channels]."""

    pixels: npt.NDArray[np.uint8]

    @property
    def width(self) -> int:
        return int(np.prod(self.pixels.shape[1:]))

    def made(self, places: Places) -> FloatMatrix:
        return brightness(self.pixels[places])


def brightness(pixels: npt.NDArray[np.uint8]) -> FloatMatrix:
    """Pixels [n, …] as prepared rows, 0 to 1."""
    rows: FloatMatrix = pixels.reshape(len(pixels), int(np.prod(pixels.shape[1:]))).astype(np.float32)
    rows /= np.float32(BRIGHTEST)
    return rows


def unmade(rows: Any) -> UnmadeRows | None:
    """The rows, if they are made when they are asked for; None where they are a matrix."""
    return rows if isinstance(rows, UnmadeRows) else None


def blocks_of(rows: int, width: int) -> Iterator[slice]:
    """Slices of so many rows, of which none has more cells than are held at once with ease."""
    at_once = max(1, min(ROWS_AT_ONCE, CELLS_AT_ONCE // max(width, 1)))
    return (slice(start, min(start + at_once, rows)) for start in range(0, rows, at_once))


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of all cells of some rows, in float64."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, rows: Rows) -> Spread:
        """Gone through twice, a block at a time."""
        cells = len(rows) * rows.shape[1]
        blocks = [*blocks_of(len(rows), rows.shape[1])]
        mean = sum(float(rows[block].sum(dtype=np.float64)) for block in blocks) / cells
        squares = sum(float(np.square(rows[block].astype(np.float64) - mean).sum()) for block in blocks)
        return cls(mean, (squares / cells) ** 0.5)
