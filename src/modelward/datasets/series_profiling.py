# SPDX-License-Identifier: Apache-2.0
"""Profiles a column of series. Each is read wholly, so that one which is none is found before anybody learns from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import polars as pl

from modelward.datasets.dataset import UnusableTableError
from modelward.datasets.profile import ProfileWarning, SeriesProfile
from modelward.series import READ_UNASKED, Series, UnfitSeriesError, steps_of

_QUANTILES = {"p01": 0.01, "p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
_SHARE_OF_GAPS = 0.05
_CHANNELS_NAMED = 8


def profile_series(values: pl.Series) -> tuple[pl.Series, SeriesProfile]:
    """The lengths of the series that are there, and the figures of the column.

    Raises:
        UnusableTableError: a value is no series, or has other channels than those before it; the message names column and row.
    """
    lengths, numbers, missing = [], 0, 0
    low = high = np.zeros(0, dtype=np.float32)
    for steps in _read(values):
        lengths.append(len(steps))
        if len(steps):
            least, greatest = np.fmin.reduce(steps), np.fmax.reduce(steps)
            low, high = (np.fmin(low, least), np.fmax(high, greatest)) if len(low) else (least, greatest)
            numbers += steps.size
            missing += int(np.isnan(steps).sum())
    told = pl.Series(values.name, lengths, dtype=pl.Float64)
    return told, SeriesProfile(
        steps=_quantiles(told),
        channels=max(len(low), 1),
        ranges=tuple(zip(map(_told, low), map(_told, high), strict=True)),
        empty=lengths.count(0),
        missing_share=missing / max(numbers, 1),
        repeated=len(lengths) - values.drop_nulls().n_unique(),
    )


def series_warnings(name: str, series: SeriesProfile) -> Iterator[ProfileWarning]:
    """What somebody should look at before learning from them."""
    if series.steps.get("p99", 0) > READ_UNASKED:
        text = (
            f"Series of column {name!r} have up to {series.steps['most']:,.0f} steps, and a model reads the last {READ_UNASKED:,}. "
            "Thin them out, or say how many are read: `data: {prepare: {length: STEPS}}` in the spec."
        )
        yield ProfileWarning("series-long", name, text)
    if series.empty:
        text = f"{series.empty:,} series of column {name!r} hold no number. Leave these rows out, unless some to come hold none."
        yield ProfileWarning("series-empty", name, text)
    if series.missing_share > _SHARE_OF_GAPS:
        text = (
            f"{series.missing_share:.0%} of the numbers within the series of column {name!r} are missing. A model takes the mean "
            "of the channel there. Fill them in yourself where you know better."
        )
        yield ProfileWarning("series-gaps", name, text)
    if flat := [place for place, (low, high) in enumerate(series.ranges, 1) if low == high]:
        named = ", ".join(map(str, flat[:_CHANNELS_NAMED])) + (", …" if len(flat) > _CHANNELS_NAMED else "")
        text = f"Channel {named} of column {name!r} has one value only and teaches nothing. Leave it out."
        yield ProfileWarning("series-flat", name, text)


def _read(values: pl.Series) -> Iterator[Series]:
    channels: int | None = None
    for row, text in enumerate(values.to_list(), 1):
        if text is None:
            continue
        try:
            steps = steps_of(text, channels=channels)
        except UnfitSeriesError as unfit:
            raise UnusableTableError(
                f"The series in column {values.name!r}, row {row:,}, {unfit}. Mend it, or leave it empty (missing)."
            ) from None
        channels = steps.shape[1] if len(steps) else channels
        yield steps


def _quantiles(lengths: pl.Series) -> dict[str, float]:
    if not len(lengths):
        return {}
    found = {name: float(lengths.quantile(share, "linear") or 0) for name, share in _QUANTILES.items()}
    return {"least": float(cast("float", lengths.min())), **found, "most": float(cast("float", lengths.max()))}


def _told(number: np.float32) -> float | None:
    return float(number) if np.isfinite(number) else None
