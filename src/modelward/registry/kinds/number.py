# SPDX-License-Identifier: Apache-2.0
"""Numbers: of JSON, finite and within what float32 holds; float32 [rows, 1] for a graph, NaN where missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from modelward.registry.values import LARGEST, UnfitValueError, flat, json_kind

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

Number: TypeAlias = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
"""What a row's number may be, for a decoder of JSON to check by itself; JSON knows no NaN, so that within bounds is finite."""


class NumberKind:
    """See `Kind`. Tables keep numbers side by side, apart from the other kinds."""

    datatype, element, task = "FP32", "FLOAT", "tabular-classification"
    is_binary = False
    is_packed = False
    rows_at_once: int | None = None

    def fault(self, feature: Feature) -> str:
        if feature.length or feature.lowercase:
            return f"Only texts have a length and a case; {feature.name!r} is a number."
        return ""

    def shape(self, feature: Feature) -> tuple[int, ...]:
        return (1,)

    def tensor(self, feature: Feature) -> tuple[int, ...]:
        return (1,)

    def json_type(self, feature: Feature) -> Any:
        if feature.is_bound:
            return Annotated[int, msgspec.Meta(ge=int(feature.minimum or 0), le=int(feature.maximum or 0))]
        return Number | None if feature.nullable else Number

    def encoder(self, feature: Feature) -> Callable[[Any], float | None]:
        nullable = feature.nullable
        if feature.is_bound:
            return _bound_encoder(int(feature.minimum or 0), int(feature.maximum or 0))

        def encode(value: Any) -> float | None:
            kind = type(value)
            # A comparison with NaN is false, so that it is refused together with infinities and what float32 cannot hold.
            if (kind is float or kind is int) and -LARGEST <= value <= LARGEST:
                return value  # type: ignore[no-any-return]  # checked one line above
            if value is None and nullable:
                return None
            raise UnfitValueError(why_no_number(value))

        return encode

    def listed(self, values: npt.NDArray[Any], feature: Feature) -> Sequence[Any]:
        return flat(values)

    def column(self, values: Sequence[Any], feature: Feature) -> npt.NDArray[np.float32]:
        return np.array(values, dtype=np.float32).reshape(-1, 1)

    def plain(self, feature: Feature) -> float:
        return feature.minimum or 0.0

    def told(self, feature: Feature) -> str:
        if feature.is_bound:
            return f"{feature.minimum:,.0f} – {feature.maximum:,.0f}"
        return "" if feature.minimum is None else f"{feature.minimum:.4g} – {feature.maximum:.4g}"


def _bound_encoder(least: int, most: int) -> Callable[[Any], float]:
    def encode(value: Any) -> float:
        if type(value) in (float, int) and least <= value <= most and value == int(value):
            return value  # type: ignore[no-any-return]  # checked one line above
        named = "" if type(value) in (float, int) else f", and is {json_kind(value)}"
        raise UnfitValueError(f"must be a whole number from {least:,} to {most:,}{named}")

    return encode


def why_no_number(value: Any) -> str:
    """Why a value is not the number that a feature needs."""
    if value is None:
        return "is null, and the version does not fill it in; send a number"
    if type(value) in (float, int):
        return "is not finite or beyond what float32 holds; send a finite number, or null where the version fills it in"
    return f"must be a number and is {json_kind(value)}"
