# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs: drawing one node by node, and joining preparation and estimator into the one that is served.

ONNX itself is loaded where a graph is drawn, not where this file is imported: a server opens the room of training and draws none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError
from modelward.registry import LABEL, PROBABILITIES, TEXT

if TYPE_CHECKING:
    import onnx

PREPARED = "X"

# Element types, by the numbers that ONNX gives them.
FLOAT, UINT8, INT32, INT64, STRING, BOOL, DOUBLE = 1, 2, 6, 7, 8, 9, 11

OPSETS = {"": 21, "ai.onnx.ml": 3}
# The intermediate representation that came with opset 21; every runtime that knows the opset reads it.
IR_VERSION = 10

# Half of what protobuf can hold; a model is kept in memory whole, when it is sealed and when it is served.
LIMIT_BYTES = 1 << 30

Array = npt.NDArray[Any]


class GraphTooLargeError(InvalidError):
    """The recipe made more nodes and numbers than a graph may hold."""


@dataclass(frozen=True, slots=True)
class State:
    """What a loop hands from round to round: its name before the first, its element type, and its dimensions."""

    name: str
    kind: int
    rank: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a round of a loop gives: whether there is to be another, and the next states."""

    goes_on: str
    states: Sequence[str]


class Drawing:
    """A graph that is being drawn. Every name it gives begins with `prefix`, so that none is taken twice."""

    def __init__(self, *, prefix: str = "") -> None:
        self._prefix = prefix
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def node(self, operator: str, /, *inputs: str, domain: str = "", called: str = "", **attributes: Any) -> str:
        """Add a node with one output, named `called` or a name of our own; the output's name."""
        from onnx import helper

        output = called or f"{self._prefix}n{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], domain=domain, **attributes))
        return output

    def nodes(self, operator: str, /, *inputs: str, count: int, **attributes: Any) -> list[str]:
        """Add a node with so many outputs; their names."""
        from onnx import helper

        first = f"{self._prefix}n{len(self._nodes)}"
        outputs = [first, *(f"{first}_{place}" for place in range(1, count))]
        self._nodes.append(helper.make_node(operator, list(inputs), outputs, **attributes))
        return outputs

    def loop(self, states: Sequence[State], draw: Callable[[Drawing, str, list[str]], Step], *, most: int) -> list[str]:
        """Add a loop of at most `most` rounds; the names of what its states are in the end.

        `draw` is given the drawing of a round, its number and the names of the states, and gives their next ones. A round may use
        whatever was drawn outside before.
        """
        from onnx import helper

        inside = Drawing(prefix=f"{self._prefix}r{len(self._nodes)}/")
        # What a round needs is kept once, outside.
        inside._constants = self._constants
        ends = [f"{inside._prefix}{side}" for side in ("number", "goes_on")]
        names = [f"{inside._prefix}s{place}" for place in range(len(states))]
        step = draw(inside, ends[0], names)
        outputs = [inside.node("Squeeze", step.goes_on), *(inside.node("Identity", name) for name in step.states)]
        kinds = [(state.kind, [None] * state.rank) for state in states]
        goes_on = helper.make_tensor_value_info(outputs[0], BOOL, [])
        taken = zip([*ends, *names], [(INT64, []), (BOOL, []), *kinds], strict=True)
        inputs = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in taken]
        given = zip(outputs[1:], kinds, strict=True)
        outs = [goes_on, *(helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in given)]
        body = helper.make_graph(inside._nodes, "round", inputs, outs)
        bounds = self._number(np.int64(most)), self._number(np.bool_(True))  # noqa: FBT003  # a value
        return self.nodes("Loop", *bounds, *(state.name for state in states), count=len(states), body=body)

    def top(self, values: str, count: int) -> str:
        """Add a search for the places [N, count] of the largest of each row, ties to the lower place; the name of the places."""
        from onnx import helper

        names = [f"{self._prefix}{side}{len(self._nodes)}" for side in ("values", "places")]
        self._nodes.append(helper.make_node("TopK", [values, self.constant([count], np.int64)], names, axis=1))
        return names[1]

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant tensor; its name."""
        from onnx import numpy_helper

        name = f"{self._prefix}c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(values, dtype=dtype)), name))
        return name

    def _number(self, value: np.generic) -> str:
        """Add a constant without dimensions, as loops are bounded by; its name."""
        from onnx import numpy_helper

        name = f"{self._prefix}c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def finish(
        self, inputs: Mapping[str, tuple[int, Sequence[Any]]], outputs: Mapping[str, tuple[int, Sequence[Any]]]
    ) -> onnx.ModelProto:
        """The graph from `inputs` to `outputs`, each a name with the element type and the shape of its tensor."""
        from onnx import helper

        sides = [
            [helper.make_tensor_value_info(name, kind, list(shape)) for name, (kind, shape) in side.items()]
            for side in (inputs, outputs)
        ]
        drawn = helper.make_graph(self._nodes, "modelward", *sides, self._constants)
        imports = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        return helper.make_model(drawn, opset_imports=imports, ir_version=IR_VERSION, producer_name="modelward")


def estimator(draw: Callable[[Drawing, str], str], *, width: int, classes: int, kind: int = FLOAT) -> onnx.ModelProto:
    """The graph of an estimator alone, from `X` [N, width], of the element type `kind`, to `probabilities` float32 [N, classes].

    `draw` is given the drawing and the name of the input, and returns the name of its probabilities.
    """
    drawing = Drawing()
    drawing.node("Identity", draw(drawing, PREPARED), called=PROBABILITIES)
    return drawing.finish({PREPARED: (kind, ("N", width))}, {PROBABILITIES: (FLOAT, ("N", classes))})


def draw_linear(drawing: Drawing, rows: str, *, weights: Array, biases: Array, dtype: npt.DTypeLike = np.float32) -> str:
    """Add x @ weights.T + biases. A single row of weights scores the second of two classes, against 0 for the first."""
    if len(weights) == 1:
        weights, biases = np.vstack([np.zeros_like(weights), weights]), np.append(0.0, biases)
    return drawing.node("Gemm", rows, drawing.constant(weights.T, dtype), drawing.constant(biases, dtype))


def softmax(drawing: Drawing, logits: str) -> str:
    """Probabilities [N, K] of logits [N, K], float32 whatever the precision of the logits."""
    return drawing.node("Cast", drawing.node("Softmax", logits, axis=1), to=FLOAT)


def finish(preparation: onnx.ModelProto, made: onnx.ModelProto, classes: Sequence[str], *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The graph that is served: named features in; `label` text [N] and `probabilities` float32 [N, K] out.

    Raises:
        GraphTooLargeError: the estimator has more than `limit_bytes`.
    """
    _check_size(made, limit_bytes)
    from onnx import compose

    prepared = preparation.graph.output[0].name
    # The features' names are anybody's; the prefix that keeps the preparation's names from them keeps the estimator's too.
    behind = compose.add_prefix(made, prefix=f"{prepared}/")
    whole = compose.merge_models(
        preparation, behind, io_map=[(prepared, f"{prepared}/{PREPARED}")], outputs=[f"{prepared}/{PROBABILITIES}"]
    )
    _name_outputs(whole.graph, prefix=f"{prepared}/", classes=classes)
    return in_bytes(whole)


