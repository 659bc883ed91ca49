# SPDX-License-Identifier: Apache-2.0
"""The two models that all peers serve, as ONNX files, with rows to ask and what ONNX Runtime answers to each alone."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from peers import DEAR, FOREST, Served

_TOLL_WIDTH, _TOLL_STEPS = 256, 20


def make_models(folder: Path) -> dict[str, Served]:
    """A random forest of 100 trees over the breast cancer table, and the same with a toll on each call."""
    table, labels = load_breast_cancer(return_X_y=True)
    train, test, known, _ = train_test_split(table, labels, test_size=0.4, random_state=0)
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(100, random_state=0)).fit(train, known)
    graph = to_onnx(forest, train[:1].astype(np.float32), options={"zipmap": False}, target_opset=17)
    folder.mkdir(parents=True, exist_ok=True)
    # As a client has them, not with the seventeen digits of a number that was in single precision before.
    rows = np.round(test, 6)
    made = {}
    for name, model in ((FOREST, graph), (DEAR, with_toll(graph))):
        file = folder / f"{name}.onnx"
        file.write_bytes(model.SerializeToString())
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        wanted, entry = [end.name for end in session.get_outputs() if end.type == "tensor(float)"], session.get_inputs()[0].name
        alone = [session.run(wanted, {entry: row.reshape(1, -1).astype(np.float32)})[0][0].tolist() for row in rows]
        made[name] = Served(name, file, rows.tolist(), alone)
    return made


def with_toll(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same answers, for about 4 ms a call however many rows it has: what a forest costs in scikit-learn.

    A fixed matrix, scaled by the mean of what is asked, goes through a chain of products; 0 times the mean of what comes out is
    added to the probabilities. The runtime cannot know that it is nothing.
    """
    dear = onnx.ModelProto()
    dear.CopyFrom(model)
    graph = dear.graph
    found = next(end.name for end in graph.output if end.type.tensor_type.elem_type == TensorProto.FLOAT)
    for node in graph.node:
        node.output[:] = ["untolled" if name == found else name for name in node.output]
    square = np.linalg.qr(np.random.default_rng(0).standard_normal((_TOLL_WIDTH, _TOLL_WIDTH)))[0].astype(np.float32)
    graph.initializer.extend([numpy_helper.from_array(square, "toll"), numpy_helper.from_array(np.float32(0), "nothing")])
    chain = [f"toll-{step}" for step in range(_TOLL_STEPS + 1)]
    graph.node.extend(
        [
            helper.make_node("ReduceMean", [graph.input[0].name], ["asked"], keepdims=0),
            helper.make_node("Mul", ["toll", "asked"], [chain[0]]),
            *(helper.make_node("MatMul", [before, "toll"], [after]) for before, after in pairwise(chain)),
            helper.make_node("ReduceMean", [chain[-1]], ["paid"], keepdims=0),
            helper.make_node("Mul", ["paid", "nothing"], ["change"]),
            helper.make_node("Add", ["untolled", "change"], [found]),
        ]
    )
    onnx.checker.check_model(dear)
    return dear
