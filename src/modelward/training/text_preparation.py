# SPDX-License-Identifier: Apache-2.0
"""The preparation of a text: nothing is left to do. Its code points are made where rows are read, in the registry, the same for
training and for answering, so that the graph is handed what the recipe learned from.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPreparation:
    """How the one text of a row is read: its first `length` characters, in lower case where `lowercase` says so."""

    name: str
    length: int
    lowercase: bool

    @classmethod
    def fit(cls, texts: pl.Series, prepare: Prepare) -> TextPreparation:
        """Fit to the training texts alone, which are null where missing.

        Raises:
            UnusableFeatureError: the column has a name that the graph needs itself, or no text has a character.
        """
        check_names([texts.name])
        longest = Feature(texts.name, "text", length=prepare.length or _LONGEST, lowercase=prepare.lowercase)
        # One text after the other: all of them at full length at once would not fit into memory.
        lengths = [np.count_nonzero(code_points([text], longest)) for text in texts.fill_null("").to_list()]
        if not any(lengths):
            raise UnusableFeatureError(f"The feature {texts.name!r} has no text in the training rows. Choose another column.")
        fitting = int(np.quantile(lengths, _SHARE_READ_WHOLE, method="higher"))
        return cls(name=texts.name, length=prepare.length or max(fitting, 1), lowercase=prepare.lowercase)

    def feature(self, *, nullable: bool) -> Feature:
        """The text as a feature of a version."""
        return Feature(self.name, "text", nullable=nullable, length=self.length, lowercase=self.lowercase)

    def apply(self, columns: Mapping[str, Column]) -> CodePoints:
        """The code points, int32 [n, length]."""
        return columns[self.name]

    def graph(self) -> onnx.ModelProto:
        """The same as `apply`, in ONNX."""
        drawing = Drawing(prefix="//" if self.name.startswith("/") else "/")
        whole = (INT32, ("N", self.length))
        return drawing.finish({self.name: whole}, {drawing.node("Identity", self.name): whole})
