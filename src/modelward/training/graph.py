# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs: drawing one node by node, and joining preparation and estimator into the one that is served.

ONNX itself is loaded where a graph is drawn, not where this file is imported: a server opens the room of training and draws none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError
from modelward.registry import LABEL, PROBABILITIES

if TYPE_CHECKING:
    import onnx

PREPARED = "X"

# Element types, by the numbers that ONNX gives them.
FLOAT, UINT8, INT32, STRING, DOUBLE = 1, 2, 6, 8, 11

OPSETS = {"": 21, "ai.onnx.ml": 3}
# The intermediate representation that came with opset 21; every runtime that knows the opset reads it.
IR_VERSION = 10

# Half of what protobuf can hold; a model is kept in memory whole, when it is sealed and when it is served.
LIMIT_BYTES = 1 << 30

Array = npt.NDArray[Any]


class GraphTooLargeError(InvalidError):
    """The recipe made more nodes and numbers than a graph may hold."""


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

    Equal arguments give equal bytes, and nothing of the machine or the hour is in them. What comes out has passed the
    checker of ONNX, types and shapes included.

    Raises:
        GraphTooLargeError: the estimator has more than `limit_bytes`.
    """
    if made.ByteSize() > limit_bytes:
        raise GraphTooLargeError(
            f"The graph has {made.ByteSize():,} bytes; {limit_bytes:,} is the limit. "
            "Ask the recipe for less: fewer trees or rows, a smaller depth, more rows in a leaf."
        )
    from onnx import checker, compose

    prepared = preparation.graph.output[0].name
    # The features' names are anybody's; the prefix that keeps the preparation's names from them keeps the estimator's too.
    behind = compose.add_prefix(made, prefix=f"{prepared}/")
    whole = compose.merge_models(
        preparation, behind, io_map=[(prepared, f"{prepared}/{PREPARED}")], outputs=[f"{prepared}/{PROBABILITIES}"]
    )
    _name_outputs(whole.graph, prefix=f"{prepared}/", classes=classes)
    whole.producer_name = "modelward"
    whole.producer_version = ""
    checker.check_model(whole, full_check=True)
    return whole.SerializeToString(deterministic=True)  # type: ignore[no-any-return]  # protobuf has no types


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
