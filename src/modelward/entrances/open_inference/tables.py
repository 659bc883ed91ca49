# SPDX-License-Identifier: Apache-2.0
"""The tensors of a request as a table that was checked against the model's interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.entrances.open_inference.datatypes import TEXT, Head, Tensor, TensorError, Values

if TYPE_CHECKING:
    from modelward.registry import Interface, Table


def table_of(interface: Interface, tensors: Sequence[Tensor]) -> Table:
    """One tensor for each feature, [rows] or [rows, 1]; or a single one of all features in the interface's order, [rows, features],
    whatever its name, for a model that takes numbers alone.

    Raises:
        TensorError: a tensor is of neither kind, or two have one name. InvalidRowsError: what they hold does not fit.
    """
    if len(tensors) == 1 and _is_block(interface, tensors[0]):
        return interface.table_of_matrix(_matrix(*tensors[0]))
    columns: dict[str, Any] = {}
    for head, values in tensors:
        if head.name in columns:
            raise TensorError("Two inputs have the same name. Send each feature once.")
        columns[head.name] = _column(interface, head, values)
    return interface.table_of_columns(columns)


def _column(interface: Interface, head: Head, values: Values) -> Any:
    """The values as one for each row: many of a row, where the feature is of a kind that has many."""
    feature = interface.by_name.get(head.name)
    wanted = (1,) if feature is None else feature.sort.tensor(feature)
    if head.datatype == TEXT and not (feature and feature.sort.is_binary) and bytes in set(map(type, values)):
        raise head.error("holds bytes that are not UTF-8. Send text.")
    if wanted != (1,) and len(head.shape) == 1 + len(wanted):
        return _rows(head, values)
    if head.width == 1 and len(head.shape) <= 2:
        return values
    if len(head.shape) > 2:
        raise head.misshapen()
    raise head.error(
        "has more than one column. Send one input [rows, 1] for each feature, or one single input [rows, features] of all "
        "features in their order."
    )


def _is_block(interface: Interface, tensor: Tensor) -> bool:
    head, features = tensor.head, interface.features
    if not interface.is_of_single_values:
        return False
    if len(head.shape) != 2 or (head.width == 1 and (len(features) > 1 or features[0].name == head.name)):
        return False
    if not interface.is_of_numbers and len({feature.kind == "number" for feature in features}) > 1:
        raise head.error("holds all features at once, and the model takes texts beside numbers. Send one input for each feature.")
    return True


def _rows(head: Head, values: Values) -> Any:
    """The values row by row: arrays of numbers, lists of texts."""
    if head.datatype != TEXT:
        return np.asarray(values).reshape(head.shape) if len(head.shape) > 2 else _matrix(head, values)
    return [values[at : at + head.width] for at in range(0, head.size, head.width)]


def _matrix(head: Head, values: Values) -> Any:
    if isinstance(values, np.ndarray):
        return values.reshape(head.rows, head.width)
    return [values[at : at + head.width] for at in range(0, head.size, head.width)]
