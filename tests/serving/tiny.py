# SPDX-License-Identifier: Apache-2.0
"""A tiny model that anybody can check by hand."""

import msgspec
import onnx
from onnx import TensorProto, helper

from modelward.registry import GRAPH_FILE, Feature, Interface, Lineage

INTERFACE = Interface(
    features=(
        Feature("age", "number", minimum=18.0, maximum=90.0, nullable=True),
        Feature("hours", "number", minimum=1.0, maximum=99.0),
        Feature("sector", "category", categories=("private", "public"), nullable=True),
    ),
    target="income",
    classes=("high", "low"),
)
LINEAGE = Lineage(
    dataset="adult", fingerprint="f" * 64, split="a" * 64, spec="b" * 64, run="run-1", recipe="by-hand",
    parameters={}, seed=0, code="test", libraries={},
)  # fmt: skip
ROW = {"age": 40, "hours": 38.5, "sector": "public"}
BACKGROUND = [{"age": 20.0 + 2 * at, "hours": 10.0 + 3 * at % 40, "sector": ("private", "public")[at % 2]} for at in range(20)]
OPEN_POLICY = "name: by-purpose\nrules:\n  - rule: signed\n  - rule: purpose-declared\n"


def graph(weight: float = 0.05) -> bytes:
    """low = sigmoid(weight * age - 0.1 * hours + (1.5 if public)); a missing age counts as 40."""
    number = helper.make_tensor
    codes = {"keys_strings": ["public"], "values_floats": [1.5], "default_float": 0.0}
    nodes = [
        helper.make_node("IsNaN", ["age"], ["gone"]),
        helper.make_node("Where", ["gone", "forty", "age"], ["years"]),
        helper.make_node("Mul", ["years", "weight"], ["a"]),
        helper.make_node("Mul", ["hours", "toil"], ["b"]),
        helper.make_node("LabelEncoder", ["sector"], ["c"], domain="ai.onnx.ml", **codes),
        helper.make_node("Sum", ["a", "b", "c"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["low"]),
        helper.make_node("Sub", ["one", "low"], ["high"]),
        helper.make_node("Concat", ["high", "low"], ["probabilities"], axis=1),
    ]
    constants = {"forty": 40.0, "weight": weight, "toil": -0.1, "one": 1.0}
    kinds = {"age": TensorProto.FLOAT, "hours": TensorProto.FLOAT, "sector": TensorProto.STRING}
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    held = [number(name, TensorProto.FLOAT, [1, 1], [value]) for name, value in constants.items()]
    made = helper.make_graph(nodes, "tiny", inputs, outputs, held)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def register(registry, model="income", *, by, weight=0.05, purpose="tests", lineage=LINEAGE, background=True):
    """The next version of `model` on the shelf."""
    files = {GRAPH_FILE: graph(weight)}
    if background:
        files["background.json"] = msgspec.json.encode(BACKGROUND)
    return registry.register(model, files, lineage=lineage, interface=INTERFACE, purpose=purpose, owner="tester", facts={}, by=by)
