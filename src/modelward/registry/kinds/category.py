# SPDX-License-Identifier: Apache-2.0
"""Categories: a text of JSON, or true and false; objects (text) [rows, 1] for a graph, "" where missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from modelward.registry.values import UnfitValueError, flat, is_unicode, json_kind, why_no_text

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

TEXT_LIMIT = 10_000
_SHOWN_CATEGORIES = 20


class CategoryKind:
    """See `Kind`."""

    datatype, element, task = "BYTES", "STRING", "tabular-classification"
    is_binary = False
    is_packed = False
    rows_at_once: int | None = None

    def fault(self, feature: Feature) -> str:
        if feature.length or feature.lowercase:
            return f"Only texts have a length and a case; {feature.name!r} is a category."
        return ""

    def shape(self, feature: Feature) -> tuple[int, ...]:
        return (1,)

    def tensor(self, feature: Feature) -> tuple[int, ...]:
        return (1,)

    def json_type(self, feature: Feature) -> Any:
        if feature.is_bound:
            return Literal.__getitem__(feature.categories)
        text = Annotated[str, msgspec.Meta(min_length=0 if feature.nullable else 1, max_length=TEXT_LIMIT)]
        return text | bool | None if feature.nullable else text | bool

    def encoder(self, feature: Feature) -> Callable[[Any], str]:
        nullable = feature.nullable
        if feature.is_bound:
            return _bound_encoder(feature)

        def encode(value: Any) -> str:
            if type(value) is str and len(value) <= TEXT_LIMIT and (value or nullable) and (value.isascii() or is_unicode(value)):
                return value
            if type(value) is bool:
                return "true" if value else "false"
            if value is None and nullable:
                return ""
            raise UnfitValueError(why_no_text(value, limit=TEXT_LIMIT))

        return encode

    def listed(self, values: npt.NDArray[Any], feature: Feature) -> Sequence[Any]:
        return flat(values)

    def column(self, values: Sequence[Any], feature: Feature) -> npt.NDArray[np.object_]:
        return np.array(values, dtype=object).reshape(-1, 1)

    def plain(self, feature: Feature) -> str:
        return (*feature.categories, "unseen")[0]

    def told(self, feature: Feature) -> str:
        more = ", …" if len(feature.categories) > _SHOWN_CATEGORIES else ""
        return ", ".join(feature.categories[:_SHOWN_CATEGORIES]) + more


def _bound_encoder(feature: Feature) -> Callable[[Any], str]:
    known, told = frozenset(feature.categories), feature.sort.told(feature)

    def encode(value: Any) -> str:
        if type(value) is bool:
            value = "true" if value else "false"
        if type(value) is str and value in known:
            return value
        named = "" if type(value) is str else f", and is {json_kind(value)}"
        raise UnfitValueError(f"must be one of the texts {told}{named}")

    return encode
