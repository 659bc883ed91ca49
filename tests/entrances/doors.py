# SPDX-License-Identifier: Apache-2.0
"""One question to one model through every door by which programs ask, with a key."""

import contextlib
from dataclasses import dataclass

import grpc
import httpx
import msgspec

from entrances.api.house import ROW, House, Process, build
from entrances.triton import free_port
from modelward.entrances.rpc.messages import message

HTTP = {
    "records": ("/v1/models/income/predict", {"rows": [ROW]}),
    "open inference": (
        "/v2/models/income/infer",
        {
            "inputs": [
                {"name": name, "datatype": kind, "shape": [1, 1], "data": [ROW[name]]}
                for name, kind in {"age": "FP32", "hours": "FP32", "sector": "BYTES"}.items()
            ]
        },
    ),
    "mlflow": ("/models/income/invocations", {"dataframe_records": [ROW]}),
    "explain": ("/v1/models/income/explain", {"rows": [ROW]}),
}
DOORS = [*HTTP, "grpc"]


@dataclass
class Told:
    """What a door answered: a status of HTTP, or of gRPC by its name; what it said; and when to come again."""

    status: int | str
    text: str
    again: int | None


@dataclass
class Doors:
    """A house, and a server over it whose every door can be knocked at."""

    house: House
    process: Process
    channel: grpc.Channel

    def ask(self, door: str, key: str, *more: tuple[str, str]) -> Told:
        """What a question with that key is answered, with `more` headers."""
        headers = [("authorization", f"Bearer {key}"), *more]
        if door == "grpc":
            return self._call(headers)
        path, asked = HTTP[door]
        headers.append(("content-type", "application/json"))
        answer = httpx.post(self.process.url + path, content=msgspec.json.encode(asked), headers=headers, timeout=30)
        again = answer.headers.get("retry-after")
        return Told(answer.status_code, answer.text, int(again) if again else None)

    def _call(self, headers: list[tuple[str, str]]) -> Told:
        asked = message("ModelInferRequest")(model_name="income")
        for tensor in HTTP["open inference"][1]["inputs"]:
            given = asked.inputs.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
            if tensor["datatype"] == "BYTES":
                given.contents.bytes_contents.append(tensor["data"][0].encode())
            else:
                given.contents.fp32_contents.extend(tensor["data"])
        ask = self.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        try:
            ask(asked.SerializeToString(), metadata=headers, timeout=30)
        except grpc.RpcError as fault:
            again = dict(fault.trailing_metadata() or ()).get("retry-after")
            return Told(fault.code().name, fault.details(), int(again) if again else None)
        return Told("OK", "", None)


@contextlib.contextmanager
def doors(folder, **settings):
    """`income:1` is live, and may be asked over HTTP and gRPC."""
    house, port = build(folder, explain_rows_limit=64), free_port()
    with (
        Process(house.settings.home, grpc_port=port, rows_limit=64, refresh_seconds=0.1, **settings) as process,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield Doors(house, process, channel)
    house.platform.close()


def is_well(told: Told) -> bool:
    return told.status in (200, "OK")
