# SPDX-License-Identifier: Apache-2.0
"""Open Inference Protocol V2 over REST with JSON tensors.

A table's features are the inputs, each a tensor of shape [rows] or [rows, 1]. The outputs are `label` (BYTES) and `probabilities`
(FP32, [rows, classes]). The response's parameter `unfamiliar` names for each row the features whose value training never saw; it
is JSON in a text, for the protocol's parameters are texts, numbers or booleans. Source: the kserve/open-inference-protocol
specification, `inference_rest.yaml`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from modelward import __version__
from modelward.access import Permission
from modelward.entrances.api.endpoint import Endpoint, Open
from modelward.entrances.api.inference import Asked
from modelward.errors import InvalidError
from modelward.registry import LABEL, PROBABILITIES, Interface
from modelward.serving import Asking, Computed, Deployment, Written

BINARY_HEADER = b"inference-header-content-length"
_INTEGERS = {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
_FLOATS = {"FP32", "FP64"}
_OUTPUTS = (LABEL, PROBABILITIES)


class TensorError(InvalidError):
    """A tensor of a request contradicts itself or the model's inputs."""


class Tensor(msgspec.Struct):
    """One input."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class WantedOutput(msgspec.Struct):
    """One output that the caller wants."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct):
    """A question."""

    inputs: list[Tensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[WantedOutput] = []


class Output(msgspec.Struct):
    """One output."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class InferResponse(msgspec.Struct):
    """An answer."""

    model_name: str
    model_version: str
    id: str
    parameters: dict[str, str]
    outputs: list[Output]


class ServerMetadata(msgspec.Struct):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(msgspec.Struct):
    """One input or output of a model; -1 stands for any number of rows."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(msgspec.Struct):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelReady(msgspec.Struct):
    """Whether a model answers."""

    name: str
    ready: bool


async def _server(_asked: Asked) -> Response:
    return _json(ServerMetadata("modelward", __version__, []))


async def _metadata(asked: Asked) -> Response:
    deployment = _deployment(asked)
    interface = deployment.interface
    inputs = [
        TensorMetadata(feature.name, "FP32" if feature.kind == "number" else "BYTES", [-1, 1]) for feature in interface.features
    ]
    outputs = [TensorMetadata(LABEL, "BYTES", [-1]), TensorMetadata(PROBABILITIES, "FP32", [-1, len(interface.classes)])]
    version = deployment.version
    return _json(ModelMetadata(version.model, [str(version.number)], "onnxruntime_onnx", inputs, outputs))


async def _ready(asked: Asked) -> Response:
    return _json(ModelReady(_deployment(asked).version.model, ready=True))


async def _infer(asked: Asked) -> Response:
    if any(name == BINARY_HEADER for name, _ in asked.scope["headers"]):
        raise TensorError("Binary tensors are not taken here. Send and ask for JSON tensors (`binary_data=False`).")
    request: InferRequest = asked.read(InferRequest)
    wanted = wanted_outputs(request.outputs)
    columns = {tensor.name: values_of(tensor) for tensor in request.inputs}
    if len(columns) != len(request.inputs):
        raise TensorError("Two inputs have the same name. Send each feature once.")

    def read(interface: Interface) -> Asking:
        table = interface.table_of_columns(columns)
        return Asking(table, lambda computed: Written(rendered(computed, request.id, wanted)))

    reply = await asked.premises.gateway.answer(asked.question, read)
    return asked.answered(reply)


def _deployment(asked: Asked) -> Deployment:
    return asked.premises.platform.serving.deployments.get(asked.model, asked.number)


def values_of(tensor: Tensor) -> Sequence[Any]:
    """A tensor's data as one value per row.

    Raises:
        TensorError: its datatype is unknown, or shape and data contradict each other.
    """
    if len(tensor.shape) not in (1, 2) or (len(tensor.shape) == 2 and tensor.shape[1] != 1) or tensor.shape[0] < 0:
        raise TensorError(f"The input {tensor.name[:100]!r} must have the shape [rows] or [rows, 1].")
    values = [value for item in tensor.data for value in (item if isinstance(item, list) else [item])]
    if any(isinstance(value, list | dict) for value in values) or len(values) != tensor.shape[0]:
        raise TensorError(
            f"The input {tensor.name[:100]!r} says {tensor.shape[0]} rows in its shape and has {len(values)} in its data."
        )
    fitting = _fitting(tensor.datatype)
    if fitting is None:
        raise TensorError(
            f"The input {tensor.name[:100]!r} has the datatype {tensor.datatype[:20]!r}; there are "
            f"{', '.join(sorted({*_INTEGERS, *_FLOATS, 'BOOL', 'BYTES'}))}."
        )
    if not all(value is None or type(value) in fitting for value in values):
        raise TensorError(f"The input {tensor.name[:100]!r} holds values that are not {tensor.datatype}.")
    return values


def wanted_outputs(outputs: Sequence[WantedOutput]) -> tuple[str, ...]:
    """The names of the outputs to send; all where none is named.

    Raises:
        TensorError: there is no output of that name.
    """
    unknown = [output.name for output in outputs if output.name not in _OUTPUTS]
    if unknown:
        raise TensorError(f"No output is called {unknown[0][:100]!r}. There are: {', '.join(_OUTPUTS)}.")
    return tuple(output.name for output in outputs) or _OUTPUTS


def rendered(computed: Computed, id: str, wanted: Sequence[str]) -> bytes:
    """The answer as tensors."""
    rows, classes = computed.probabilities.shape
    tensors = {
        LABEL: lambda: Output(LABEL, "BYTES", [rows], computed.labels),
        PROBABILITIES: lambda: Output(PROBABILITIES, "FP32", [rows, classes], computed.probabilities.ravel().tolist()),
    }
    outputs = [tensors[name]() for name in wanted]
    parameters = {"unfamiliar": msgspec.json.encode(computed.unfamiliar).decode()}
    return msgspec.json.encode(InferResponse(computed.model, str(computed.number), id or computed.request, parameters, outputs))


def _fitting(datatype: str) -> tuple[type, ...] | None:
    if datatype in _FLOATS:
        return (int, float)
    if datatype in _INTEGERS:
        return (int,)
    return {"BOOL": (bool,), "BYTES": (str,)}.get(datatype)


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _of_model(path: str, method: str, handle: Callable[[Asked], Awaitable[Response]], summary: str, gives: Any) -> list[Endpoint]:
    """The endpoint of the live version, and that of a version by its number."""
    takes = InferRequest if method == "POST" else None
    return [
        Endpoint(method, f"{place}{path}", Permission.MODELS_PREDICT, handle, summary, gives, takes=takes)
        for place in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
    ]


OPEN_INFERENCE = (
    *_of_model("/infer", "POST", _infer, "Answer tensors with tensors.", InferResponse),
    *_of_model("/ready", "GET", _ready, "Whether a model answers.", ModelReady),
    *_of_model("", "GET", _metadata, "A model's inputs and outputs.", ModelMetadata),
    Endpoint("GET", "/v2", Open.ANYBODY_KNOWN, _server, "The server's name and what it can do.", ServerMetadata),
)
