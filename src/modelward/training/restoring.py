# SPDX-License-Identifier: Apache-2.0
"""Restoration: from what a generator gives back to values as people wrote them, numbers in their units and categories by name.

It undoes `preparation`, and like it exists twice, as numpy and as ONNX, with the same float32 operations in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelward.training.graph import FLOAT, Drawing
from modelward.training.preparation import CategoryStep, FloatMatrix, Numbers, NumberStep, Preparation

LEVELS = 256
"""In about so many parts of equally many rows the values of a number are told apart."""
MISSING = ""
_MOST_DECIMALS = 6
_WHOLE_FLOAT32 = 2**24
_BRIGHTEST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """The inverse of one number's distribution over the training rows, [segments] each: rows from the share `start` on have the
    value `low`, and `slope` more for each share. `decimals` is how finely the values are written, None where that is not known.
    """

    name: str
    start: Numbers
    low: Numbers
    slope: Numbers
    decimals: int | None

    @property
    def end(self) -> Numbers:
        """The share at which each segment ends."""
        return np.append(self.start[1:], 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What a generator's columns stand for: the numbers first, then the categories with all their values, one column each.

    A number is given as the share of training rows below it, 0 to 1, so that each is spread evenly, whatever it counts. A category
    is given by its value's place.
    """

    numbers: tuple[Segments, ...]
    categories: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The restored columns, in the order of their values."""
        return (*(one.name for one in self.numbers), *(name for name, _ in self.categories))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each category has."""
        return tuple(len(values) for _, values in self.categories)

    def apply(self, shares: FloatMatrix) -> FloatMatrix:
        """The numbers [n, numbers] whose shares are given."""
        start, low, slope, scale, is_rounded = self._tables()
        place = np.maximum((start[None] <= shares[:, :, None]).sum(axis=2) - 1, 0)
        rows = np.arange(len(self.numbers))
        values = low[rows, place] + (shares - start[rows, place]) * slope[rows, place]
        rounded: FloatMatrix = np.where(is_rounded, np.rint(values * scale) / scale, values)
        return rounded

    def draw(self, drawing: Drawing, shares: str) -> str:
        """The same in ONNX."""
        start, low, slope, scale, is_rounded = self._tables()
        wide = drawing.node("Unsqueeze", shares, drawing.constant([2], np.int64))
        below = drawing.node("Cast", drawing.node("LessOrEqual", drawing.constant(start[None]), wide), to=FLOAT)
        count = drawing.node("ReduceSum", below, drawing.constant([2], np.int64), keepdims=0)
        # The first segment begins at 0, and no share lies below.
        first = np.arange(len(self.numbers)) * start.shape[1] - 1
        place = drawing.node("Add", drawing.node("Cast", count, to=7), drawing.constant(first, np.int64))
        begins, lows, slopes = (drawing.node("Gather", drawing.constant(table.ravel()), place) for table in (start, low, slope))
        values = drawing.node("Add", lows, drawing.node("Mul", drawing.node("Sub", shares, begins), slopes))
        if not is_rounded.any():
            return values
        scales = drawing.constant(scale)
        rounded = drawing.node("Div", drawing.node("Round", drawing.node("Mul", values, scales)), scales)
        return drawing.node("Where", drawing.constant(is_rounded, np.bool_), rounded, values)

    def _tables(self) -> tuple[FloatMatrix, FloatMatrix, FloatMatrix, FloatMatrix, npt.NDArray[np.bool_]]:
        """Start, low and slope [numbers, segments], float32; behind the last segment of a number come some that never begin."""
        most = max(len(one.start) for one in self.numbers)
        filled = [(one.start, np.inf) for one in self.numbers], [(one.low, 0) for one in self.numbers]
        start, low = (np.stack([_padded(values, most, filler) for values, filler in each]) for each in filled)
        slope = np.stack([_padded(one.slope, most, 0) for one in self.numbers])
        scale = np.array([10.0 ** (one.decimals or 0) for one in self.numbers], dtype=np.float32)
        return start, low, slope, scale, np.array([one.decimals is not None for one in self.numbers])


def _padded(values: Numbers, most: int, filler: float) -> FloatMatrix:
    return np.append(values, np.full(most - len(values), filler)).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnable:
    """Rows as a generator's critic sees them, before chance is added: of each number the shares from `low` to `high` [n, numbers]
    that its value stands for, and of each category the place of its value [n, categories]. `restoration` undoes it.
    """

    restoration: Restoration
    low: FloatMatrix
    high: FloatMatrix
    places: npt.NDArray[np.int64]


def fit(prepared: FloatMatrix, preparation: Preparation) -> Learnable:
    """The prepared rows of a table as a generator learns from them."""
    count = len(preparation.numbers)
    columns = [_unscaled(prepared[:, place], step) for place, step in enumerate(preparation.numbers)]
    numbers = tuple(_segments(step.name, values) for step, values in zip(preparation.numbers, columns, strict=True))
    coded = list(_coded(prepared[:, count:], preparation))
    named = tuple((step.name, values) for step, (values, _) in zip(preparation.categories, coded, strict=True))
    bounds = [_shares(values, segments) for values, segments in zip(columns, numbers, strict=True)]
    low, high = (_beside([bound[side] for bound in bounds], rows=len(prepared)).astype(np.float32) for side in (0, 1))
    places = _beside([places for _, places in coded], rows=len(prepared)).astype(np.int64)
    return Learnable(restoration=Restoration(numbers=numbers, categories=named), low=low, high=high, places=places)


