# SPDX-License-Identifier: Apache-2.0
"""Series: of JSON a list of numbers, or of lists of as many numbers as there are channels, as long as it is; float32 [rows, length,
channels] for a graph, the last steps of longer ones, NaN behind the end of shorter ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from modelward.registry.values import LARGEST, UnfitValueError, json_kind

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

Series = npt.NDArray[np.float32]

LENGTH_LIMIT, CHANNELS_LIMIT, NUMBERS_LIMIT = 1 << 14, 1024, 1 << 20
STEPS_LIMIT = 100_000
"""A longer series is refused: nobody should send what is cut off anyhow."""
_CHARACTERS_LIMIT = 10_000_000


class SeriesKind:
    """See `Kind`. A feature says what the model takes, `shape`: how many steps, the last ones, and how many channels each has."""

    datatype, element, task = "FP32", "FLOAT", "tabular-classification"
    is_binary = False
    is_packed = False
    # A network holds what it makes of every step of every series that it is handed.
    rows_at_once: int | None = 256

    def fault(self, feature: Feature) -> str:
        shape = feature.shape
        is_whole = len(shape) == 2 and 1 <= shape[0] <= LENGTH_LIMIT and 1 <= shape[1] <= CHANNELS_LIMIT
        if is_whole and shape[0] * shape[1] <= NUMBERS_LIMIT:
            return ""
        return (
            f"The series {feature.name!r} has the shape {[*shape]}; it is steps, 1 to {LENGTH_LIMIT}, and channels, 1 to "
            f"{CHANNELS_LIMIT}, together {NUMBERS_LIMIT:,} numbers at most."
        )

    def shape(self, feature: Feature) -> tuple[int, ...]:
        return feature.shape

    def tensor(self, feature: Feature) -> tuple[int, ...]:
        return feature.shape

    def json_type(self, feature: Feature) -> Any:
        return None

    def encoder(self, feature: Feature) -> Callable[[Any], Series]:
        length, channels = feature.shape
        nullable = feature.nullable

        def encode(value: Any) -> Series:
            steps = steps_of([] if value is None else value, channels=channels)
            if not len(steps) and not nullable:
                raise UnfitValueError("is empty, and no series was when the version was trained; send one number at least")
            return steps[-length:]

        return encode

    def listed(self, values: npt.NDArray[Any], feature: Feature) -> Sequence[Any]:
        is_whole = values.ndim > 2 or (values.ndim == 2 and values.dtype.kind in "fiu")
        return list(values) if is_whole else values.ravel().tolist()

    def column(self, values: Sequence[Any], feature: Feature) -> Series:
        whole = np.full((len(values), *feature.shape), np.nan, dtype=np.float32)
        for row, steps in enumerate(values):
            whole[row, : len(steps)] = steps
        return whole

    def plain(self, feature: Feature) -> Any:
        value = feature.minimum or 0.0
        return [[value] * feature.shape[1]] * feature.shape[0]

    def told(self, feature: Feature) -> str:
        steps, channels = feature.shape
        each = f" of {channels} numbers each" if channels > 1 else ""
        seen = "" if feature.minimum is None else f"; training saw {feature.minimum:.4g} – {feature.maximum:.4g}"
        return f"the last {steps} steps are read{each}{seen}"


def steps_of(value: Any, *, channels: int | None) -> Series:
    """The steps [steps, channels] of a list of numbers, or of lists of them, or of a text that holds such a list as JSON. What is
    null is NaN, and missing steps at the end are none. Without `channels` they are what the first step has.

    Raises:
        UnfitValueError: it is no such list, is too long, or a number is beyond float32.
    """
    if type(value) is str:
        value = _of_text(value)
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.dtype.kind == "O" else value
    elif not isinstance(value, list | tuple):
        raise UnfitValueError(f"must be a list of numbers and is {json_kind(value)}")
    if len(value) > STEPS_LIMIT:
        raise UnfitValueError(f"has {len(value):,} steps; the limit is {STEPS_LIMIT:,}. Send the last ones")
    steps = _numbers(value, channels)
    is_there = ~np.isnan(steps).all(axis=1)
    return steps[: int(np.flatnonzero(is_there)[-1]) + 1 if is_there.any() else 0]


def _of_text(text: str) -> Any:
    if not text.strip():
        return []
    if len(text) > _CHARACTERS_LIMIT:
        raise UnfitValueError(f"is {len(text):,} characters long; the limit is {_CHARACTERS_LIMIT:,}")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise UnfitValueError("is a text that holds no list of numbers, such as [1.5, 2, 3]") from None


def _numbers(value: Any, channels: int | None) -> Series:
    wide = 1 if channels is None else channels
    if not len(value):
        return np.zeros((0, wide), dtype=np.float32)
    _check_types(value)
    try:
        numbers = np.array(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise UnfitValueError(_wanted(channels)) from None
    numbers = numbers[:, None] if numbers.ndim == 1 else numbers
    if numbers.ndim != 2 or not 1 <= numbers.shape[1] <= CHANNELS_LIMIT or numbers.shape[1] != (channels or numbers.shape[1]):
        raise UnfitValueError(_wanted(channels))
    if (np.abs(numbers) > LARGEST).any():
        raise UnfitValueError("holds a number that is not finite or beyond what float32 holds")
    return numbers.astype(np.float32)


def _check_types(value: Any) -> None:
    """NumPy would take texts and truths for numbers."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiu":
            raise UnfitValueError("must be a list of numbers and holds something else")
        return
    flat = [each for step in value for each in (step if isinstance(step, list | tuple | np.ndarray) else (step,))]
    strange = set(map(type, flat)) - {float, int, type(None), np.float32, np.float64}
    if strange:
        raise UnfitValueError("must be a list of numbers and holds something else")


def _wanted(channels: int | None) -> str:
    each = "or of lists of equally many numbers" if channels is None else f"or of lists of {channels} numbers each"
    return f"must be a list of numbers{'' if channels == 1 else ', ' + each}, all of one kind"
