# SPDX-License-Identifier: Apache-2.0
"""MLServer: a custom runtime for ONNX, which it has none for, and its settings. Run as a script it starts the server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from onnx_model import BATCH, HOST, PORT, WAIT_SECONDS, load


class Forest(MLModel):
    async def load(self) -> bool:
        self._predict = load()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32, copy=False)
        output = NumpyCodec.encode_output("probabilities", self._predict(rows))
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[output])


def main() -> None:
    folder = Path(os.environ["PEER_FOLDER"])
    model: dict[str, object] = {"name": os.environ["PEER_NAME"], "implementation": "server.Forest"}
    if os.environ.get("PEER_BATCHES"):
        model |= {"max_batch_size": BATCH, "max_batch_time": WAIT_SECONDS}
    settings = {
        "host": HOST,
        "http_port": PORT,
        "grpc_port": PORT + 1,
        "metrics_port": PORT + 2,
        "parallel_workers": 0,
        "debug": False,
    }
    (folder / "model-settings.json").write_text(json.dumps(model))
    (folder / "settings.json").write_text(json.dumps(settings))
    os.environ["PYTHONPATH"] += os.pathsep + str(Path(__file__).parent)
    os.execvp("mlserver", ["mlserver", "start", str(folder)])


if __name__ == "__main__":
    main()
