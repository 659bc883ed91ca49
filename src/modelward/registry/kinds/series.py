# SPDX-License-Identifier: Apache-2.0
"""Series: of JSON a list of numbers, or of lists of as many numbers as there are channels, as long as it is; float32 [rows, length,
channels] for a graph, the last steps of longer ones, NaN behind the end of shorter ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.registry.values import UnfitValueError, json_kind
from modelward.series import CHANNELS_LIMIT, Series, UnfitSeriesError, steps_of

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

LENGTH_LIMIT, NUMBERS_LIMIT = 1 << 14, 1 << 20
_FORMS = (list, tuple, str, np.ndarray, type(None))


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
            if not isinstance(value, _FORMS):
                raise UnfitValueError(f"must be a list of numbers and is {json_kind(value)}")
            try:
                steps = steps_of([] if value is None else value, channels=channels)
            except UnfitSeriesError as unfit:
                raise UnfitValueError(str(unfit)) from None
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
