# SPDX-License-Identifier: Apache-2.0
"""The tensors of a request as a table that was checked against the model's interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.entrances.open_inference.datatypes import Tensor, TensorError

if TYPE_CHECKING:
    from modelward.registry import Interface, Table


def table_of(interface: Interface, tensors: Sequence[Tensor]) -> Table:
    """One tensor for each feature, [rows] or [rows, 1]; or a single one of all features in the interface's order, [rows, features],
    whatever its name, for a model that takes numbers alone.

    Raises:
        TensorError: a tensor is of neither kind, or two have one name. InvalidRowsError: what they hold does not fit.
    """
    if len(tensors) == 1 and _is_block(interface, tensors[0]):
        return interface.table_of_matrix(_rows(tensors[0]))
    columns: dict[str, Any] = {}
    for head, values in tensors:
        if head.width != 1:
            raise head.error(
                "has more than one column. Send one input [rows, 1] for each feature, or one single input [rows, features] of all "
                "features in their order."
            )
        if head.name in columns:
            raise TensorError("Two inputs have the same name. Send each feature once.")
        columns[head.name] = values
    return interface.table_of_columns(columns)


def _is_block(interface: Interface, tensor: Tensor) -> bool:
    head, features = tensor.head, interface.features
    if len(head.shape) != 2 or (head.width == 1 and (len(features) > 1 or features[0].name == head.name)):
        return False
    if not interface.is_of_numbers and len({feature.kind == "number" for feature in features}) > 1:
        raise head.error("holds all features at once, and the model takes texts beside numbers. Send one input for each feature.")
    return True


def _rows(tensor: Tensor) -> Any:
    head, values = tensor
    if isinstance(values, np.ndarray):
        return values.reshape(head.rows, head.width)
    return [values[at : at + head.width] for at in range(0, head.size, head.width)]
