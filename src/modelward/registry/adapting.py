# SPDX-License-Identifier: Apache-2.0
"""A stranger's classifier graph, given the ends every version has: one input per feature, `label` and `probabilities`.

Exporters write one matrix or one input per column, and name outputs as they like. The graph inside stays as it is; nodes before
and after it join what is asked to what it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelward.registry.graph import LABEL, PROBABILITIES, GraphUnfitError, check_ends, check_graph, check_shape, input_end
from modelward.registry.interface import Feature, Interface

_PREFIX = "imported/"
_CLASSES_LIMIT = 10_000


def adapt(data: bytes, *, interface: Interface | None) -> tuple[bytes, Interface]:
    """The graph with our ends, and its interface: the one given, or one inferred from the graph.

    Raises:
        UnsafeGraphError: see `check_graph`. GraphUnfitError: it is no classifier we can ask by named features.
    """
    import onnx

    model = check_graph(data)
    found = interface or _infer(model, onnx)
    try:
        check_ends(model, found)
    except GraphUnfitError:
        if found.answer != "classes":
            raise
        model = _rewired(model, found, onnx)
        check_ends(model, found)
    else:
        return data, found
    return model.SerializeToString(), found


def _infer(model: Any, onnx: Any) -> Interface:
    inputs = _inputs(model)
    if len(inputs) == 1 and (width := _last_dimension(inputs[0])) > 1:
        features = tuple(Feature(f"x{position}", "number") for position in range(width))
    else:
        is_text = {end.name: end.type.tensor_type.elem_type == onnx.TensorProto.STRING for end in inputs}
        features = tuple(Feature(name, "category" if text else "number") for name, text in is_text.items())
    return Interface(features, "label", _classes(model, _probabilities(model, onnx), onnx))


def _rewired(model: Any, interface: Interface, onnx: Any) -> Any:
    """The graph under a prefix, with nodes before and after it. Types are cast, columns joined to the matrix it may want."""
    helper, kinds = onnx.helper, onnx.TensorProto
    probabilities, label = _probabilities(model, onnx), _label(model, onnx)
    inner = onnx.compose.add_prefix(model, _PREFIX)
    wanted = _inputs(inner)
    inputs = [input_end(feature, onnx) for feature in interface.features]
    before = _joined(wanted, [(end.name, end.type.tensor_type.elem_type) for end in inputs], onnx)
    taken = {end.name.removeprefix(_PREFIX): end for end in wanted}
    for feature in interface.features:
        if feature.name in taken:
            check_shape(taken[feature.name], feature)
    after = [helper.make_node("Cast", [_PREFIX + probabilities.name], [PROBABILITIES], to=kinds.FLOAT)]
    outputs = [helper.make_tensor_value_info(PROBABILITIES, kinds.FLOAT, [None, len(interface.classes)])]
    if label is not None:
        after.append(helper.make_node("Cast", [_PREFIX + label.name], [LABEL], to=kinds.STRING))
        outputs.append(helper.make_tensor_value_info(LABEL, kinds.STRING, [None]))
    nodes = [*before, *inner.graph.node, *after]
    graph = helper.make_graph(nodes, "adapted", inputs, outputs, initializer=inner.graph.initializer)
    graph.sparse_initializer.extend(inner.graph.sparse_initializer)
    adapted = helper.make_model(graph, opset_imports=inner.opset_import, functions=inner.functions)
    adapted.ir_version = model.ir_version
    return adapted


def _joined(wanted: Sequence[Any], columns: Sequence[tuple[str, int]], onnx: Any) -> list[Any]:
    helper = onnx.helper
    if len(wanted) == 1 and len(columns) > 1:
        if _last_dimension(wanted[0]) not in (0, len(columns)) or len({kind for _, kind in columns}) > 1:
            raise GraphUnfitError(
                f"The graph takes one matrix with {_last_dimension(wanted[0])} columns of one type, and the interface lists "
                f"{len(columns)} features. List one feature for each column."
            )
        joined = helper.make_node("Concat", [name for name, _ in columns], [f"{_PREFIX}joined"], axis=1)
        return [joined, helper.make_node("Cast", [f"{_PREFIX}joined"], [wanted[0].name], to=wanted[0].type.tensor_type.elem_type)]
    names = {end.name.removeprefix(_PREFIX): end for end in wanted}
    if names.keys() != {name for name, _ in columns}:
        odd = sorted(names.keys() ^ {name for name, _ in columns})[0]
        raise GraphUnfitError(f"{odd!r} is a feature of the interface or an input of the graph, and not both. Give them one name.")
    return [helper.make_node("Cast", [name], [end.name], to=end.type.tensor_type.elem_type) for name, end in names.items()]


def _inputs(model: Any) -> list[Any]:
    constants = {tensor.name for tensor in model.graph.initializer}
    return [end for end in model.graph.input if end.name not in constants]


def _probabilities(model: Any, onnx: Any) -> Any:
    kinds = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
    found = [end for end in model.graph.output if end.type.tensor_type.elem_type in kinds]
    if any(end.type.HasField("sequence_type") or end.type.HasField("map_type") for end in model.graph.output):
        raise GraphUnfitError(
            "The graph gives its probabilities as a list of maps. Export it again with one matrix instead: "
            "`to_onnx(model, X, options={'zipmap': False})`."
        )
    if len(found) != 1:
        raise GraphUnfitError(
            f"The graph has {len(found)} outputs of real numbers; a classifier has one, its probabilities, [N, classes]. "
            "Regressors and other graphs cannot be imported."
        )
    return found[0]


def _label(model: Any, onnx: Any) -> Any:
    kinds = (onnx.TensorProto.STRING, onnx.TensorProto.INT64, onnx.TensorProto.INT32)
    return next((end for end in model.graph.output if end.type.tensor_type.elem_type in kinds), None)


def _classes(model: Any, probabilities: Any, onnx: Any) -> tuple[str, ...]:
    """Class names as a classifier node or an array of classes has them; their positions where nothing says more."""
    width = _last_dimension(probabilities)
    listed = [names for names in _listed_classes(model, onnx) if len(set(names)) == len(names) > 1 and width in (0, len(names))]
    if listed:
        return max(listed, key=lambda names: (not names[0].isdigit(), len(names)))
    if not 2 <= width <= _CLASSES_LIMIT:
        raise GraphUnfitError("The graph does not say how many classes it has. Put an interface.json beside it that lists them.")
    return tuple(map(str, range(width)))


def _listed_classes(model: Any, onnx: Any) -> list[tuple[str, ...]]:
    found = []
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name.startswith("classlabels"):
                texts = [text.decode(errors="replace") for text in attribute.strings]
                found.append(tuple(texts or map(str, attribute.ints)))
    for tensor in model.graph.initializer:
        if tensor.name == "classes" and len(tensor.dims) == 1 and tensor.dims[0] <= _CLASSES_LIMIT:
            values = onnx.numpy_helper.to_array(tensor).tolist()
            found.append(tuple(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values))
    return found


def _last_dimension(end: Any) -> int:
    """The width of a matrix; 0 where the graph leaves it open."""
    dimensions = end.type.tensor_type.shape.dim
    return int(dimensions[-1].dim_value) if len(dimensions) == 2 else 0
