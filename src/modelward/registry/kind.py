# SPDX-License-Identifier: Apache-2.0
"""What sets one kind of feature apart from another: what JSON says of it, what a graph takes, and what others are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

if TYPE_CHECKING:
    from modelward.registry.interface import Feature


class Kind(Protocol):
    """One kind of feature. It holds no state, so that threads may share it.

    `datatype` is what the Open Inference Protocol calls its values, `element` what ONNX calls those of a graph's input, and `task`
    what Hugging Face calls the work of a model that takes nothing else. A value that `is_binary` may be bytes that are no text.
    Where a graph needs much memory for each row, `rows_at_once` says how many it is handed at a time. What is packed, so that few
    bytes may take long to read, `is_packed`.
    """

    datatype: str
    element: str
    task: str
    is_binary: bool
    is_packed: bool
    rows_at_once: int | None

    def fault(self, feature: Feature) -> str:
        """Why no feature of this kind can be as `feature` says; nothing where it can."""
        ...

    def shape(self, feature: Feature) -> tuple[int, ...]:
        """What a graph takes of each row: the dimensions behind the first."""
        ...

    def tensor(self, feature: Feature) -> tuple[int, ...]:
        """What the Open Inference Protocol says of each row, where its values are not what a graph takes."""
        ...

    def json_type(self, feature: Feature) -> Any:
        """The type of a value in JSON, for a decoder to check by itself. None where no type says enough: then rows that hold such
        a feature are always checked by `encoder`.
        """
        ...

    def encoder(self, feature: Feature) -> Callable[[Any], Any]:
        """Checks one value of JSON, and gives what `column` takes.

        The function MUST raise `UnfitValueError` for what does not fit, whatever it is given, and MUST NOT tell the value.
        """
        ...

    def listed(self, values: npt.NDArray[Any], feature: Feature) -> Sequence[Any]:
        """An array with one value a row, as a list of what JSON would say of each."""
        ...

    def column(self, values: Sequence[Any], feature: Feature) -> npt.NDArray[Any]:
        """What a graph takes of values that the encoder gave: an array of the type `element`, [rows, *shape]."""
        ...

    def plain(self, feature: Feature) -> Any:
        """A value of JSON that fits, for asking a version about whom nothing is asked."""
        ...

    def told(self, feature: Feature) -> str:
        """What a person should know of the values: what training saw, or what is read of them."""
        ...
