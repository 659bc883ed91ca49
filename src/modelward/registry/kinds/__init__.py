# SPDX-License-Identifier: Apache-2.0
"""The kinds of features. A row of a table is kept in their order: numbers, categories, then the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelward.registry.kinds.category import CategoryKind
from modelward.registry.kinds.image import ImageKind
from modelward.registry.kinds.number import NumberKind
from modelward.registry.kinds.sequence import SequenceKind
from modelward.registry.kinds.series import SeriesKind
from modelward.registry.kinds.text import TextKind

if TYPE_CHECKING:
    from modelward.registry.kind import Kind

KINDS: Mapping[str, Kind] = {
    "number": NumberKind(),
    "category": CategoryKind(),
    "text": TextKind(),
    "image": ImageKind(),
    "sequence": SequenceKind(),
    "series": SeriesKind(),
}
