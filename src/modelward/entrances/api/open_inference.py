# SPDX-License-Identifier: Apache-2.0
"""Open Inference Protocol V2 over REST with JSON tensors.

A table's features are the inputs, each a tensor of shape [rows] or [rows, 1]. The outputs are `label` (BYTES) and `probabilities`
(FP32, [rows, classes]). Source: the kserve/open-inference-protocol specification, `inference_rest.yaml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelward import __version__
from modelward.access import Permission
from modelward.entrances.api.bodies import decode
from modelward.entrances.api.endpoint import credential
from modelward.entrances.api.inference import answered, ask, inference_route
from modelward.entrances.api.telemetry import Telemetry
from modelward.errors import InvalidError
from modelward.serving import Computed, Deployment, Deployments, Gateway

if TYPE_CHECKING:
    from modelward.settings import Settings

JSON = "application/json"
_INTEGERS = {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
_FLOATS = {"FP32", "FP64"}
_OUTPUTS = ("label", "probabilities")


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


class OpenInference:
    """The routes under `/v2`."""

    def __init__(self, gateway: Gateway, deployments: Deployments, telemetry: Telemetry, settings: Settings) -> None:
        self._gateway = gateway
        self._deployments = deployments
        self._telemetry = telemetry
        self._settings = settings

    def routes(self) -> list[Route]:
        """The routes, each under its template."""
        found = [inference_route("/v2", self.server, methods=("GET",))]
        for place in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
            found += [
                inference_route(place, self.metadata, methods=("GET",)),
                inference_route(f"{place}/ready", self.ready, methods=("GET",)),
                inference_route(f"{place}/infer", self.infer),
            ]
        return found

    async def server(self, request: Request) -> Response:
        """The server's name and what it can do."""
        await self._known(request)
        return _json({"name": "modelward", "version": __version__, "extensions": []})

    async def metadata(self, request: Request) -> Response:
        """A model's inputs and outputs."""
        deployment = await self._deployment(request)
        return _json(
            {
                "name": deployment.version.model,
                "versions": [str(deployment.version.number)],
                "platform": "onnxruntime_onnx",
                "inputs": [
                    {"name": feature.name, "datatype": "FP32" if feature.kind == "number" else "BYTES", "shape": [-1, 1]}
                    for feature in deployment.interface.features
                ],
                "outputs": [
                    {"name": "label", "datatype": "BYTES", "shape": [-1]},
                    {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(deployment.interface.classes)]},
                ],
            }
        )

    async def ready(self, request: Request) -> Response:
        """Whether a model answers."""
        deployment = await self._deployment(request)
        return _json({"name": deployment.version.model, "ready": True})

    async def infer(self, request: Request) -> Response:
        """Answer tensors with tensors."""
        question, body = await ask(request, self._settings)
        asked: InferRequest = decode(body, InferRequest, depth_limit=self._settings.json_depth_limit)
        wanted = wanted_outputs(asked.outputs)
        columns = {tensor.name: values_of(tensor) for tensor in asked.inputs}
        if len(columns) != len(asked.inputs):
            raise TensorError("Two inputs have the same name. Send each feature once.")
        reply = await self._gateway.infer(question, columns, render=lambda computed: rendered(computed, asked.id, wanted))
        return answered(reply, self._telemetry, rows=len(next(iter(columns.values()), ())))

    async def _known(self, request: Request) -> None:
        secret = credential(request)
        await run_in_threadpool(self._gateway.actor, secret)

    async def _deployment(self, request: Request) -> Deployment:
        actor = await run_in_threadpool(self._gateway.actor, credential(request))
        model = request.path_params["model"]
        actor.require(Permission.MODELS_PREDICT, model=model)
        number = request.path_params.get("version", "")
        return self._deployments.get(model, int(number) if number.isdecimal() and len(number) < 10 else None if not number else 0)


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
    if not all(
        value is None or (isinstance(value, fitting) and (bool in fitting or not isinstance(value, bool))) for value in values
    ):
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


def rendered(computed: Computed, id: str, wanted: Sequence[str]) -> bytes:  # noqa: A002  # the protocol's word
    """The answer as tensors."""
    rows, classes = computed.probabilities.shape
    tensors = {
        "label": lambda: {"name": "label", "datatype": "BYTES", "shape": [rows], "data": computed.labels},
        "probabilities": lambda: {
            "name": "probabilities",
            "datatype": "FP32",
            "shape": [rows, classes],
            "data": computed.probabilities.ravel().tolist(),
        },
    }
    answer = {
        "model_name": computed.model,
        "model_version": str(computed.number),
        "id": id or computed.request,
        "outputs": [tensors[name]() for name in wanted],
    }
    return msgspec.json.encode(answer)


def _fitting(datatype: str) -> tuple[type, ...] | None:
    if datatype in _FLOATS:
        return (int, float)
    if datatype in _INTEGERS:
        return (int,)
    return {"BOOL": (bool,), "BYTES": (str,)}.get(datatype)


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type=JSON)
