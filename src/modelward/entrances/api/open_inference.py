# SPDX-License-Identifier: Apache-2.0
"""Open Inference Protocol V2 over REST, with JSON and with binary tensors.

Each feature of a model is an input of shape [rows] or [rows, 1]; a model that takes numbers alone takes them in one single input
[rows, features], too, whatever its name. What is sent back is JSON, unless the question asks for binary tensors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from modelward.access import Permission
from modelward.entrances.api.bodies import MalformedBodyError, check_depth, told
from modelward.entrances.api.dialect import Heading
from modelward.entrances.api.endpoint import Endpoint, Open
from modelward.entrances.api.inference import Asked
from modelward.entrances.api.problems import told_plainly
from modelward.entrances.open_inference import (
    IndexedModel,
    InferRequest,
    ModelMetadata,
    ServerMetadata,
    TensorError,
    Wanted,
    model_metadata,
    output_names,
    read_known,
    read_plain,
    read_request,
    repository_index,
    server_metadata,
    table_of,
    tensors_of,
    wanted_of,
    written,
)
from modelward.registry import Interface, Table, json_hint
from modelward.serving import Asking, Deployment, Written

if TYPE_CHECKING:
    from modelward.settings import Settings

_HEADER = b"inference-header-content-length"
_LONGEST_LENGTH = 12


class Output(msgspec.Struct):
    """One output: its values in row-major order, or where it is packed, `parameters` with its `binary_data_size`."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any] = []
    parameters: dict[str, Any] = {}


class InferResponse(msgspec.Struct):
    """An answer. The parameter `unfamiliar` is JSON: for each row the features whose value training never saw."""

    model_name: str
    model_version: str
    id: str
    parameters: dict[str, str]
    outputs: list[Output]


class ModelReady(msgspec.Struct):
    """Whether a model answers."""

    name: str
    ready: bool


class IndexQuery(msgspec.Struct):
    """Which models to list: all with a live version, or those that answer."""

    ready: bool = False


class OpenInference:
    """See `Dialect`."""

    def __init__(self, settings: Settings) -> None:
        self._depth_limit = settings.json_depth_limit
        self._rows_limit = settings.rows_limit

    def read(self, body: bytes, heading: Heading, interface: Interface) -> Asking:
        """The tensors of a question, and how the answer to them is written.

        Raises:
            MalformedBodyError: it is none. TensorError, InvalidRowsError, TooManyRowsError: it contradicts itself or the model.
        """
        length = heading.get(_HEADER)
        if length is None and (plain := read_plain(body, interface, rows_limit=self._rows_limit)) is not None:
            asked, table = plain
            return _asking(table, asked.id, wanted_of(asked.outputs, asked.parameters, output_names(interface)))
        text, packed = (body, _NOTHING) if length is None else _parted(body, length)
        request = read_known(text) or self._read(text, hint=_HINT if length is None else _doubt(text, body))
        wanted = wanted_of(request.outputs, request.parameters, output_names(interface))
        return _asking(table_of(interface, tensors_of(request, packed, rows_limit=self._rows_limit)), request.id, wanted)

    def fault(self, error: Exception) -> Written:
        """`{"error": "text"}`."""
        return Written(told_plainly(error))

    def _read(self, text: bytes, *, hint: str) -> InferRequest:
        check_depth(text, limit=self._depth_limit)
        try:
            return read_request(text)
        except msgspec.ValidationError as wrong:
            raise MalformedBodyError(f"The JSON is no inference request: {told(wrong)}. {_EXAMPLE}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            raise MalformedBodyError(f"The body is not valid JSON: {told(wrong)}. {json_hint(text) or hint}") from None


_NOTHING = memoryview(b"")
_EXAMPLE = 'Write {"inputs": [{"name": "FEATURE", "datatype": "FP32", "shape": [1, 1], "data": [VALUE]}, …]}.'
_HINT = "Where binary tensors follow the JSON, say its length as Inference-Header-Content-Length."


def _asking(table: Table, id: str | None, wanted: tuple[Wanted, ...]) -> Asking:
    return Asking(table, partial(written, id=id, wanted=wanted))


def _doubt(text: bytes, body: bytes) -> str:
    return (
        f"By the header Inference-Header-Content-Length it ends after {len(text)} of the body's {len(body)} bytes. Send the header "
        "anew with each request, or none where no binary tensors follow the JSON."
    )


def _parted(body: bytes, length: bytes) -> tuple[bytes, memoryview]:
    """The JSON and the bytes that follow it. What follows is looked at where it lies."""
    if not length.isdigit() or len(length) > _LONGEST_LENGTH or int(length) > len(body):
        raise TensorError(
            f"Inference-Header-Content-Length is no number of bytes within the body, which has {len(body)}. Send the length of the "
            "JSON, or leave the header out where nothing follows it."
        )
    return body[: int(length)], memoryview(body)[int(length) :]


async def _server(_asked: Asked) -> Response:
    return _json(server_metadata())


async def _metadata(asked: Asked) -> Response:
    return _json(model_metadata(_deployment(asked)))


async def _ready(asked: Asked) -> Response:
    return _json(ModelReady(_deployment(asked).version.model, ready=True))


async def _index(asked: Asked) -> Response:
    query = asked.read(IndexQuery) if asked.body else IndexQuery()
    found = asked.premises.platform.serving.deployments.readiness()
    return _json(repository_index(found, asked.actor, is_ready=query.ready))


def _deployment(asked: Asked) -> Deployment:
    return asked.premises.platform.serving.deployments.get(asked.model, asked.number)


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _of_model(path: str, handle: Callable[[Asked], Awaitable[Response]], summary: str, gives: Any) -> list[Endpoint]:
    """The endpoint of the live version, and that of a version by its number."""
    return [Endpoint("GET", f"{place}{path}", Permission.MODELS_PREDICT, handle, summary, gives) for place in _PLACES]


_PLACES = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
OPEN_INFERENCE = (
    *(
        Endpoint(
            "POST",
            f"{place}/infer",
            Permission.MODELS_PREDICT,
            OpenInference,
            "Answer tensors with tensors.",
            InferResponse,
            takes=InferRequest,
            is_packable=True,
        )
        for place in _PLACES
    ),
    *_of_model("/ready", _ready, "Whether a model answers.", ModelReady),
    *_of_model("", _metadata, "A model's inputs and outputs.", ModelMetadata),
    Endpoint("GET", "/v2", Open.ANYBODY_KNOWN, _server, "The server's name and what it can do.", ServerMetadata),
    Endpoint(
        "POST",
        "/v2/repository/index",
        Open.ANYBODY_KNOWN,
        _index,
        "The models that the caller may ask.",
        list[IndexedModel],
        takes=IndexQuery,
    ),
)
