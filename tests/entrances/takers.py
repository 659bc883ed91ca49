# SPDX-License-Identifier: Apache-2.0
"""Two tiny models that take lists: one recommends by a history, one judges a series of numbers."""

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from modelward.registry import GRAPH_FILE, Feature, Interface
from serving.tiny import LINEAGE

ITEMS = ("a", "b", "c", "d")
SHOP = Interface((Feature("history", "sequence", categories=ITEMS, length=3),), "item", ITEMS, top=2)
SWING = Interface((Feature("wave", "series", shape=(4, 1), minimum=-9.0, maximum=9.0),), "side", ("below", "above"))
LIKED = np.array([0.3, 0.2, 0.1, 0.0], dtype=np.float32)
SPOKEN = 2.0


def _model(nodes, entered, held) -> bytes:
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, None])
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()]
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(helper.make_graph(nodes, "tiny", [entered], [output], kept), opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def shop() -> bytes:
    """Recommends what is liked and was not taken; who took a is to take d."""
    spoken = np.zeros((4, 4), dtype=np.float32)
    spoken[0, 3] = SPOKEN
    codes = {"keys_strings": ITEMS, "values_int64s": [1, 2, 3, 4], "default_int64": 0}
    nodes = [
        helper.make_node("LabelEncoder", ["history"], ["codes"], domain="ai.onnx.ml", **codes),
        helper.make_node("OneHot", ["codes", "depth", "off_on"], ["marks"]),
        helper.make_node("ReduceMax", ["marks", "middle"], ["any"], keepdims=0),
        helper.make_node("Slice", ["any", "from", "to", "middle"], ["taken"]),
        helper.make_node("MatMul", ["taken", "spoken"], ["said"]),
        helper.make_node("Add", ["said", "liked"], ["wanted"]),
        helper.make_node("Mul", ["taken", "never"], ["out"]),
        helper.make_node("Sub", ["wanted", "out"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    held = {
        "depth": np.int64(5), "off_on": np.array([0, 1], dtype=np.float32), "middle": np.array([1]), "from": np.array([1]),
        "to": np.array([5]), "spoken": spoken, "liked": LIKED, "never": np.float32(1e9),
    }  # fmt: skip
    return _model(nodes, helper.make_tensor_value_info("history", TensorProto.STRING, [None, 3]), held)


def shares(*history) -> dict[str, float]:
    """What `shop` answers, by hand."""
    scores = {
        item: math.exp(liked + SPOKEN * (item == "d" and "a" in history[-3:])) * (item not in history[-3:])
        for item, liked in zip(ITEMS, LIKED.tolist(), strict=True)
    }
    return {item: score / sum(scores.values()) for item, score in scores.items()}


def ranked(*history) -> list[tuple[str, float]]:
    """The two that `shop` puts first, without what it never recommends."""
    return [each for each in sorted(shares(*history).items(), key=lambda each: -each[1])[:2] if each[1]]


def swing() -> bytes:
    """above = sigmoid of the sum of the last four numbers."""
    nodes = [
        helper.make_node("IsNaN", ["wave"], ["gone"]),
        helper.make_node("Where", ["gone", "zero", "wave"], ["there"]),
        helper.make_node("ReduceSum", ["there", "last"], ["sum"], keepdims=0),
        helper.make_node("Sigmoid", ["sum"], ["above"]),
        helper.make_node("Sub", ["one", "above"], ["below"]),
        helper.make_node("Concat", ["below", "above"], ["probabilities"], axis=1),
    ]
    held = {"zero": np.float32(0), "one": np.float32(1), "last": np.array([1])}
    return _model(nodes, helper.make_tensor_value_info("wave", TensorProto.FLOAT, [None, 4, 1]), held)


def above(*wave) -> float:
    """What `swing` answers, by hand."""
    return 1 / (1 + math.exp(-sum(wave[-4:])))


def register(registry, *, by) -> list[str]:
    """The first version of each, on the shelf."""
    said = {"lineage": LINEAGE, "purpose": "tests", "owner": "tester", "facts": {}}
    return [
        registry.register(name, {GRAPH_FILE: graph}, interface=interface, **said, by=by).name
        for name, interface, graph in (("shop", SHOP, shop()), ("swing", SWING, swing()))
    ]
