# SPDX-License-Identifier: Apache-2.0
"""Series in a form: numbers as people paste them, from a list, a column, or rows of a table."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.registry import Feature

_FIRST_STEPS = 12
_BETWEEN = re.compile(r"[,;\t]")
_MISSING = {"", "null", "nan", "na", "n/a", "none", "?", "-"}


class UnreadNumbersError(InvalidError):
    """What was pasted is no series of this feature. The place is named, what stands there is not."""


@dataclass(frozen=True, slots=True)
class SeriesField:
    """What the form says of a series: how many steps are read, of how many numbers each, and the range that training saw."""

    steps: int
    channels: int
    low: float | None
    high: float | None


def series_field(feature: Feature) -> SeriesField:
    """What the form says of this series."""
    steps, channels = feature.shape
    return SeriesField(steps, channels, feature.minimum, feature.maximum)


def first_series(feature: Feature) -> str:
    """A series that swings within the range of the feature, a step a line: something to ask about before anything is pasted."""
    steps, channels = feature.shape
    low, high = feature.minimum or 0.0, feature.maximum or 0.0
    lines = []
    for step in range(min(steps, _FIRST_STEPS)):
        swung = (0.5 + 0.4 * math.sin(step * 0.6 + channel) for channel in range(channels))
        lines.append(" ".join(f"{low + (high - low) * share:.4g}" for share in swung))
    return (" " if channels == 1 else "\n").join(lines)


def pasted_series(feature: Feature, text: str) -> Any:
    """The series that somebody pasted: a list in JSON as it is; else numbers with spaces, commas, semicolons or tabs between them,
    of several channels a step a line. Nothing between two commas, and the usual words for it, are a missing number.

    Raises:
        UnreadNumbersError: something is no number, or a line has more or fewer than there are channels.
    """
    if not text.strip():
        return None
    if text.lstrip().startswith("["):
        return text
    _, channels = feature.shape
    lines = [(at, [*_numbers(feature, line, at)]) for at, line in enumerate(text.splitlines(), 1) if line.strip()]
    if channels == 1:
        return [number for _, numbers in lines for number in numbers]
    for at, numbers in lines:
        if len(numbers) != channels:
            raise UnreadNumbersError(
                f"The field {feature.name!r} takes {channels} numbers in each line, and line {at} has {len(numbers)}."
            )
    return [numbers for _, numbers in lines]


def _numbers(feature: Feature, line: str, at: int) -> Iterator[float | None]:
    # Lists of one channel may go on in the next line.
    bare = line.strip(" ").rstrip(",;" if feature.shape[1] == 1 else "")
    for word in _BETWEEN.split(bare) if _BETWEEN.search(bare) else bare.split():
        if word.strip().lower() in _MISSING:
            yield None
            continue
        try:
            yield float(word)
        except ValueError:
            raise UnreadNumbersError(
                f"The field {feature.name!r} takes numbers, and line {at} holds something else. Write null where one is missing."
            ) from None
