# SPDX-License-Identifier: Apache-2.0
"""A model that answers as the tiny one does, and takes its time: about 7 ms for each row."""

import msgspec
import onnx
from onnx import TensorProto, helper

from modelward.registry import GRAPH_FILE
from serving.tiny import BACKGROUND, INTERFACE, LINEAGE, graph

TURNS_A_ROW = 10_000


def slow_graph() -> bytes:
    """The tiny graph, which adds nothing times what so many turns of a loop gave."""
    value = helper.make_tensor_value_info
    turn = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["still"]), helper.make_node("Sin", ["before"], ["after"])],
        "turn",
        [value("turn", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("before", TensorProto.FLOAT, None)],
        [value("still", TensorProto.BOOL, []), value("after", TensorProto.FLOAT, None)],
    )
    loop = [
        helper.make_node("Size", ["age"], ["rows"]),
        helper.make_node("Mul", ["rows", "turns-a-row"], ["turns"]),
        helper.make_node("Loop", ["turns", "", "one"], ["spun"], body=turn),
        helper.make_node("Mul", ["spun", "nothing"], ["zero"]),
    ]
    model = onnx.load_from_string(graph())
    nodes = list(model.graph.node)
    next(node for node in nodes if node.output[0] == "sum").input.append("zero")
    del model.graph.node[:]
    model.graph.node.extend(loop + nodes)
    model.graph.initializer.append(helper.make_tensor("turns-a-row", TensorProto.INT64, [], [TURNS_A_ROW]))
    model.graph.initializer.append(helper.make_tensor("nothing", TensorProto.FLOAT, [1, 1], [0.0]))
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_slow_live(house) -> str:
    """Put `slow:1` on the shelf of a house, and let it go live."""
    files = {GRAPH_FILE: slow_graph(), "background.json": msgspec.json.encode(BACKGROUND)}
    about = {"lineage": LINEAGE, "interface": INTERFACE, "purpose": "tests", "owner": "tester", "facts": {}}
    return house.make_live(house.platform.registry.register("slow", files, by=house.by, **about).name)
