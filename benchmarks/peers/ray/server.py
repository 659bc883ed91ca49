# SPDX-License-Identifier: Apache-2.0
"""Ray Serve: a proxy, a controller, and one replica that batches."""

from __future__ import annotations

import os
import signal
import threading

import ray
from onnx_model import BATCH, HOST, PORT, WAIT_SECONDS, load, matrix
from ray import serve
from starlette.requests import Request

HANDED_ON = {name: value for name, value in os.environ.items() if name.startswith(("PEER_", "BENCHMARK_", "OMP_", "PYTHONPATH"))}


@serve.deployment(
    num_replicas=1, max_ongoing_requests=1000, ray_actor_options={"num_cpus": 0.1, "runtime_env": {"env_vars": HANDED_ON}}
)
class Forest:
    def __init__(self) -> None:
        self._predict = load()

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=WAIT_SECONDS)
    async def together(self, asked: list[list[list[float]]]) -> list[list[list[float]]]:
        found = self._predict(matrix([row for rows in asked for row in rows])).tolist()
        answers, at = [], 0
        for rows in asked:
            answers.append(found[at : at + len(rows)])
            at += len(rows)
        return answers

    async def __call__(self, request: Request) -> dict[str, list[list[float]]]:
        return {"probabilities": await self.together((await request.json())["rows"])}


if __name__ == "__main__":
    place = {"_temp_dir": f"{os.environ['PEER_FOLDER']}/ray", "_metrics_export_port": PORT + 7}
    quiet = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}
    ray.init(address="local", num_cpus=2, object_store_memory=100 << 20, **place, **quiet)
    serve.start(http_options={"host": HOST, "port": PORT, "location": "HeadOnly"})
    serve.run(Forest.bind(), route_prefix="/predict", blocking=False)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    serve.shutdown()
    ray.shutdown()
