# SPDX-License-Identifier: Apache-2.0
"""A tiny model of numbers alone, which takes all of its features in one tensor, too."""

import math
import struct

import onnx
from onnx import TensorProto, helper

from modelward.registry import GRAPH_FILE, Feature, Interface
from serving.tiny import LINEAGE

WEIGHTS = {"x": 0.5, "y": -0.25, "z": 0.125}
INTERFACE = Interface(
    features=(
        Feature("x", "number", minimum=-100.0, maximum=100.0),
        Feature("y", "number", minimum=-100.0, maximum=100.0),
        Feature("z", "number", minimum=-100.0, maximum=100.0, nullable=True),
    ),
    target="side",
    classes=("below", "above"),
)


def graph() -> bytes:
    """above = sigmoid(0.5 x - 0.25 y + 0.125 z); a missing z counts as 8."""
    nodes = [
        helper.make_node("IsNaN", ["z"], ["gone"]),
        helper.make_node("Where", ["gone", "eight", "z"], ["there"]),
        *(helper.make_node("Mul", ["there" if name == "z" else name, f"of_{name}"], [f"part_{name}"]) for name in WEIGHTS),
        helper.make_node("Sum", [f"part_{name}" for name in WEIGHTS], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["above"]),
        helper.make_node("Sub", ["one", "above"], ["below"]),
        helper.make_node("Concat", ["below", "above"], ["probabilities"], axis=1),
    ]
    constants = {"one": 1.0, "eight": 8.0} | {f"of_{name}": weight for name, weight in WEIGHTS.items()}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in WEIGHTS]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    held = [helper.make_tensor(name, TensorProto.FLOAT, [1, 1], [value]) for name, value in constants.items()]
    made = helper.make_graph(nodes, "points", inputs, outputs, held)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def above(x: float, y: float, z: float | None) -> float:
    """What the model answers, by hand, to what float32 makes of the numbers."""
    x, y, z = (struct.unpack("f", struct.pack("f", 8.0 if value is None else value))[0] for value in (x, y, z))
    return 1 / (1 + math.exp(-(0.5 * x - 0.25 * y + 0.125 * z)))


def make_live(house, model: str = "points") -> None:
    """Register it in a house, and release it."""
    version = house.platform.registry.register(
        model, {GRAPH_FILE: graph()}, lineage=LINEAGE, interface=INTERFACE, purpose="tests", owner="tester", facts={}, by=house.by
    )
    house.make_live(version.name)
