# SPDX-License-Identifier: Apache-2.0
"""The preparation of a series: each channel is shifted and scaled, and each step says whether it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.registry import Feature
from modelward.series import READ_UNASKED
from modelward.training.graph import FLOAT, Drawing
from modelward.training.preparation import Column, FloatMatrix, Prepare, UnusableFeatureError, check_names

if TYPE_CHECKING:
    import onnx

_SHARE_READ_WHOLE = 0.99
# So many spreads from the mean a number is held, or a network behind it could leave the numbers.
_FAR = 1e6
_LEAST_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPreparation:
    """How the one series of a row is read: its last `length` steps, (x - mean) / spread of each channel, what is missing 0; behind
    the channels of a step stands 1, or 0 where the series has ended.
    """

    name: str
    length: int
    means: tuple[float, ...]
    spreads: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, series: Sequence[npt.NDArray[np.float32]], prepare: Prepare) -> SeriesPreparation:
        """Fit to the training series alone, [steps, channels] each.

        Raises:
            UnusableFeatureError: the column has a name that the graph needs itself, or no series has a step.
        """
        check_names([name])
        lengths = [len(steps) for steps in series]
        if not any(lengths):
            raise UnusableFeatureError(f"The feature {name!r} has no number in the training rows. Choose another column.")
        fitting = min(int(np.quantile(lengths, _SHARE_READ_WHOLE, method="higher")), READ_UNASKED)
        length = prepare.length or max(fitting, 1)
        whole = np.concatenate([steps[-length:] for steps in series]).astype(np.float64)
        counts = np.maximum((~np.isnan(whole)).sum(axis=0), 1)
        means = np.nansum(whole, axis=0) / counts
        spreads = np.sqrt(np.nansum((whole - means) ** 2, axis=0) / counts)
        spreads = np.where(spreads > np.maximum(_LEAST_SPREAD, 1e-6 * np.abs(means)), spreads, 1.0)
        return cls(name=name, length=length, means=tuple(means.tolist()), spreads=tuple(spreads.tolist()))

    @property
    def channels(self) -> int:
        """Numbers of a step."""
        return len(self.means)

    @property
    def shape(self) -> tuple[int, int]:
        """Steps, and values of each, prepared."""
        return self.length, self.channels + 1

    def feature(self, *, nullable: bool, minimum: float, maximum: float) -> Feature:
        """The series as a feature of a version."""
        shape = (self.length, self.channels)
        return Feature(self.name, "series", nullable=nullable, shape=shape, minimum=minimum, maximum=maximum)

    def apply(self, columns: Mapping[str, Column]) -> FloatMatrix:
        """The steps side by side, float32 [n, length * (channels + 1)]."""
        values: npt.NDArray[Any] = columns[self.name]
        means, spreads = (np.array(each, dtype=np.float32) for each in (self.means, self.spreads))
        is_missing = np.isnan(values)
        with np.errstate(over="ignore"):
            scaled = np.clip((values - means) / spreads, np.float32(-_FAR), np.float32(_FAR))
        scaled = np.where(is_missing, np.float32(0), scaled)
        # A step in the middle of which nothing is known is still there.
        known = (~is_missing).any(axis=2)
        there = np.logical_or.accumulate(known[:, ::-1], axis=1)[:, ::-1]
        return np.concatenate((scaled, there[:, :, None].astype(np.float32)), axis=2).reshape(len(values), -1)

    def graph(self) -> onnx.ModelProto:
        """The same as `apply`, in ONNX."""
        drawing = Drawing(prefix="//" if self.name.startswith("/") else "/")
        missing = drawing.node("Cast", drawing.node("IsNaN", self.name), to=FLOAT)
        scaled = drawing.node("Sub", self.name, drawing.constant(self.means))
        scaled = drawing.node("Div", scaled, drawing.constant(self.spreads))
        scaled = drawing.node("Clip", scaled, drawing.constant(-_FAR), drawing.constant(_FAR))
        scaled = drawing.node("Where", drawing.node("IsNaN", self.name), drawing.constant(0.0), scaled)
        known = drawing.node("Sub", drawing.constant(1.0), missing)
        known = drawing.node("ReduceMax", known, drawing.constant([2], np.int64), keepdims=1)
        ahead = drawing.node("CumSum", known, drawing.constant(1, np.int64), reverse=1)
        there = drawing.node("Min", ahead, drawing.constant(1.0))
        whole = drawing.node("Concat", scaled, there, axis=2)
        width = self.length * (self.channels + 1)
        rows = drawing.node("Reshape", whole, drawing.constant((-1, width), np.int64))
        shapes = (FLOAT, ("N", self.length, self.channels)), (FLOAT, ("N", width))
        return drawing.finish({self.name: shapes[0]}, {rows: shapes[1]})
