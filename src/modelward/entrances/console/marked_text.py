# SPDX-License-Identifier: Apache-2.0
"""A text as a model read it, with its passages marked by what they did to the answer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modelward.registry import Interface

_SHADES = 4
_FAINTEST = 0.05
_PASSAGE = re.compile(r"\[(\d+):(\d+)\]")


class Bar(Protocol):
    """What one passage adds, and the passage itself."""

    @property
    def name(self) -> str: ...

    @property
    def value(self) -> str: ...

    @property
    def contribution(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the text; `strength` is 1 to 4, or 0 where it did next to nothing, `is_more` whether it speaks for the answer,
    `is_spaced` whether a space follows.
    """

    text: str
    strength: int
    is_more: bool
    is_spaced: bool


def marked_text(interface: Interface, bars: Sequence[Bar]) -> list[Passage]:
    """The text that was explained, piece by piece in its order; nothing where no text was."""
    feature = next((each for each in interface.features if each.kind == "text"), None)
    widest = max((abs(bar.contribution) for bar in bars), default=0.0)
    if feature is None or not widest:
        return []
    places = [(place, bar) for bar in bars if (place := _PASSAGE.fullmatch(bar.name.removeprefix(feature.name)))]
    ordered = sorted(places, key=lambda each: int(each[0][1]))
    return [_passage(place, bar, abs(bar.contribution) / widest) for place, bar in ordered]


def _passage(place: re.Match[str], bar: Bar, share: float) -> Passage:
    strength = math.ceil(_SHADES * share) if share > _FAINTEST else 0
    return Passage(bar.value, strength, bar.contribution >= 0, len(bar.value) < int(place[2]) - int(place[1]))
