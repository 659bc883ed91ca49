# SPDX-License-Identifier: Apache-2.0
"""The same graph with fewer inputs: columns that it only puts side by side are handed in side by side.

Most graphs begin by joining their columns into a matrix, and each input of a call costs about a microsecond, as much as a row of a
small model. A copy of bytes changes no number, so that the answers are the same to the last bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import onnx

_LEAST_COLUMNS = 2


class Joined(NamedTuple):
    """A graph, and the columns that each of its matrices is made of."""

    graph: bytes
    matrices: Mapping[str, tuple[str, ...]]


def join_columns(model: onnx.ModelProto, data: bytes) -> Joined:
    """The graph in `data`, parsed as `model`, with its columns joined where that can be; `data` itself where it cannot."""
    graph = model.graph
    if any(attribute.HasField("g") or attribute.graphs for node in graph.node for attribute in node.attribute):
        return Joined(data, {})
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(end.name for end in graph.output)
    kinds = {end.name: end.type.tensor_type.elem_type for end in graph.input if uses[end.name] == 1 and _is_column(end)}
    told = {end.name for end in graph.output}
    found = [node for node in graph.node if _joins(node, kinds) and node.output[0] not in told]
    if not found:
        return Joined(data, {})
    return _rewritten(model, {node.output[0]: tuple(node.input) for node in found}, kinds)


def _is_column(end: onnx.ValueInfoProto) -> bool:
    """Whether an input takes a number or a category, [N, 1], and nothing that is wider."""
    from onnx import TensorProto

    dimensions = end.type.tensor_type.shape.dim
    is_wide = len(dimensions) > 2 or any(dimension.dim_value > 1 for dimension in dimensions[1:])
    return end.type.tensor_type.elem_type in (TensorProto.FLOAT, TensorProto.STRING) and not is_wide


def _joins(node: Any, kinds: Mapping[str, int]) -> bool:
    """Whether a node does nothing but put columns, which nobody else asks for, side by side."""
    is_wide = node.op_type == "Concat" and len(node.input) >= _LEAST_COLUMNS and [each.i for each in node.attribute] == [1]
    return is_wide and all(name in kinds for name in node.input) and len({kinds[name] for name in node.input}) == 1


def _rewritten(model: onnx.ModelProto, matrices: dict[str, tuple[str, ...]], kinds: Mapping[str, int]) -> Joined:
    from onnx import helper

    gone = {name for names in matrices.values() for name in names}
    inputs = [end for end in model.graph.input if end.name not in gone]
    inputs += [helper.make_tensor_value_info(name, kinds[names[0]], [None, len(names)]) for name, names in matrices.items()]
    nodes = [node for node in model.graph.node if node.output[0] not in matrices]
    rewritten = type(model)()
    rewritten.CopyFrom(model)
    del rewritten.graph.node[:], rewritten.graph.input[:]
    rewritten.graph.node.extend(nodes)
    rewritten.graph.input.extend(inputs)
    return Joined(rewritten.SerializeToString(), matrices)
