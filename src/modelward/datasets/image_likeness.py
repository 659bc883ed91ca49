# SPDX-License-Identifier: Apache-2.0
"""Images that look alike: their thumbnails, 16 by 16 and grey, go up and down together.

The similarity of two images is one minus five times what their thumbnails' correlation lacks of one: nine tenths where it is 0.98.
Two blank images, whose thumbnails have no ups and downs, are alike where their brightness differs by less than a fortieth. Which
images to compare is found by random hyperplanes (Charikar, "Similarity estimation techniques from rounding algorithms", 2002): on
which side of one a thumbnail lies is the same for two images with a probability of one minus the angle between them over pi.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import acos, pi
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from modelward.datasets.linking import Keys, Rows, Truths, components, mixed
from modelward.images import pixels_of

if TYPE_CHECKING:
    import polars as pl

_SIDE = 16
_FIVE = 5.0
_BLANK_DEVIATION = 2.0
_BLANK_DIFFERENCE = 255 / 40
_PLANES = 256
_MOST_BITS = 63
_MISSED = 0.001

Thumbnails = NDArray[np.float32]


def alike_by_look(images: pl.Series, *, similarity: float) -> Rows:
    """The component [n] of each image, where two are near if their similarity is at least `similarity`. A missing image is near no
    other.
    """
    there = np.flatnonzero(images.is_not_null().to_numpy())
    found = np.arange(len(images))
    if not len(there):
        return found
    looks = np.stack([_thumbnail(images[row]) for row in there.tolist()])
    means, deviations = looks.mean(axis=1), looks.std(axis=1)
    is_blank = deviations < _BLANK_DEVIATION
    standard = (looks - means[:, None]) / np.maximum(deviations, _BLANK_DEVIATION)[:, None]
    standard[is_blank] = 0
    least = 1 - (1 - similarity) / _FIVE

    def is_near(one: Rows, other: Rows) -> Truths:
        together = np.einsum("ij,ij->i", standard[one], standard[other]) / standard.shape[1]
        both_blank = is_blank[one] & is_blank[other] & (np.abs(means[one] - means[other]) < _BLANK_DIFFERENCE)
        near: Truths = both_blank | (~is_blank[one] & ~is_blank[other] & (together >= least))
        return near

    found[there] = there[components(len(there), _bands(standard, least), is_near)]
    return found


def _thumbnail(data: bytes) -> Thumbnails:
    return pixels_of(data, (_SIDE, _SIDE, 1)).reshape(-1).astype(np.float32)


def _bands(standard: Thumbnails, least: float) -> Iterator[Keys]:
    """Keys [n] of one band after the other: of as many bits as they may have for a pair at the threshold to be missed once in a
    thousand.
    """
    shared = 1 - acos(min(least, 1.0)) / pi
    size = next(size for size in range(_MOST_BITS, 0, -1) if (1 - shared**size) ** (_PLANES // size) <= _MISSED or size == 1)
    drawn = np.random.PCG64(0).random_raw(_PLANES * standard.shape[1]).reshape(-1, _PLANES)
    # Of a number that is drawn from many, plus one or minus one; sums of 256 such are near enough to normal.
    sides = standard @ np.where(drawn >> np.uint64(63), 1.0, -1.0).astype(np.float32) > 0
    weights = np.uint64(1) << np.arange(size, dtype=np.uint64)
    for band in range(_PLANES // size):
        yield mixed(sides[:, band * size : (band + 1) * size] @ weights, band)
