# SPDX-License-Identifier: Apache-2.0
"""Series that are alike: most of their steps are the same, each at its place.

As texts they would not do: the digits of long series are all alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.datasets.linking import Keys, Rows, mixed
from modelward.datasets.set_likeness import alike_by_sets
from modelward.series import Series, UnfitSeriesError, steps_of

if TYPE_CHECKING:
    import polars as pl


def alike_by_steps(series: pl.Series, *, similarity: float) -> Rows:
    """The component [n] of each series, where two are near if the similarity of Dice of their steps is at least `similarity`. One
    that is missing or has no step is near no other.
    """
    texts = [text if text and len(_steps(text)) else "" for text in series.to_list()]
    return alike_by_sets(texts, _members, similarity=similarity)


def _steps(text: str) -> Series:
    """What is no series is none, for whoever learns from it is told."""
    try:
        return steps_of(text, channels=None)
    except UnfitSeriesError:
        return np.zeros((0, 1), dtype=np.float32)


def _members(texts: list[str]) -> tuple[Keys, Rows]:
    """The hash of each step of all series with its place, and where each series begins."""
    hashed = [_hashed(_steps(text)) for text in texts]
    starts = np.cumsum([0, *(len(each) for each in hashed[:-1])]).astype(np.int64)
    return np.concatenate(hashed), starts


def _hashed(steps: Series) -> Keys:
    bits = (steps + np.float32(0)).view(np.uint32).astype(np.uint64)
    keys = mixed(np.arange(len(steps)), 0)
    with np.errstate(over="ignore"):
        for channel in bits.T:
            keys = mixed(keys * np.uint64(0x100000001B3) + channel, 1)
    return keys
