# SPDX-License-Identifier: Apache-2.0
"""The preparation of a history: each item becomes its code, and one that training never saw the code of all such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modelward.registry import Feature
from modelward.training.graph import INT32, STRING, Drawing
from modelward.training.preparation import Column, check_names

if TYPE_CHECKING:
    import onnx

HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPreparation:
    """How the history of a row is read: its last `length` items, each as its place in `items` plus one; no item is 0, and one that
    is not among them is the number of all items plus one.
    """

    name: str
    length: int
    items: tuple[str, ...]

    def __post_init__(self) -> None:
        check_names([self.name])

    def feature(self) -> Feature:
        """The history as a feature of a version."""
        return Feature(self.name, "sequence", categories=self.items, length=self.length)

    def apply(self, columns: Mapping[str, Column]) -> npt.NDArray[np.int32]:
        """The codes, int32 [n, length]."""
        given = columns[self.name]
        codes = {"": 0} | {item: code for code, item in enumerate(self.items, 1)}
        other = len(self.items) + 1
        return np.array([codes.get(item, other) for item in given.ravel().tolist()], dtype=np.int32).reshape(-1, self.length)

    def graph(self) -> onnx.ModelProto:
        """The same as `apply`, in ONNX."""
        drawing = Drawing(prefix="//" if self.name.startswith("/") else "/")
        codes = drawing.node(
            "LabelEncoder",
            self.name,
            domain="ai.onnx.ml",
            keys_strings=[b"", *(item.encode() for item in self.items)],
            values_int64s=list(range(len(self.items) + 1)),
            default_int64=len(self.items) + 1,
        )
        whole = ("N", self.length)
        return drawing.finish({self.name: (STRING, whole)}, {drawing.node("Cast", codes, to=INT32): (INT32, whole)})
