# SPDX-License-Identifier: Apache-2.0
"""What each method answers. A method that is not here is answered UNIMPLEMENTED by gRPC itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from google.protobuf.message import DecodeError

from modelward.access import Permission
from modelward.entrances.api import Heading, credential, is_ready, named_model, urgency_of
from modelward.entrances.open_inference import (
    IndexedModel,
    TensorMetadata,
    model_metadata,
    repository_index,
    server_metadata,
)
from modelward.entrances.rpc.messages import message
from modelward.entrances.rpc.questions import asking
from modelward.errors import InvalidError, NotFoundError, UnavailableError
from modelward.serving import Deployment, Question

if TYPE_CHECKING:
    from modelward.access import Actor, Origin
    from modelward.entrances.api import Premises

Metadata: TypeAlias = list[tuple[bytes, bytes]]
_SERVING, _NOT_SERVING = 1, 2


class MalformedMessageError(InvalidError):
    """The bytes of a call are not the message that its method takes."""


class UnknownServiceError(NotFoundError):
    """Health is asked of a service that is not here."""


@dataclass(slots=True)
class Call:
    """One call: what its metadata says, and how many seconds the caller waits; then its bytes as they came.

    `version` and `entry` are those of the answer, once there is one.
    """

    premises: Premises
    metadata: Metadata
    origin: Origin
    request: str
    seconds: float | None
    data: bytes = b""
    version: str = ""
    entry: int | None = None

    def actor(self) -> Actor:
        """Who calls. The key may be revoked while the message comes, so that this is asked again once it is there.

        Raises:
            UnauthenticatedError: nobody that is known.
        """
        return self.premises.gateway.actor(credential(self.metadata)).at(self.origin)

    @property
    def heading(self) -> Heading:
        """What the metadata says under each name; the last, where it says several things."""
        return dict(self.metadata)

    def read(self, name: str) -> Any:
        """The message.

        Raises:
            MalformedMessageError: it is none of that kind.
        """
        try:
            return message(name).FromString(self.data)
        except DecodeError:
            raise MalformedMessageError(f"The message is no {name}. Use a client of the Open Inference Protocol V2.") from None

    def deployment(self, actor: Actor, asked: Any) -> Deployment:
        """What answers for the model that a message names; who may ask it may see it.

        Raises:
            RefusedError, NotFoundError, UnavailableError: `actor` may not, or nothing does.
        """
        model, number = _named(asked.name, asked.version)
        actor.require(Permission.MODELS_PREDICT, model=model)
        return self.premises.platform.serving.deployments.get(model, number)


def metadata_of(told: Iterable[tuple[str, str | bytes]]) -> Metadata:
    """Metadata, as HTTP has its headers."""
    return [(name.encode(), value.encode()) for name, value in told if isinstance(value, str)]


async def _server_live(_call: Call) -> bytes:
    return _said("ServerLiveResponse", live=True)


async def _server_ready(call: Call) -> bytes:
    return _said("ServerReadyResponse", ready=await is_ready(call.premises))


async def _model_ready(call: Call) -> bytes:
    actor, asked = call.actor(), call.read("ModelReadyRequest")
    try:
        call.deployment(actor, asked)
    except (NotFoundError, UnavailableError):
        return _said("ModelReadyResponse", ready=False)
    return _said("ModelReadyResponse", ready=True)


async def _server_metadata(call: Call) -> bytes:
    call.actor()
    told = server_metadata()
    return _said("ServerMetadataResponse", name=told.name, version=told.version, extensions=told.extensions)


async def _model_metadata(call: Call) -> bytes:
    told = model_metadata(call.deployment(call.actor(), call.read("ModelMetadataRequest")))

    def tensors(each: Iterable[TensorMetadata]) -> list[Any]:
        kind = message("ModelMetadataResponse.TensorMetadata")
        return [kind(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape) for tensor in each]

    inputs, outputs = tensors(told.inputs), tensors(told.outputs)
    return _said(
        "ModelMetadataResponse", name=told.name, versions=told.versions, platform=told.platform, inputs=inputs, outputs=outputs
    )


async def _repository_index(call: Call) -> bytes:
    actor, asked = call.actor(), call.read("RepositoryIndexRequest")
    found = repository_index(call.premises.platform.serving.deployments.readiness(), actor, is_ready=asked.ready)

    def model(each: IndexedModel) -> Any:
        kind = message("RepositoryIndexResponse.ModelIndex")
        return kind(name=each.name, version=each.version, state=each.state, reason=each.reason)

    return _said("RepositoryIndexResponse", models=map(model, found))


async def _model_infer(call: Call) -> bytes:
    actor, asked = call.actor(), call.read("ModelInferRequest")
    model, number = _named(asked.model_name, asked.model_version)
    urgency = urgency_of(call.heading)
    # Whoever says both is told by the earlier.
    allowed = [seconds for seconds in (call.seconds, urgency.seconds) if seconds is not None]
    question = Question(
        caller=actor,
        model=model,
        payload=call.data,
        number=number,
        request=call.request,
        timeout_seconds=min(allowed, default=None),
        priority=urgency.priority,
    )
    rows_limit = call.premises.platform.settings.rows_limit
    reply = await call.premises.gateway.answer(question, lambda interface: asking(asked, interface, rows_limit=rows_limit))
    call.version, call.entry = reply.version, reply.entry
    return reply.payload


async def _health(call: Call) -> bytes:
    if call.read("HealthCheckRequest").service not in ("", *SERVICES):
        raise UnknownServiceError(f"There is no such service here. There are: {', '.join(SERVICES)}.")
    return _said("HealthCheckResponse", status=_SERVING if await is_ready(call.premises) else _NOT_SERVING)


def _said(kind: str, /, **fields: Any) -> bytes:
    data: bytes = message(kind)(**fields).SerializeToString()
    return data


def _named(name: str, version: str) -> tuple[str, int | None]:
    return named_model({"model": name, "version": version} if version else {"model": name})


class Method(NamedTuple):
    """What answers a call, and whether anybody may call it, without a key."""

    answer: Callable[[Call], Awaitable[bytes]]
    is_open: bool = False


# `Watch` is not offered: whoever keeps one open without a key would take the place of somebody who asks.
SERVICES: dict[str, dict[str, Method]] = {
    "inference.GRPCInferenceService": {
        "ServerLive": Method(_server_live, is_open=True),
        "ServerReady": Method(_server_ready, is_open=True),
        "ModelReady": Method(_model_ready),
        "ServerMetadata": Method(_server_metadata),
        "ModelMetadata": Method(_model_metadata),
        "ModelInfer": Method(_model_infer),
        "RepositoryIndex": Method(_repository_index),
    },
    "grpc.health.v1.Health": {"Check": Method(_health, is_open=True)},
}