def in_bytes(whole: onnx.ModelProto, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """A whole graph in bytes. Equal graphs give equal bytes, and nothing of the machine or the hour is in them. What comes out has
    passed the checker of ONNX, types and shapes included.

    Raises:
        GraphTooLargeError: it has more than `limit_bytes`.
    """
    _check_size(whole, limit_bytes)
    from onnx import checker

    whole.producer_name = "modelward"
    whole.producer_version = ""
    checker.check_model(whole, full_check=True)
    return whole.SerializeToString(deterministic=True)  # type: ignore[no-any-return]  # protobuf has no types


def finish_text(preparation: onnx.ModelProto, made: onnx.ModelProto, *, length: int, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """`finish` of an estimator that writes: `text` int32 [N, length] out, code points with zeros behind the end."""
    _check_size(made, limit_bytes)
    from onnx import helper

    prepared: str = preparation.graph.output[0].name

    def renamed(name: str) -> str:
        return {"": "", PREPARED: prepared, TEXT: TEXT}.get(name, f"{prepared}/{name}")

    _rename(made.graph, renamed)
    whole = preparation
    whole.graph.node.extend(made.graph.node)
    whole.graph.initializer.extend(made.graph.initializer)
    del whole.graph.output[:]
    whole.graph.output.append(helper.make_tensor_value_info(TEXT, INT32, ["N", length]))
    return in_bytes(whole)


def _rename(drawn: onnx.GraphProto, renamed: Callable[[str], str]) -> None:
    """Give all that is named in a graph, and in the graphs inside its nodes, another name. ONNX's own way leaves these out."""
    for node in drawn.node:
        for side in (node.input, node.output):
            side[:] = [renamed(name) for name in side]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, renamed)
    for named in (*drawn.initializer, *drawn.input, *drawn.output):
        named.name = renamed(named.name)


def prefix_apart_from(names: Sequence[str]) -> str:
    """A beginning that none of the names has."""
    prefix = "/"
    while any(name.startswith(prefix) for name in names):
        prefix += "/"
    return prefix


def _check_size(made: onnx.ModelProto, limit_bytes: int) -> None:
    if made.ByteSize() > limit_bytes:
        raise GraphTooLargeError(
            f"The graph has {made.ByteSize():,} bytes; {limit_bytes:,} is the limit. "
            "Ask the recipe for less: fewer trees or rows, a smaller depth, more rows in a leaf."
        )


def _name_outputs(drawn: onnx.GraphProto, *, prefix: str, classes: Sequence[str]) -> None:
    """Rename the probabilities, and put the label beside them: the first of the most probable classes."""
    from onnx import helper, numpy_helper

    last = drawn.node[-1]
    assert list(last.output) == [prefix + PROBABILITIES]
    last.output[0] = PROBABILITIES
    drawn.name = "modelward"
    drawn.initializer.append(numpy_helper.from_array(np.array(classes, dtype=object), f"{prefix}classes"))
    drawn.node.append(helper.make_node("ArgMax", [PROBABILITIES], [f"{prefix}best"], axis=1, keepdims=0))
    drawn.node.append(helper.make_node("Gather", [f"{prefix}classes", f"{prefix}best"], [LABEL], axis=0))
    del drawn.output[:]
    drawn.output.append(helper.make_tensor_value_info(LABEL, STRING, ["N"]))
    drawn.output.append(helper.make_tensor_value_info(PROBABILITIES, FLOAT, ["N", len(classes)]))
