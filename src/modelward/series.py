# SPDX-License-Identifier: Apache-2.0
"""Series: ordered lists of numbers, or of lists of as many numbers as there are channels; read in the same way from data and from
questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float32]
"""[steps, channels]; NaN where a number is missing."""

STEPS_LIMIT, CHANNELS_LIMIT = 100_000, 1024
"""A longer series is refused: nobody should send what is cut off anyhow."""
READ_UNASKED = 4096
"""So many steps, the last ones, a model reads at most where nobody says how many."""
_CHARACTERS_LIMIT = 10_000_000
_LARGEST = float(np.finfo(np.float32).max)
_NUMBERS = {float, int, type(None), np.float32, np.float64}
_NO_JSON = re.compile(r"\b(?:NaN|nan|None|Infinity|inf)\b")


class UnfitSeriesError(Exception):
    """Why something is no series, in words. Whoever reads rows puts the row before them: "has 3 numbers in step 2"."""


def steps_of(value: Any, *, channels: int | None) -> Series:
    """The steps of a list of numbers, or of lists of them, or of a text that holds such a list as JSON. What is null is NaN, and
    missing steps at the end are none. Without `channels` they are what the first step has.

    Raises:
        UnfitSeriesError: it is no such list, is too long, or a number is beyond float32.
    """
    if type(value) is str:
        value = _of_text(value)
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.dtype.kind == "O" else value
    elif not isinstance(value, list | tuple):
        raise UnfitSeriesError(f"must be a list and is none: each step is {_wanted(channels)}")
    if len(value) > STEPS_LIMIT:
        raise UnfitSeriesError(f"has {len(value):,} steps; the limit is {STEPS_LIMIT:,}. Keep the last ones")
    steps = _numbers(value, channels) if len(value) else np.zeros((0, channels or 1), dtype=np.float32)
    is_there = ~np.isnan(steps).all(axis=1)
    return steps[: int(np.flatnonzero(is_there)[-1]) + 1 if is_there.any() else 0]


def _of_text(text: str) -> Any:
    if not text.strip():
        return []
    if len(text) > _CHARACTERS_LIMIT:
        raise UnfitSeriesError(f"is {len(text):,} characters long; the limit is {_CHARACTERS_LIMIT:,}")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        if _NO_JSON.search(text):
            raise UnfitSeriesError(
                "holds NaN, None or Infinity, which JSON has not: write null where a number is missing"
            ) from None
        raise UnfitSeriesError("is a text that holds no list of numbers, such as [1.5, 2, null]") from None


def _numbers(value: Any, channels: int | None) -> Series:
    numbers = _array(value)
    if numbers is None:
        raise UnfitSeriesError(_why_unfit(value, channels))
    numbers = numbers[:, None] if numbers.ndim == 1 else numbers
    if numbers.ndim != 2 or not 1 <= numbers.shape[1] <= CHANNELS_LIMIT or numbers.shape[1] != (channels or numbers.shape[1]):
        raise UnfitSeriesError(_why_unfit(value, channels))
    if (np.abs(numbers) > _LARGEST).any():
        raise UnfitSeriesError(_BEYOND)
    return numbers.astype(np.float32)


def _array(value: Any) -> npt.NDArray[Any] | None:
    """The numbers, None where they are none or have no one shape. NumPy would take texts and truths for numbers."""
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in "fiu" else None
    if set(map(type, _flat(value))) - _NUMBERS:
        return None
    try:
        return np.array(value, dtype=np.float64)
    except (ValueError, TypeError):
        return None
    except OverflowError:
        raise UnfitSeriesError(_BEYOND) from None


def _flat(value: Iterable[Any]) -> list[Any]:
    return [each for step in value for each in _parts(step)]


def _parts(step: Any) -> Iterable[Any]:
    return step if isinstance(step, list | tuple | np.ndarray) else (step,)


def _why_unfit(value: Iterable[Any], channels: int | None) -> str:
    """What is wrong with the first step that does not fit."""
    width = channels
    for at, step in enumerate(value, 1):
        parts = [*_parts(step)]
        width = width or len(parts)
        if any(isinstance(each, list | tuple | np.ndarray) for each in parts):
            return f"is nested too deep in step {at:,}: each step is {_wanted(channels)}"
        if any(type(each) not in _NUMBERS and not isinstance(each, np.number) for each in parts):
            return f"holds something that is no number in step {at:,}: each step is {_wanted(channels)}, null where one is missing"
        if len(parts) != width or not width or width > CHANNELS_LIMIT:
            wanted = width if 1 <= width <= CHANNELS_LIMIT else f"1 to {CHANNELS_LIMIT}"
            return f"has {_counted(len(parts))} in step {at:,}, and not {wanted}: each step is {_wanted(channels)}"
    return f"mixes numbers and lists of numbers: each step is {_wanted(channels)}, all of one kind"


def _counted(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers} numbers"


def _wanted(channels: int | None) -> str:
    if channels is None:
        return "a number, or a list of as many numbers as there are channels"
    return "a number" if channels == 1 else f"a list of {channels} numbers"


_BEYOND = "holds a number that is not finite or beyond what float32 holds"
