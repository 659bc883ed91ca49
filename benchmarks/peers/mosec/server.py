# SPDX-License-Identifier: Apache-2.0
"""mosec: an HTTP front in Rust that batches, and a Python worker behind a Unix socket."""

from __future__ import annotations

import os
import sys

import msgspec
from mosec import Server, ValidationError, Worker
from onnx_model import BATCH, HOST, PORT, WAIT_SECONDS, load, matrix


class Question(msgspec.Struct):
    rows: list[list[float]]


class Forest(Worker):
    def __init__(self) -> None:
        self._predict = load()
        self._decode = msgspec.json.Decoder(Question).decode
        self._encode = msgspec.json.Encoder().encode

    def deserialize(self, data: bytes) -> list[list[float]]:
        try:
            return self._decode(data).rows
        except msgspec.MsgspecError as wrong:
            raise ValidationError(str(wrong)) from wrong

    def forward(self, data: list[list[list[float]]]) -> list[list[list[float]]]:
        found = self._predict(matrix([row for rows in data for row in rows])).tolist()
        answers, at = [], 0
        for rows in data:
            answers.append(found[at : at + len(rows)])
            at += len(rows)
        return answers

    def serialize(self, data: list[list[float]]) -> bytes:
        return self._encode({"probabilities": data})


if __name__ == "__main__":
    sys.argv[1:] = [
        "--address",
        HOST,
        "--port",
        str(PORT),
        "--path",
        f"{os.environ['PEER_FOLDER']}/sockets",
        "--log-level",
        "error",
    ]
    server = Server()
    server.append_worker(Forest, num=1, max_batch_size=BATCH, max_wait_time=int(WAIT_SECONDS * 1000))
    server.run()
