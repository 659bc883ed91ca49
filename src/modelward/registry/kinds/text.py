# SPDX-License-Identifier: Apache-2.0
"""Texts: of JSON, as long as they are; code points int32 [rows, length] for a graph, none where missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy.typing as npt

from modelward.registry.texts import LENGTH_LIMIT, CodePoints, code_points
from modelward.registry.values import UnfitValueError, flat, is_unicode, why_no_text

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

LONG_TEXT_LIMIT = 1_000_000


class TextKind:
    """See `Kind`. A feature says how many characters are read, `length`, and whether in lower case."""

    datatype, element, task = "BYTES", "INT32", "text-classification"
    is_binary = False
    is_packed = False
    # A graph may count tens of thousands of things in each text: many texts at once would need gigabytes.
    rows_at_once: int | None = 256

    def fault(self, feature: Feature) -> str:
        if 1 <= feature.length <= LENGTH_LIMIT:
            return ""
        return f"A text has a length of 1 to {LENGTH_LIMIT}, and {feature.name!r} has {feature.length}."

    def shape(self, feature: Feature) -> tuple[int, ...]:
        return (feature.length,)

    def tensor(self, feature: Feature) -> tuple[int, ...]:
        return (1,)

    def json_type(self, feature: Feature) -> Any:
        text = Annotated[str, msgspec.Meta(min_length=0 if feature.nullable else 1, max_length=LONG_TEXT_LIMIT)]
        return text | None if feature.nullable else text

    def encoder(self, feature: Feature) -> Callable[[Any], str]:
        nullable = feature.nullable

        def encode(value: Any) -> str:
            is_short = type(value) is str and len(value) <= LONG_TEXT_LIMIT
            if is_short and (value or nullable) and (value.isascii() or is_unicode(value)):
                return value  # type: ignore[no-any-return]  # checked two lines above
            if value is None and nullable:
                return ""
            raise UnfitValueError(why_no_text(value, limit=LONG_TEXT_LIMIT))

        return encode

    def listed(self, values: npt.NDArray[Any], feature: Feature) -> Sequence[Any]:
        return flat(values)

    def column(self, values: Sequence[Any], feature: Feature) -> CodePoints:
        return code_points(values, feature)

    def plain(self, feature: Feature) -> str:
        return ("word " * feature.length)[: feature.length]

    def told(self, feature: Feature) -> str:
        return f"the first {feature.length} characters are read{', in lower case' if feature.lowercase else ''}"
