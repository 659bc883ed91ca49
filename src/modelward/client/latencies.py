# SPDX-License-Identifier: Apache-2.0
"""What many latencies come to: percentiles, the curve of all of them, how they are spread, and how they went over time.

Times are milliseconds. A percentile is the least latency that so large a share of the answers did not exceed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
# A percentile rests on the answers that were slower than it. With fewer of them it is an accident.
LEAST_BEYOND = 10
_POINTS_A_DECADE = 10
_BINS_A_DECADE = 20
_MOST_MOMENTS = 60
_LEAST_MOMENT_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Percentile:
    """One percentile. `beyond` is how many answers took longer; with too few of them it `is_accidental`."""

    percent: float
    milliseconds: float
    beyond: int

    @property
    def is_accidental(self) -> bool:
        """Whether another run may well give another figure."""
        return self.beyond < LEAST_BEYOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was answered in a part of the time, which began `second` seconds after the beginning."""

    second: float
    answers: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Many latencies. `curve` has pairs of a percentile and its latency, closer and closer to 100; `bins` has pairs of a latency
    and how many answers took from there to the next, twenty to each power of ten.
    """

    answers: int
    mean_ms: float
    percentiles: tuple[Percentile, ...]
    max_ms: float
    curve: tuple[tuple[float, float], ...]
    bins: tuple[tuple[float, int], ...]
    moments: tuple[Moment, ...]

    def at(self, percent: float) -> Percentile:
        """One of `percentiles`."""
        return next(one for one in self.percentiles if one.percent == percent)


def summarise(began: Sequence[float], took: Sequence[float], *, seconds: float) -> Latencies | None:
    """What latencies come to, which were met at these moments since the beginning; both in seconds. None where there is none."""
    import numpy as np

    if not len(took):
        return None
    at, each = np.asarray(began), 1e3 * np.asarray(took)
    ranked = np.sort(each)
    return Latencies(
        answers=len(ranked),
        mean_ms=float(ranked.mean()),
        percentiles=tuple(_percentile(ranked, percent) for percent in PERCENTILES),
        max_ms=float(ranked[-1]),
        curve=_curve(ranked),
        bins=_bins(ranked),
        moments=tuple(_moments(at, each, seconds=seconds)),
    )


def _percentile(ranked: Floats, percent: float) -> Percentile:
    place = _place(len(ranked), percent / 100)
    return Percentile(percent, float(ranked[place]), len(ranked) - place - 1)


def _place(count: int, share: float) -> int:
    # Rounded first: 99.9 % of a thousand is a little more than 999 in binary.
    return min(count - 1, max(0, ceil(round(share * count, 6)) - 1))


def _curve(ranked: Floats) -> tuple[tuple[float, float], ...]:
    """Percentiles at even steps of the logarithm of what is left to 100, down to the last answer."""
    steps = range(floor(_POINTS_A_DECADE * log10(len(ranked))) + 1)
    shares = [1 - 10 ** (-step / _POINTS_A_DECADE) for step in steps]
    points = [(100 * share, float(ranked[_place(len(ranked), share)])) for share in shares]
    return (*points, (100 * (1 - 1 / len(ranked)), float(ranked[-1])))


def _bins(ranked: Floats) -> tuple[tuple[float, int], ...]:
    import numpy as np

    places = np.floor(_BINS_A_DECADE * np.log10(np.maximum(ranked, 1e-3))).astype(int)
    found, counts = np.unique(places, return_counts=True)
    return tuple((10 ** (place / _BINS_A_DECADE), count) for place, count in zip(found.tolist(), counts.tolist(), strict=True))


def _moments(at: Floats, each: Floats, *, seconds: float) -> list[Moment]:
    import numpy as np

    width = max(_LEAST_MOMENT_SECONDS, seconds / _MOST_MOMENTS)
    places = np.minimum((at / width).astype(int), max(0, ceil(seconds / width) - 1))
    found = []
    for place in np.unique(places).tolist():
        ranked = np.sort(each[places == place])
        half, most = (float(ranked[_place(len(ranked), share)]) for share in (0.5, 0.99))
        found.append(Moment(second=place * width, answers=len(ranked), p50_ms=half, p99_ms=most, max_ms=float(ranked[-1])))
    return found
