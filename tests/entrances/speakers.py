# SPDX-License-Identifier: Apache-2.0
"""Tiny models that answer with something else than classes: one writes texts, others give numbers, and one makes rows."""

import onnx
from onnx import TensorProto, helper

from modelward.registry import GRAPH_FILE, Feature, Interface
from serving.tiny import LINEAGE

ECHO = Interface((Feature("said", "text", nullable=True, length=8, lowercase=True),), "answer", answer="text", length=8)
SUMS = Interface(
    (Feature("x", "number", minimum=0.0, maximum=9.0), Feature("y", "number", minimum=0.0, maximum=9.0)),
    "both",
    answer="values",
    shape=(2,),
    values=("sum", "difference"),
)
MAKER = Interface(
    (
        Feature("seed", "number", minimum=0.0, maximum=99.0, is_bound=True),
        Feature("level", "category", categories=("low", "high"), is_bound=True),
    ),
    "level",
    answer="values",
    shape=(2,),
    values=("town", "price"),
    categories=(("north", "2"), ()),
)
GRID = Interface(SUMS.features, "both", answer="values", shape=(1, 2))


def _model(nodes, inputs, output, constants=()) -> bytes:
    made = helper.make_graph(nodes, "tiny", inputs, [output], constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def echo() -> bytes:
    """The text with each letter replaced by the next: "abc" is answered with "bcd"."""
    nodes = [
        helper.make_node("Add", ["said", "one"], ["next"]),
        helper.make_node("Greater", ["said", "zero"], ["is_there"]),
        helper.make_node("Where", ["is_there", "next", "zero"], ["text"]),
    ]
    inputs = [helper.make_tensor_value_info("said", TensorProto.INT32, [None, 8])]
    held = [helper.make_tensor(name, TensorProto.INT32, [1], [value]) for name, value in {"one": 1, "zero": 0}.items()]
    return _model(nodes, inputs, helper.make_tensor_value_info("text", TensorProto.INT32, [None, 8]), held)


def repeater(length: int) -> bytes:
    """Each text of at most `length` characters as it is."""
    inputs = [helper.make_tensor_value_info("said", TensorProto.INT32, [None, length])]
    output = helper.make_tensor_value_info("text", TensorProto.INT32, [None, length])
    return _model([helper.make_node("Identity", ["said"], ["text"])], inputs, output)


def sums(*, is_grid: bool = False) -> bytes:
    """x + y and x - y, side by side; as a grid of one row and two columns where that is asked."""
    nodes = [
        helper.make_node("Add", ["x", "y"], ["sum"]),
        helper.make_node("Sub", ["x", "y"], ["difference"]),
        helper.make_node("Concat", ["sum", "difference"], ["flat"], axis=1),
        helper.make_node("Reshape", ["flat", "shape"], ["values"]),
    ]
    shape = [-1, 1, 2] if is_grid else [-1, 2]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("x", "y")]
    held = [helper.make_tensor("shape", TensorProto.INT64, [len(shape)], shape)]
    output = helper.make_tensor_value_info("values", TensorProto.FLOAT, [None, *shape[1:]])
    return _model(nodes, inputs, output, held)


def maker() -> bytes:
    """A row of a table: the town is the second for a level that is high, and the price a tenth of the seed."""
    nodes = [
        helper.make_node("Equal", ["level", "high"], ["is_high"]),
        helper.make_node("Cast", ["is_high"], ["town"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["seed", "tenth"], ["price"]),
        helper.make_node("Concat", ["town", "price"], ["values"], axis=1),
    ]
    kinds = {"seed": TensorProto.FLOAT, "level": TensorProto.STRING}
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()]
    held = [
        helper.make_tensor("high", TensorProto.STRING, [1], [b"high"]),
        helper.make_tensor("tenth", TensorProto.FLOAT, [1], [0.1]),
    ]
    return _model(nodes, inputs, helper.make_tensor_value_info("values", TensorProto.FLOAT, [None, 2]), held)


MODELS = {"echo": (ECHO, echo()), "sums": (SUMS, sums()), "grid": (GRID, sums(is_grid=True)), "maker": (MAKER, maker())}


def register(registry, *, by) -> list[str]:
    """The first version of each, on the shelf."""
    said = {"lineage": LINEAGE, "purpose": "tests", "owner": "tester", "facts": {}}
    return [
        registry.register(name, {GRAPH_FILE: graph}, interface=interface, **said, by=by).name
        for name, (interface, graph) in MODELS.items()
    ]
