# SPDX-License-Identifier: Apache-2.0
"""What every fitted preparation can do, whatever it prepares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx


class Preparer(Protocol):
    """Makes of columns, as serving receives them, the rows that a recipe learns from and its graph answers.

    It exists twice: `graph` MUST give, of the same columns, the same bits as `apply`.
    """

    def apply(self, columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """The prepared rows [n, width]."""
        ...

    def graph(self) -> onnx.ModelProto:
        """The ONNX graph from one input for each feature, under its name, to one output, the prepared rows."""
        ...
