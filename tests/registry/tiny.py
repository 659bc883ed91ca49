# SPDX-License-Identifier: Apache-2.0
"""A small real classifier: two numbers and a category in, two probabilities out."""

from __future__ import annotations

import numpy as np
import onnx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from onnx import TensorProto, helper, numpy_helper

from modelward.registry import Feature, Interface, Lineage

OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
INTERFACE = Interface(
    (
        Feature("age", "number", minimum=17.0, maximum=90.0, nullable=True),
        Feature("hours", "number"),
        Feature("job", "category", categories=("clerk", "nurse"), nullable=True),
    ),
    "income",
    ("low", "high"),
)
LINEAGE = Lineage(
    dataset="adult",
    fingerprint="ab" * 32,
    split="cd" * 32,
    spec="ef" * 32,
    run="run-1",
    recipe="logistic-regression",
    parameters={"c": 1.5, "penalty": "l2"},
    seed=7,
    code="0.1.0",
    libraries={"scikit-learn": "1.9.1"},
)
ROWS = [{"age": 40, "hours": 38.5, "job": "nurse"}, {"age": None, "hours": 10, "job": None}]


def new_key() -> bytes:
    """A fresh P-256 private key as PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_graph(*, slope: float = 0.02, extra: list[onnx.NodeProto] | None = None) -> bytes:
    """The graph of `INTERFACE` as bytes; `extra` nodes go first."""
    constants = {
        "weights": np.array([[-slope, slope], [0.01, -0.01], [0.5, -0.5]], np.float32),
        "names": np.array(["low", "high"], object),
    }
    nodes = [
        *(extra or []),
        helper.make_node(
            "LabelEncoder", ["job"], ["code"], domain="ai.onnx.ml", keys_strings=["clerk", "nurse"], values_floats=[1.0, 2.0]
        ),
        helper.make_node("IsNaN", ["age"], ["gap"]),
        helper.make_node("Where", ["gap", "zero", "age"], ["filled"]),
        helper.make_node("Concat", ["filled", "hours", "code"], ["matrix"], axis=1),
        helper.make_node("MatMul", ["matrix", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0),
        helper.make_node("Gather", ["names", "best"], ["label"]),
    ]
    inputs = [
        helper.make_tensor_value_info("age", TensorProto.FLOAT, [None, 1]),
        helper.make_tensor_value_info("hours", TensorProto.FLOAT, [None, 1]),
        helper.make_tensor_value_info("job", TensorProto.STRING, [None, 1]),
    ]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    initializers.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializer=initializers)
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=10).SerializeToString()


def put(registry, by, *, model="income", files=None, **changes):
    """Register the small classifier of `INTERFACE`, or `files`."""
    given = {"lineage": LINEAGE, "interface": INTERFACE, "purpose": "a purpose", "owner": "an owner", "facts": {}} | changes
    return registry.register(model, files or {"model.onnx": make_graph()}, **given, by=by)
