# SPDX-License-Identifier: Apache-2.0
"""BentoML: a service whose API batches. Run as a script it starts the server."""

import os
from pathlib import Path
from typing import Annotated

import bentoml
import numpy as np
from bentoml.validators import DType, Shape
from onnx_model import BATCH, FEATURES, HOST, PORT, load

Rows = Annotated[np.ndarray, Shape((-1, FEATURES)), DType("float32")]
QUIET = {"logging": {"access": {"enabled": False}}, "metrics": {"enabled": False}}


@bentoml.service(workers=1, traffic={"timeout": 60, "max_concurrency": None}, **QUIET)
class Forest:
    def __init__(self) -> None:
        self._predict = load()

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=BATCH, max_latency_ms=60_000)
    async def predict(self, rows: Rows) -> np.ndarray:
        return self._predict(rows.astype(np.float32, copy=False))


if __name__ == "__main__":
    os.environ["BENTOML_HOME"] = f"{os.environ['PEER_FOLDER']}/bentoml"
    here = Path(__file__).parent
    where = ["--host", HOST, "--port", str(PORT), "--working-dir", str(here)]
    os.chdir(here)
    os.execvp("bentoml", ["bentoml", "serve", "server:Forest", *where])
