# SPDX-License-Identifier: Apache-2.0
"""The model that every peer but Modelward serves: ONNX Runtime with one thread, so that what differs is the serving."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

FEATURES = 30
MODEL = os.environ.get("PEER_MODEL", "")
HOST = "127.0.0.1"
PORT = int(os.environ.get("PEER_PORT", "0"))
BATCH = 64
WAIT_SECONDS = 0.001


def load() -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
    """What makes probabilities [rows, classes] of numbers [rows, features]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    wanted = [end.name for end in session.get_outputs() if end.type == "tensor(float)"]

    def predict(rows: npt.NDArray[np.float32]) -> Any:
        return session.run(wanted, {entry.name: rows})[0]

    predict(np.zeros((1, FEATURES), np.float32))
    return predict


def matrix(rows: list[list[float]]) -> npt.NDArray[np.float32]:
    """Rows as JSON has them, as what the model takes."""
    return np.asarray(rows, np.float32).reshape(-1, FEATURES)
