# SPDX-License-Identifier: Apache-2.0
"""What both of NVIDIA's clients are tried with: a server as the process that it is, and the same questions."""

import contextlib
import random
import socket
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from entrances.api.house import House, Process, build
from entrances.points import above, make_live

SPOTS = [[1.0, -2.0, 3.0], [4.0, 5.0, 6.0], [-7.0, 8.0, 0.0], [0.0, 0.0, 1.0]]
UNSIGNED = [[abs(value) for value in spot] for spot in SPOTS]
KINDS = {
    "FP16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "FP32": np.float32,
    "FP64": np.float64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
}


@dataclass
class Served:
    """A house, and a server over it that speaks HTTP and gRPC."""

    house: House
    http: str
    rpc: str
    key: str
    process: Process

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}


def free_port() -> int:
    """A port that nobody has, out of those that the system gives to nobody who does not ask for one by its number."""
    draw = random.SystemRandom()
    while True:
        port = draw.randrange(12_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as line:
            line.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def served(folder, **settings):
    """`income:1` and `points:1` are live."""
    house = build(folder)
    make_live(house)
    port = free_port()
    with Process(house.settings.home, grpc_port=port, rows_limit=64, body_limit_bytes=65536, **settings) as process:
        yield Served(house, process.url.removeprefix("http://"), f"127.0.0.1:{port}", house.key(), process)
    house.platform.close()


def block(triton, datatype="FP32", spots=None, **more):
    """All features of `points` in one tensor."""
    spots = spots or (UNSIGNED if datatype.startswith("U") else SPOTS)
    array = np.array(spots).astype(KINDS[datatype])
    given = triton.InferInput("anything", list(array.shape), datatype)
    given.set_data_from_numpy(array, **more)
    return given, [above(*spot) for spot in spots]


def columns(triton, **more):
    """Three rows of `income`, one tensor for each feature."""
    arrays = {
        "age": ("FP64", np.array([[40.0], [71.25], [18.0]])),
        "hours": ("INT32", np.array([[38], [12], [99]], dtype=np.int32)),
        "sector": ("BYTES", np.array([["public"], ["unheard of ✓"], ["private"]], dtype=object)),
    }
    inputs = []
    for name, (datatype, array) in arrays.items():
        given = triton.InferInput(name, list(array.shape), datatype)
        given.set_data_from_numpy(array, **more)
        inputs.append(given)
    return inputs


ROWS = [
    {"age": 40.0, "hours": 38, "sector": "public"},
    {"age": 71.25, "hours": 12, "sector": "unheard of ✓"},
    {"age": 18.0, "hours": 99, "sector": "private"},
]


def refusals(triton, *, unauthenticated, not_found, invalid):
    """What is refused at both doors: what makes it so, the door's status, and words of what is told."""
    return [
        ({"headers": {}}, unauthenticated, "needs a key"),
        ({"headers": {"authorization": "Bearer mw_wrong"}}, unauthenticated, "not valid"),
        ({"model_name": "nobody"}, not_found, "is not released"),
        ({"model_version": "7"}, not_found, "points:1 is"),
        ({"sequence_id": 3}, invalid, "sequence_id` is not offered"),
        ({"outputs": [triton.InferRequestedOutput("wish")]}, invalid, "No output is called 'wish'"),
        ({"outputs": [triton.InferRequestedOutput("label", class_count=2)]}, invalid, "classification` is not offered"),
    ]


def texts(array) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else value for value in array.tolist()]
