# SPDX-License-Identifier: Apache-2.0
"""The servers that are put side by side, and how each is set: as its own documentation advises for many small questions.

Each has a folder here with what it needs (`requirements.txt`) and what starts it. All but Modelward load the model through
`served/onnx_model.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from peers.wording import BENTO, MLFLOW, MOSEC, PLAIN, V2, Wording

FOREST, DEAR = "forest", "dear"
BATCHING = "at most 64 questions, 1 ms"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A server with its settings. `dear` is what its environment has besides when the dear model is served."""

    title: str
    folder: str
    wording: Wording
    settings: str
    script: str = "server.py"
    environment: Mapping[str, str] = field(default_factory=dict)
    dear: Mapping[str, str] = field(default_factory=dict)
    prepares: bool = False

    @property
    def is_modelward(self) -> bool:
        return self.folder == "modelward"

    @property
    def is_governed(self) -> bool:
        """Whether each answer has to be on record."""
        return self.is_modelward and not self.environment


@dataclass(frozen=True)
class Served:
    """A model's file, rows of numbers to ask it, and the probabilities of each."""

    name: str
    file: Path
    rows: list[list[float]]
    probabilities: list[list[float]]


PEERS = {
    "bound": Peer(
        title="raw protocol (the bound)",
        folder="bound",
        wording=PLAIN,
        settings="httptools and msgspec on uvloop, what a pass of the loop brings computed together; checks and records nothing",
    ),
    "modelward": Peer(
        title="**Modelward**, governed",
        folder="modelward",
        wording=V2,
        settings="as installed: key, permission and rows checked, entry durable before the answer leaves, metrics counted",
    ),
    "modelward-relaxed": Peer(
        title="Modelward, ledger relaxed",
        folder="modelward",
        wording=V2,
        settings="`MODELWARD_LEDGER_DURABILITY=relaxed`: answers leave before their entry is durable. For information only",
        environment={"MODELWARD_LEDGER_DURABILITY": "relaxed"},
    ),
    "mosec": Peer(
        title="mosec 0.9.8",
        folder="mosec",
        wording=MOSEC,
        settings=f"one worker, batches of {BATCHING}; msgspec in the worker",
    ),
    "fastapi-lean": Peer(
        title="FastAPI 0.165, lean",
        folder="fastapi",
        script="lean.py",
        wording=PLAIN,
        settings="uvicorn with uvloop and httptools, `async def`, orjson, no pydantic, no access log",
    ),
    "fastapi": Peer(
        title="FastAPI 0.165, as usually written",
        folder="fastapi",
        script="usual.py",
        wording=PLAIN,
        settings="the same uvicorn; `def`, pydantic in and out",
    ),
    "mlserver": Peer(
        title="MLServer 1.7.1",
        folder="mlserver",
        wording=V2,
        settings="model in the server's process (`parallel_workers: 0`), "
        f"adaptive batching ({BATCHING}) for the dear model only: it slows the cheap one down",
        dear={"PEER_BATCHES": "1"},
    ),
    "litserve": Peer(
        title="LitServe 0.2.19",
        folder="litserve",
        wording=PLAIN,
        settings=f"one API server, one worker, `fast_queue`, batches of {BATCHING}, log off",
    ),
    "mlflow": Peer(
        title="MLflow 3.17.2",
        folder="mlflow",
        wording=MLFLOW,
        settings="`mlflow models serve --env-manager local --workers 1`, access log off; it has no batching",
        environment={"UVICORN_ACCESS_LOG": "false"},
        prepares=True,
    ),
    "bentoml": Peer(
        title="BentoML 1.4.39",
        folder="bentoml",
        wording=BENTO,
        settings="one worker, `async` API, `batchable` with at most 64 questions, access log and metrics off",
    ),
    "ray": Peer(
        title="Ray Serve 2.60",
        folder="ray",
        wording=PLAIN,
        settings=f"one replica, `@serve.batch` with {BATCHING}, `RAY_SERVE_THROUGHPUT_OPTIMIZED=1`",
        environment={"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"},
    ),
}
