# SPDX-License-Identifier: Apache-2.0
"""A series as a model read it, drawn as a line for each channel, over what each stretch of it did to the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.entrances.console.picture import STRONGEST, Bar

if TYPE_CHECKING:
    from modelward.registry import Interface

_MOST_CHANNELS = 16
_MOST_PLACES = 600
_TOP, _BOTTOM = 6.0, 94.0
_STRETCH = re.compile(r"\[(-\d+)(?:(:)(-\d+)?)?\]")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps that were left out together to explain the answer; `strength` is 0 to 1, `is_more` whether they speak for it."""

    start: int
    steps: int
    strength: float
    is_more: bool


@dataclass(frozen=True, slots=True)
class SeriesPicture:
    """One series: its name, how many steps were read, a path for each of the first channels in a picture that is as wide as there
    are steps and 100 high, the least and the greatest number in it, and what spoke for the answer. Each channel fills the height.
    """

    name: str
    steps: int
    channels: int
    paths: list[str]
    low: float
    high: float
    stretches: list[Stretch]


def series_pictures_of(interface: Interface, row: Mapping[str, Any], bars: Sequence[Bar]) -> list[SeriesPicture]:
    """The series of a row that was answered, but for those without a number."""
    wanted = [feature for feature in interface.features if feature.kind == "series"]
    columns = interface.columns([row]) if wanted else {}
    drawn = (_picture(feature.name, columns[feature.name][0].astype(np.float64), bars) for feature in wanted)
    return [picture for picture in drawn if picture is not None]


def _picture(name: str, steps: npt.NDArray[np.float64], bars: Sequence[Bar]) -> SeriesPicture | None:
    (there,) = np.nonzero(~np.isnan(steps).all(axis=1))
    if not len(there):
        return None
    read = steps[: int(there[-1]) + 1]
    return SeriesPicture(
        name=name,
        steps=len(read),
        channels=read.shape[1],
        paths=[_path(channel) for channel in read.T[:_MOST_CHANNELS]],
        low=float(np.nanmin(read)),
        high=float(np.nanmax(read)),
        stretches=_stretches(name, len(read), bars),
    )


def _path(numbers: npt.NDArray[np.float64]) -> str:
    """A line through the numbers, broken where one is missing. Of a long series each place shows the least and the greatest."""
    places = np.arange(len(numbers)) + 0.5
    if len(numbers) > _MOST_PLACES:
        together = -(-len(numbers) // _MOST_PLACES)
        padded = np.pad(numbers, (0, -len(numbers) % together), constant_values=np.nan).reshape(-1, together)
        numbers = np.stack([np.fmin.reduce(padded, axis=1), np.fmax.reduce(padded, axis=1)], axis=1).ravel()
        places = np.repeat((np.arange(len(padded)) + 0.5) * together, 2)
    if np.isnan(numbers).all():
        return ""
    low, spread = float(np.nanmin(numbers)), float(np.nanmax(numbers) - np.nanmin(numbers))
    heights = _BOTTOM - (_BOTTOM - _TOP) * ((numbers - low) / spread if spread else np.where(np.isnan(numbers), np.nan, 0.5))
    parts, is_drawing = [], False
    for place, height in zip(places, heights, strict=True):
        if not np.isnan(height):
            # A line of no length is a dot, where a number stands alone.
            parts.append(f"L{place:g} {height:.2f}" if is_drawing else f"M{place:g} {height:.2f}h0")
        is_drawing = not np.isnan(height)
    return "".join(parts)


def _stretches(name: str, steps: int, bars: Sequence[Bar]) -> list[Stretch]:
    widest = max((abs(bar.contribution) for bar in bars), default=0.0)
    found = []
    for bar in bars:
        place = _STRETCH.fullmatch(bar.name.removeprefix(name))
        if place is None or not widest:
            continue
        start, is_open, stop = steps + int(place[1]), bool(place[2]), place[3]
        end = (steps + int(stop) if stop else steps) if is_open else start + 1
        found.append(Stretch(start, end - start, STRONGEST * abs(bar.contribution) / widest, bar.contribution >= 0))
    return found
