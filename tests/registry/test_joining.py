# SPDX-License-Identifier: Apache-2.0
"""Columns that a graph only puts side by side are handed in side by side, and no number changes."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from modelward.registry.joining import join_columns

NAMES = ("a", "b", "c")


def graph(*, besides=(), output="probabilities", axis=1, names=NAMES):
    """probabilities = softmax of the columns side by side, times a matrix."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [len(names), 2], [0.1 * at for at in range(2 * len(names))])
    nodes = [
        helper.make_node("Concat", list(names), ["joined"], axis=axis),
        helper.make_node("MatMul", ["joined", "w"], ["scores"]),
        *besides,
        helper.make_node("Softmax", ["scores"], [output], axis=1),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in dict.fromkeys(names)]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, 2])]
    made = helper.make_graph(nodes, "joins", ends, outputs, initializer=[weights])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def answer(data: bytes, columns):
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, columns)[0]


@pytest.mark.parametrize("rows", [1, 2, 65])
def test_the_answers_are_the_same_to_the_last_bit(rows):
    model = graph()
    joined = join_columns(model, model.SerializeToString())
    assert joined.matrices == {"joined": NAMES}
    columns = dict(zip(NAMES, np.random.default_rng(rows).normal(size=(3, rows, 1)).astype(np.float32), strict=True))
    matrix = np.concatenate([columns[name] for name in NAMES], axis=1)
    assert answer(joined.graph, {"joined": matrix}).tobytes() == answer(model.SerializeToString(), columns).tobytes()
    onnx.checker.check_model(onnx.load_model_from_string(joined.graph))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(graph(besides=[helper.make_node("Identity", ["a"], ["spare"])]), id="a column that is used elsewhere, too"),
        pytest.param(graph(names=("a", "b", "a")), id="a column that is joined twice"),
        pytest.param(graph(axis=0), id="columns one below the other"),
        pytest.param(graph(names=("a",)), id="a single column"),
    ],
)
def test_a_graph_that_does_more_is_left_as_it_is(model):
    data = model.SerializeToString()
    joined = join_columns(model, data)
    assert joined.graph is data
    assert not joined.matrices


def test_what_is_joined_and_told_is_left_as_it_is():
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in NAMES]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3])]
    made = helper.make_graph([helper.make_node("Concat", list(NAMES), ["probabilities"], axis=1)], "told", ends, outputs)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    assert not join_columns(model, b"").matrices