def fit_image(prepared: FloatMatrix, preparation: Preparation | None) -> Learnable:
    """The same of pixels, which share one scale: from the least to the most that any of them has. They lie in the columns of a
    table, or have no `preparation`: then 0 to 1 are the brightnesses 0 to 255 of an image.
    """
    if preparation is None:
        values = np.rint(prepared.astype(np.float64) * _BRIGHTEST)
    else:
        values = np.stack([_unscaled(prepared[:, place], step) for place, step in enumerate(preparation.numbers)], axis=1)
    least, span = float(values.min()), float(np.ptp(values)) or 1.0
    zero, low, slope = (np.array([value]) for value in (0.0, least, span))
    decimals = _decimals(np.unique(values))
    pixels = tuple(
        Segments(name=f"pixel {place}", start=zero, low=low, slope=slope, decimals=decimals) for place in range(values.shape[1])
    )
    shares = ((values - least) / span).astype(np.float32)
    nothing = np.empty((len(prepared), 0), dtype=np.int64)
    return Learnable(restoration=Restoration(numbers=pixels, categories=()), low=shares, high=shares, places=nothing)


def _beside(columns: Sequence[npt.NDArray[Any]], *, rows: int) -> npt.NDArray[Any]:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0))


def _unscaled(column: npt.NDArray[np.float32], step: NumberStep) -> Numbers:
    """The numbers that were prepared, as float32 had them before: to be scaled may have cost them their last bit."""
    values = column.astype(np.float64) * step.scale + step.shift
    for decimals in range(_MOST_DECIMALS + 1):
        written = np.round(values, decimals)
        # Shift and scale are float32 themselves: as large as the largest of the three, so large may be the rounding.
        if (np.abs(written - values) <= 2e-7 * np.maximum(np.abs(values), max(abs(step.shift), abs(step.scale)))).all():
            return written
    return values


def _decimals(values: Numbers) -> int | None:
    """With how many decimals all the values are written; None where it takes more than float32 holds, or than anybody writes."""
    for decimals in range(_MOST_DECIMALS + 1):
        if np.abs(values).max() * 10.0**decimals >= _WHOLE_FLOAT32:
            return None
        if (np.round(values, decimals) == values).all():
            return decimals
    return None


def _segments(name: str, values: Numbers) -> Segments:
    """Values that many rows share are segments of their own, without a slope; others share one with their neighbours."""
    known, counts = np.unique(values, return_counts=True)
    few = len(known) <= LEVELS
    groups = list(_groups(counts, least=0 if few else len(values) / LEVELS))
    first = np.array([begin for begin, _ in groups])
    last = np.array([end - 1 for _, end in groups])
    masses = np.add.reduceat(counts, first) / len(values)
    start = np.append(0.0, np.cumsum(masses)[:-1])
    # Between two groups the border is drawn halfway, so that no single row's value is kept, but for the least and the most.
    middles = (known[last[:-1]] + known[first[1:]]) / 2
    lows, highs = np.append(known[0], middles), np.append(middles, known[-1])
    is_one = first == last
    low = np.where(is_one, known[first], lows)
    slope = np.where(is_one, 0.0, (highs - lows) / masses)
    return Segments(name=name, start=start, low=low, slope=slope, decimals=_decimals(known))


def _groups(counts: npt.NDArray[np.int64], *, least: float) -> Iterator[tuple[int, int]]:
    """Neighbouring values, from one to before another, that together have `least` rows; who has as many alone stays alone."""
    begin, rows = 0, 0
    for place, count in enumerate(counts.tolist()):
        if count >= least and place > begin:
            yield begin, place
            begin, rows = place, 0
        rows += count
        if rows >= least:
            yield begin, place + 1
            begin, rows = place + 1, 0
    if begin < len(counts):
        yield begin, len(counts)


def _shares(values: Numbers, segments: Segments) -> tuple[Numbers, Numbers]:
    """The shares from and to which each value stands: those of its whole segment, or where it lies within a slope."""
    order = np.where(segments.slope > 0, segments.low, np.nextafter(segments.low, -np.inf))
    place = np.maximum(np.searchsorted(order, values, side="right") - 1, 0)
    start, low, slope, end = (table[place] for table in (segments.start, segments.low, segments.slope, segments.end))
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.clip(start + (values - low) / slope, start, end)
    is_flat = slope == 0
    return np.where(is_flat, start, within), np.where(is_flat, end, within)


def _coded(encoded: FloatMatrix, preparation: Preparation) -> Iterator[tuple[tuple[str, ...], npt.NDArray[np.int64]]]:
    """Of each category its values, and the place of each row's among them. No category at all is the value `MISSING`."""
    begin = 0
    for step in preparation.categories:
        width = len(step.columns) if preparation.encode == "one-hot" else 1
        columns, begin = encoded[:, begin : begin + width], begin + width
        is_hot = preparation.encode == "one-hot"
        places = np.where(columns.any(axis=1), columns.argmax(axis=1), -1) if is_hot else columns[:, 0].astype(np.int64)
        values = _values(step)
        if (places < 0).any():
            values = (*values, MISSING)
        yield values, np.where(places < 0, len(values) - 1, places).astype(np.int64)


def _values(step: CategoryStep) -> tuple[str, ...]:
    return (*step.values, "(other)") if step.other >= 0 else step.values
