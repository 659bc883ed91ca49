# SPDX-License-Identifier: Apache-2.0
"""The preparation of images, which are brought to one size where rows are read: their pixels lie in one row, 0 to 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from modelward.images import Facts
from modelward.registry import Feature
from modelward.training.graph import FLOAT, UINT8, Drawing
from modelward.training.preparation import Column, FloatMatrix, Prepare, check_names
from modelward.training.rows import BRIGHTEST, brightness

if TYPE_CHECKING:
    import onnx

_LARGEST_SIDE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePreparation:
    """How the one image of a row is read: its `shape` is height, width and channels."""

    name: str
    shape: tuple[int, int, int]

    @classmethod
    def fit(cls, name: str, images: Sequence[Facts], prepare: Prepare) -> ImagePreparation:
        """Fit to the training images alone. Without a stated size, it is the one they all have, or where they differ the medians of
        their sides, at most 64; grey where all of them are grey.

        Raises:
            UnusableFeatureError: the column has a name that the graph needs itself.
        """
        check_names([name])
        sizes = Counter((facts.height, facts.width) for facts in images)
        height, width = (int(median(sides)) for sides in zip(*sizes.elements(), strict=True))
        shrunk = 1.0 if len(sizes) == 1 else min(1.0, _LARGEST_SIDE / max(height, width))
        found = max(1, round(height * shrunk)), max(1, round(width * shrunk))
        channels = 1 if all(facts.is_grey for facts in images) else 3
        return cls(name=name, shape=(*(prepare.size or found), channels))

    def feature(self) -> Feature:
        """The image as a feature of a version."""
        return Feature(self.name, "image", shape=self.shape)

    def apply(self, columns: Mapping[str, Column]) -> FloatMatrix:
        """The pixels, row by row and their channels together, 0 to 1: float32 [n, height * width * channels]."""
        return brightness(columns[self.name])

    def graph(self) -> onnx.ModelProto:
        """The same as `apply`, in ONNX."""
        height, width, channels = self.shape
        places = height * width * channels
        drawing = Drawing(prefix="//" if self.name.startswith("/") else "/")
        rows = drawing.node("Reshape", drawing.node("Cast", self.name, to=FLOAT), drawing.constant((-1, places), np.int64))
        rows = drawing.node("Div", rows, drawing.constant(np.float32(BRIGHTEST)))
        return drawing.finish({self.name: (UINT8, ("N", height, width, channels))}, {rows: (FLOAT, ("N", places))})
