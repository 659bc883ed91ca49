# SPDX-License-Identifier: Apache-2.0
"""What the server and its models say of themselves, whichever way they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from modelward import __version__
from modelward.access import Permission
from modelward.entrances.open_inference.answers import outputs_of

if TYPE_CHECKING:
    from modelward.access import Actor
    from modelward.serving import Deployment, Readiness

ANY = -1
READY, UNAVAILABLE = "READY", "UNAVAILABLE"


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


class IndexedModel(msgspec.Struct):
    """A model with a live version. `state` is READY or UNAVAILABLE; `reason` says what is wrong."""

    name: str
    version: str
    state: str
    reason: str


def server_metadata() -> ServerMetadata:
    """The server's name, version, and what it offers beyond the protocol's required part."""
    return ServerMetadata("modelward", __version__, ["binary_tensor_data", "model_repository"])


def model_metadata(deployment: Deployment) -> ModelMetadata:
    """What a live version takes and gives."""
    interface, version = deployment.interface, deployment.version
    inputs = [
        TensorMetadata(feature.name, feature.sort.datatype, [ANY, *feature.sort.tensor(feature)]) for feature in interface.features
    ]
    outputs = [
        TensorMetadata(name, "BYTES" if is_text else "FP32", [ANY, *shape]) for name, is_text, shape in outputs_of(interface)
    ]
    return ModelMetadata(version.model, [str(version.number)], "onnxruntime_onnx", inputs, outputs)


def repository_index(found: Sequence[Readiness], actor: Actor, *, is_ready: bool) -> list[IndexedModel]:
    """The models with a live version that `actor` may ask; with `is_ready` only those that answer."""
    return [
        IndexedModel(each.model, each.version.rpartition(":")[2], READY if each.is_ready else UNAVAILABLE, each.fault)
        for each in found
        if (each.is_ready or not is_ready) and actor.may(Permission.MODELS_PREDICT, model=each.model)
    ]
