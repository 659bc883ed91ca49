# SPDX-License-Identifier: Apache-2.0
"""MLflow: the model in its own format, as code, and its scoring server. `server.py save` makes the first, once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CODE = """
import mlflow
import numpy as np
from onnx_model import load


class Forest(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self._predict = load()

    def predict(self, context, model_input, params=None):
        return self._predict(np.asarray(model_input, np.float32))


mlflow.models.set_model(Forest())
"""
FOLDER = Path(os.environ["PEER_FOLDER"])


def save() -> None:
    import mlflow

    code = FOLDER / "forest.py"
    code.write_text(CODE)
    mlflow.pyfunc.save_model(str(FOLDER / "saved"), python_model=str(code))


def serve() -> None:
    from onnx_model import HOST, PORT

    where = ["--host", HOST, "--port", str(PORT), "--workers", "1"]
    os.execvp("mlflow", ["mlflow", "models", "serve", "-m", str(FOLDER / "saved"), "--env-manager", "local", *where])


if __name__ == "__main__":
    save() if sys.argv[1:] == ["save"] else serve()
