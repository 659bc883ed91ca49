# SPDX-License-Identifier: Apache-2.0
"""An image as a model saw it, drawn in squares, with what each patch of it did to the answer laid over it.

It is drawn, and not sent as an image, so that no page may load one from anywhere but the console itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from modelward.registry import Interface

_MOST_SQUARES = 48
STRONGEST = 0.75
_PATCH = re.compile(r"\[(\d+):(\d+),(\d+):(\d+)\]")


class Bar(Protocol):
    """What one patch adds."""

    @property
    def name(self) -> str: ...

    @property
    def contribution(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Square:
    """A part of the picture in one colour."""

    x: float
    y: float
    width: float
    height: float
    color: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A part that was left out to explain the answer; `strength` is 0 to 1, `is_more` whether it speaks for the answer."""

    x: int
    y: int
    width: int
    height: int
    strength: float
    is_more: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """One image feature: its name, its size as the model takes it, what it shows, and what spoke for the answer."""

    name: str
    width: int
    height: int
    squares: list[Square]
    patches: list[Patch]


def pictures_of(interface: Interface, row: Mapping[str, Any], bars: Sequence[Bar]) -> list[Picture]:
    """The images of a row that was answered."""
    wanted = [feature for feature in interface.features if feature.kind == "image"]
    if not wanted:
        return []
    columns = interface.columns([row])
    return [_picture(feature.name, columns[feature.name][0], bars) for feature in wanted]


def _picture(name: str, pixels: Any, bars: Sequence[Bar]) -> Picture:
    height, width, _ = pixels.shape
    step = max(1, -(-max(height, width) // _MOST_SQUARES))
    squares = [
        Square(x, y, min(step, width - x), min(step, height - y), _color(pixels[y : y + step, x : x + step]))
        for y in range(0, height, step)
        for x in range(0, width, step)
    ]
    return Picture(name, width, height, squares, _patches(name, bars))


def _color(pixels: Any) -> str:
    """The mean of some pixels, as it is written in a page."""
    mean = [round(float(each)) for each in pixels.mean(axis=(0, 1))]
    return "#" + "".join(f"{value:02x}" for value in (mean * 3 if len(mean) == 1 else mean))


def _patches(name: str, bars: Sequence[Bar]) -> list[Patch]:
    widest = max((abs(bar.contribution) for bar in bars), default=0.0)
    found = []
    for bar in bars:
        place = _PATCH.fullmatch(bar.name.removeprefix(name))
        if place is None or not widest:
            continue
        top, bottom, left, right = map(int, place.groups())
        strength = STRONGEST * abs(bar.contribution) / widest
        found.append(Patch(left, top, right - left, bottom - top, strength, bar.contribution >= 0))
    return found
