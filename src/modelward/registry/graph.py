# SPDX-License-Identifier: Apache-2.0
"""What an ONNX graph must be before it is put on the shelf, and again before it is run.

All that it computes with lies in the file itself, its operators are those of the ONNX standard, its inputs are the features of
the interface, and it gives `probabilities`, `text` or `values`, as the interface says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelward.errors import InvalidError
from modelward.registry.interface import AnswerKind, Feature, Interface

PROBABILITIES = "probabilities"
LABEL = "label"
TEXT = "text"
VALUES = "values"
OUTPUTS: dict[AnswerKind, str] = {"classes": PROBABILITIES, "text": TEXT, "values": VALUES}
"""The output of a graph that holds its answer: `probabilities` float32 [N, K]; `text` int32 [N, length], code points with zeros
behind the end; `values` float32 [N, …shape]."""
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})


class UnsafeGraphError(InvalidError):
    """Bytes that are no ONNX graph, or a graph that reaches outside its own file or outside the ONNX standard."""


class GraphUnfitError(InvalidError):
    """A graph whose inputs or outputs are not those of the interface beside it."""


def check_graph(data: bytes) -> Any:
    """The parsed `onnx.ModelProto` of `data`.

    Raises:
        UnsafeGraphError: it is no ONNX model, it keeps tensors in other files, or it uses operators of a foreign domain.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(data)
    # The parser's own error class belongs to whichever protobuf library onnx was built on.
    except Exception as wrong:
        raise UnsafeGraphError("The file is not an ONNX model. Export it again, with `save_as_external_data=False`.") from wrong
    if not model.graph.node or not model.graph.output or not model.opset_import:
        raise UnsafeGraphError("The ONNX model is empty: it has no operators, no outputs or no operator set.")
    own = {(function.domain, function.name) for function in model.functions}
    for part in parts_of(model):
        _check_part(part, onnx, own)
    return model


def check_ends(model: Any, interface: Interface) -> None:
    """Check that the graph takes the features of `interface`, [N, 1] each or as their kind says, and gives its answer.

    Raises:
        GraphUnfitError: it does not; the message names the first difference.
    """
    import onnx

    wanted = {feature.name: input_end(feature, onnx) for feature in interface.features}
    constants = {tensor.name for tensor in model.graph.initializer}
    given = {end.name: end for end in model.graph.input if end.name not in constants}
    for name in [*wanted, *given]:
        if name not in given or name not in wanted:
            where = "the interface lists and the graph does not take" if name in wanted else "the graph takes and no feature gives"
            raise GraphUnfitError(f"{name!r} is an input that {where}. Each feature is one input of its own name, [N, 1].")
    for feature in interface.features:
        _check_input(given[feature.name], wanted[feature.name], feature)
    outputs = {end.name: end.type.tensor_type.elem_type for end in model.graph.output}
    name, is_text = OUTPUTS[interface.answer], interface.answer == "text"
    if outputs.get(name) != (onnx.TensorProto.INT32 if is_text else onnx.TensorProto.FLOAT):
        shape = ", ".join(map(str, interface.answer_shape))
        raise GraphUnfitError(f"The graph needs an output `{name}` of type {'int32' if is_text else 'float'}, [N, {shape}].")


def input_end(feature: Feature, onnx: Any) -> Any:
    """The input of a graph that takes `feature`: its name, the type of its values, and its shape."""
    element = onnx.TensorProto.DataType.Value(feature.sort.element)
    return onnx.helper.make_tensor_value_info(feature.name, element, [None, *feature.graph_shape])


def _check_input(given: Any, wanted: Any, feature: Feature) -> None:
    ours, theirs = wanted.type.tensor_type, given.type.tensor_type
    if ours.elem_type != theirs.elem_type:
        raise GraphUnfitError(
            f"The input {feature.name!r} of the graph must be of type {feature.sort.element.lower()} ({feature.kind}), as the "
            "interface says."
        )
    check_shape(given, feature)


def check_shape(given: Any, feature: Feature) -> None:
    """Check that an input of a graph takes of a row as much as the interface says, where the graph says how much. The one column of
    a number or a category is taken in any shape.

    Raises:
        GraphUnfitError: it takes another shape.
    """
    wanted, dimensions = feature.graph_shape, given.type.tensor_type.shape.dim
    told = tuple(dimension.dim_value for dimension in dimensions)[1:]
    if feature.kind in ("number", "category") or not dimensions:
        return
    if len(told) != len(wanted) or any(size not in (0, ours) for size, ours in zip(told, wanted, strict=True)):
        raise GraphUnfitError(
            f"The input {feature.name!r} of the graph takes {_dimensions(told)} of a {feature.kind}, and the interface says "
            f"{_dimensions(wanted)}. Write the graph's own into the interface."
        )


def _dimensions(shape: tuple[int, ...]) -> str:
    return f"[N, {', '.join(str(size or 'any') for size in shape)}]"


def _check_part(part: Any, onnx: Any, own: set[tuple[str, str]]) -> None:
    if isinstance(part, onnx.TensorProto):
        if part.data_location == onnx.TensorProto.EXTERNAL or part.external_data:
            raise UnsafeGraphError(
                f"The tensor {part.name[:100]!r} lies in another file. Save the graph with all tensors inside: "
                "`onnx.save_model(model, path, save_as_external_data=False)`."
            )
    elif part.domain not in DOMAINS and (part.domain, part.op_type) not in own:
        raise UnsafeGraphError(
            f"The operator {part.op_type[:100]!r} is of the domain {part.domain[:100]!r}, which is not part of ONNX. "
            "Export the model with standard operators (opset 21, ai.onnx.ml 3)."
        )


def parts_of(model: Any) -> Iterator[Any]:
    """Every node and every tensor, also those of functions and of graphs inside nodes."""
    nodes = [node for function in model.functions for node in function.node]
    graphs = [
        model.graph,
        *(info.initialization for info in model.training_info),
        *(info.algorithm for info in model.training_info),
    ]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            nodes.extend(graph.node)
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            continue
        node = nodes.pop()
        yield node
        for attribute in node.attribute:
            graphs.extend([*attribute.graphs, attribute.g] if attribute.HasField("g") else attribute.graphs)
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
