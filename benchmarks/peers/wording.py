# SPDX-License-Identifier: Apache-2.0
"""How each peer wants to be asked over HTTP, and where its probabilities stand in the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Wording:
    """The path for a model's name, the body for rows, and the probabilities of an answer."""

    path: Callable[[str], str]
    ask: Callable[[Rows], Any]
    read: Callable[[Any], list[list[float]]]

    def body(self, rows: Rows) -> bytes:
        return msgspec.json.encode(self.ask(rows))

    def probabilities(self, body: bytes) -> list[list[float]]:
        return self.read(msgspec.json.decode(body))


def _tensor(output: str) -> Callable[[Rows], Any]:
    def ask(rows: Rows) -> Any:
        data = [value for row in rows for value in row]
        tensor = {"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP32", "data": data}
        return {"inputs": [tensor], "outputs": [{"name": output}]}

    return ask


def _of_tensor(answer: Any) -> list[list[float]]:
    (output,) = answer["outputs"]
    rows, classes = output["shape"]
    return [output["data"][at : at + classes] for at in range(0, rows * classes, classes)]


def _rows(rows: Rows) -> Any:
    return {"rows": rows}


def _of_plain(answer: Any) -> list[list[float]]:
    return list(answer["probabilities"])


PLAIN = Wording(lambda _model: "/predict", _rows, _of_plain)
MOSEC = Wording(lambda _model: "/inference", _rows, _of_plain)
BENTO = Wording(lambda _model: "/predict", _rows, list)
MLFLOW = Wording(lambda _model: "/invocations", lambda rows: {"inputs": rows}, lambda answer: list(answer["predictions"]))
V2 = Wording(lambda model: f"/v2/models/{model}/infer", _tensor("probabilities"), _of_tensor)
