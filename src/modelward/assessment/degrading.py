# SPDX-License-Identifier: Apache-2.0
"""The ways in which rows get worse: values missing, noisy, swapped or shifted, images noisy, brighter or blurred, series with
gaps, noise or another level, each to a stated scale.

Every cell is changed or left by itself. What a way does not concern, it leaves as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from modelward.assessment.scores import Floats, Integers
    from modelward.registry import Feature

MEASURED = ("number", "image", "series")
"""The kinds of feature that noise and shifts are added to."""

Spread: TypeAlias = "float | NDArray[np.float64]"
"""Of a column, or of each channel of its series."""
Columns: TypeAlias = dict[str, NDArray[np.generic]]
Degrade: TypeAlias = Callable[["Degradable", np.random.Generator], Columns]


@dataclass(frozen=True)
class Degradable:
    """Some rows of the sample, as a version takes them. `spreads` are those of `measured` columns over the whole sample."""

    features: tuple[Feature, ...]
    columns: Columns
    labels: Integers
    spreads: Mapping[str, Spread]

    @property
    def measured(self) -> list[str]:
        """What noise and shifts are added to: numbers, alone and in series, and the pixels of images."""
        return [feature.name for feature in self.features if feature.kind in MEASURED]

    @property
    def images(self) -> list[str]:
        """What can be blurred."""
        return [feature.name for feature in self.features if feature.kind == "image"]

    @property
    def cells(self) -> list[str]:
        """What a value can be missing of: no version fills in an image, and of a series single numbers are missing."""
        return [feature.name for feature in self.features if feature.kind != "image"]

    @property
    def singles(self) -> list[str]:
        """What can be missing as a whole."""
        return [feature.name for feature in self.features if feature.kind not in ("image", "series")]

    @property
    def swappable(self) -> dict[str, NDArray[np.generic]]:
        """The known values, sorted, of each category that has another one to be swapped for."""
        known = {each.name: np.unique(each.categories) for each in self.features if each.kind == "category"}
        return {name: values.astype(object) for name, values in known.items() if values.size > 1}

    def part(self, rows: int) -> Degradable:
        """The first rows."""
        columns = {name: values[:rows] for name, values in self.columns.items()}
        return Degradable(self.features, columns, self.labels[:rows], self.spreads)


def missing(share: float) -> Degrade:
    """So many of the cells, or of the numbers of a series, have no value."""

    def degrade(rows: Degradable, random: np.random.Generator) -> Columns:
        emptied = {
            name: _emptied(rows.columns[name], random.random(rows.columns[name].shape) < share)
            for name in rows.columns
            if name in rows.cells
        }
        return rows.columns | emptied

    return degrade


def noisy(spreads: float) -> Degrade:
    """Normal noise on every number and pixel, its deviation so many spreads of the column or the channel."""

    def degrade(rows: Degradable, random: np.random.Generator) -> Columns:
        return rows.columns | {name: _noised(rows.columns[name], spreads * rows.spreads[name], random) for name in rows.measured}

    return degrade


def shifted(spreads: float) -> Degrade:
    """Every number and pixel so many spreads of its column higher."""

    def degrade(rows: Degradable, _random: np.random.Generator) -> Columns:
        return rows.columns | {name: _added(rows.columns[name], spreads * rows.spreads[name]) for name in rows.measured}

    return degrade


def blurred(share: float) -> Degrade:
    """Every image seen through a normal blur, its deviation so large a share of the image's shorter side."""

    def degrade(rows: Degradable, _random: np.random.Generator) -> Columns:
        return rows.columns | {name: np.stack([_blurred(image, share) for image in rows.columns[name]]) for name in rows.images}

    return degrade


def swapped(share: float) -> Degrade:
    """So many of the cells of categories have another value of their column, drawn evenly."""

    def degrade(rows: Degradable, random: np.random.Generator) -> Columns:
        changed = dict(rows.columns)
        for name, known in rows.swappable.items():
            values = changed[name]
            places = np.searchsorted(known.astype(str), values.astype(str)) % known.size
            others = known[(places + random.integers(1, known.size, values.shape)) % known.size]
            changed[name] = np.where((random.random(values.shape) < share) & (values != ""), others, values)
        return changed

    return degrade


def without(column: str) -> Degrade:
    """No row has a value in the column."""
    return lambda rows, _random: (
        rows.columns | {column: _emptied(rows.columns[column], np.ones_like(rows.columns[column], dtype=np.bool_))}
    )


def spreads_of(values: NDArray[np.generic], feature: Feature) -> Spread:
    """The spread of a column, or of each channel [channels] of its series."""
    return np.array([spread(channel) for channel in values.T]) if feature.kind == "series" else spread(values)


def spread(values: NDArray[np.generic]) -> float:
    """Half of what lies between the 16 % and the 84 % quantile: the deviation of normal values, and far ones do not count. Where
    most rows share one value, the deviation. Of pixels the deviation of all of them: none lies far out.
    """
    if values.dtype == np.uint8:
        counts = sum((np.bincount(image.ravel(), minlength=256) for image in values), start=np.zeros(256, dtype=np.int64))
        levels = np.arange(256)
        mean = np.average(levels, weights=counts)
        return float(np.sqrt(np.average(np.square(levels - mean), weights=counts)))
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return 0.0
    low, high = np.quantile(known, (0.16, 0.84))
    return float((high - low) / 2 or known.std())


def _emptied(values: NDArray[np.generic], where: NDArray[np.bool_]) -> NDArray[np.generic]:
    changed = values.copy()
    changed[where] = "" if values.dtype == object else np.nan
    return changed


def _noised(values: NDArray[np.generic], deviation: Spread, random: np.random.Generator) -> NDArray[np.generic]:
    """Normal noise on all values; on images and series one by one, for of all of them it would take many times their memory."""
    if values.ndim > 2:
        return np.stack([_added(each, random.normal(0, deviation, each.shape)) for each in values])
    return _added(values, random.normal(0, deviation, values.shape))


def _added(values: NDArray[np.generic], more: Floats | float) -> NDArray[np.generic]:
    if values.dtype == np.uint8:
        changed: NDArray[np.float32] = values.astype(np.float32) + np.asarray(more, dtype=np.float32)
        return _seen(changed)
    return (np.asarray(values, dtype=np.float64) + more).astype(np.float32)


def _blurred(image: NDArray[np.generic], share: float) -> NDArray[np.uint8]:
    """One image [height, width, channels]; beyond its edges lies what its edges show."""
    from scipy import ndimage

    deviation = share * min(image.shape[:2])
    return _seen(ndimage.gaussian_filter(image.astype(np.float32), sigma=(deviation, deviation, 0), mode="nearest"))


def _seen(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """As a camera sees them, which knows nothing darker than black and nothing brighter than white."""
    return np.rint(pixels).clip(0, 255).astype(np.uint8)
