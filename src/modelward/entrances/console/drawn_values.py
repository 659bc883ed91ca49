# SPDX-License-Identifier: Apache-2.0
"""An image that a version answers with, as cells to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_CELLS = 64 * 64


@dataclass(frozen=True, slots=True)
class Cell:
    """One pixel and its colour, as SVG writes it."""

    x: int
    y: int
    colour: str


@dataclass(frozen=True, slots=True)
class DrawnValues:
    """An image, cell by cell, in its own size."""

    width: int
    height: int
    cells: list[Cell]


def drawn_values(values: Any, shape: Sequence[int]) -> DrawnValues | None:
    """The picture of values in the shape of an image: height and width, and one channel or three. None of any other shape, and of
    more cells than a page should hold. The least of the values is drawn black, the most white.
    """
    if (
        len(shape) not in (2, 3)
        or min(shape[:2]) < 2
        or shape[0] * shape[1] > MOST_CELLS
        or tuple(shape[2:]) not in ((), (1,), (3,))
    ):
        return None
    pixels = np.asarray(values, dtype=np.float64).reshape(shape[0], shape[1], -1)
    tones = np.rint((pixels - pixels.min()) / (float(np.ptp(pixels)) or 1.0) * 255).astype(int)
    tones = np.broadcast_to(tones, (*tones.shape[:2], 3))
    cells = [Cell(x, y, "#{:02x}{:02x}{:02x}".format(*tones[y, x])) for y in range(shape[0]) for x in range(shape[1])]
    return DrawnValues(width=shape[1], height=shape[0], cells=cells)
