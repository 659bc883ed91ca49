# SPDX-License-Identifier: Apache-2.0
"""The preparation of a text: nothing is left to do. Its code points are made where rows are read, in the registry, the same for
training and for answering, so that the graph is handed what the recipe learned from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.registry import CodePoints, Feature, code_points
from modelward.training.graph import INT32, Drawing
from modelward.training.preparation import Column, Prepare, UnusableFeatureError, check_names

if TYPE_CHECKING:
    import onnx
    import polars as pl

_SHARE_READ_WHOLE = 0.99
_LONGEST = 4096
# From so many texts on it is known which characters are usual; of so many it is counted how usual the others are.
_LEAST_TEXTS, _TEXTS_COUNTED = 30, 5000
_SHARE_FAMILIAR, _LEAST_STRANGE = 0.99, 0.1


class _Seen:
    """The characters of training texts."""

    def __init__(self) -> None:
        self._texts_with: Counter[int] = Counter()
        self._counts: list[tuple[list[int], list[int]]] = []

    def add(self, points: CodePoints) -> None:
        found, counts = (part.tolist() for part in np.unique(points[points != 0], return_counts=True))
        self._texts_with.update(found)
        if found and len(self._counts) < _TEXTS_COUNTED:
            self._counts.append((found, counts))

    @property
    def characters(self) -> str:
        """Those of two texts at least, so that none gives away who wrote it; none where there are too few texts to tell."""
        if len(self._counts) < _LEAST_TEXTS:
            return ""
        return "".join(sorted(chr(point) for point, texts in self._texts_with.items() if texts > 1))

    @property
    def strange_share(self) -> float:
        """The share of characters that no other text has, which 99 of 100 training texts do not pass; a tenth at least."""
        shares = [
            sum(count for point, count in zip(found, counts, strict=True) if self._texts_with[point] < 2) / sum(counts)
            for found, counts in self._counts
        ]
        return max(_LEAST_STRANGE, float(np.quantile(shares or [0.0], _SHARE_FAMILIAR)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPreparation:
    """How the one text of a row is read: its first `length` characters, in lower case where `lowercase` says so. What else there is
    says which texts are called unfamiliar, see `Feature`.
    """

    name: str
    length: int
    lowercase: bool
    characters: str = ""
    strange_share: float = 0.0

    @classmethod
    def fit(cls, texts: pl.Series, prepare: Prepare) -> TextPreparation:
        """Fit to the training texts alone, which are null where missing.

        Raises:
            UnusableFeatureError: the column has a name that the graph needs itself, or no text has a character.
        """
        check_names([texts.name])
        longest = Feature(texts.name, "text", length=prepare.length or _LONGEST, lowercase=prepare.lowercase)
        # One text after the other: all of them at full length at once would not fit into memory.
        lengths, seen = [], _Seen()
        for text in texts.fill_null("").to_list():
            points = code_points([text], longest)
            lengths.append(np.count_nonzero(points))
            seen.add(points)
        if not any(lengths):
            raise UnusableFeatureError(f"The feature {texts.name!r} has no text in the training rows. Choose another column.")
        fitting = int(np.quantile(lengths, _SHARE_READ_WHOLE, method="higher"))
        return cls(
            name=texts.name,
            length=prepare.length or max(fitting, 1),
            lowercase=prepare.lowercase,
            characters=seen.characters,
            strange_share=seen.strange_share,
        )

    def feature(self, *, nullable: bool) -> Feature:
        """The text as a feature of a version."""
        return Feature(
            self.name,
            "text",
            nullable=nullable,
            length=self.length,
            lowercase=self.lowercase,
            characters=self.characters,
            strange_share=self.strange_share,
        )

    def apply(self, columns: Mapping[str, Column]) -> CodePoints:
        """The code points, int32 [n, length]."""
        return columns[self.name]

    def graph(self) -> onnx.ModelProto:
        """The same as `apply`, in ONNX."""
        drawing = Drawing(prefix="//" if self.name.startswith("/") else "/")
        whole = (INT32, ("N", self.length))
        return drawing.finish({self.name: whole}, {drawing.node("Identity", self.name): whole})
