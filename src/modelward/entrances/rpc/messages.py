# SPDX-License-Identifier: Apache-2.0
"""The messages of `inference.GRPCInferenceService` and of `grpc.health.v1.Health`, made out of a table of their fields.

Names and numbers of the fields are what is on the wire. Making the classes here, in a pool of their own, ties them to no version of
a code generator, and nobody else's classes of the same names are in their way. Sources: the kserve/open-inference-protocol and
grpc/grpc-proto specifications.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import DescriptorProto

_TENSOR = "string name = 1; string datatype = 2; repeated int64 shape = 3"
_TENSOR_DATA = f"{_TENSOR}; map InferParameter parameters = 4; InferTensorContents contents = 5"
# A message in another stands under the other's name. The fields of `InferParameter` exclude each other.
INFERENCE = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live = 1",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready = 1",
    "ModelReadyRequest": "string name = 1; string version = 2",
    "ModelReadyResponse": "bool ready = 1",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name = 1; string version = 2; repeated string extensions = 3",
    "ModelMetadataRequest": "string name = 1; string version = 2",
    "ModelMetadataResponse": "string name = 1; repeated string versions = 2; string platform = 3; "
    "repeated ModelMetadataResponse.TensorMetadata inputs = 4; repeated ModelMetadataResponse.TensorMetadata outputs = 5",
    "ModelMetadataResponse.TensorMetadata": _TENSOR,
    "InferParameter": "bool bool_param = 1; int64 int64_param = 2; string string_param = 3; double double_param = 4; "
    "uint64 uint64_param = 5",
    "InferTensorContents": "repeated bool bool_contents = 1; repeated int32 int_contents = 2; repeated int64 int64_contents = 3; "
    "repeated uint32 uint_contents = 4; repeated uint64 uint64_contents = 5; repeated float fp32_contents = 6; "
    "repeated double fp64_contents = 7; repeated bytes bytes_contents = 8",
    "ModelInferRequest": "string model_name = 1; string model_version = 2; string id = 3; map InferParameter parameters = 4; "
    "repeated ModelInferRequest.InferInputTensor inputs = 5; "
    "repeated ModelInferRequest.InferRequestedOutputTensor outputs = 6; repeated bytes raw_input_contents = 7",
    "ModelInferRequest.InferInputTensor": _TENSOR_DATA,
    "ModelInferRequest.InferRequestedOutputTensor": "string name = 1; map InferParameter parameters = 2",
    "ModelInferResponse": "string model_name = 1; string model_version = 2; string id = 3; map InferParameter parameters = 4; "
    "repeated ModelInferResponse.InferOutputTensor outputs = 5; repeated bytes raw_output_contents = 6",
    "ModelInferResponse.InferOutputTensor": _TENSOR_DATA,
    "RepositoryIndexRequest": "string repository_name = 1; bool ready = 2",
    "RepositoryIndexResponse": "repeated RepositoryIndexResponse.ModelIndex models = 1",
    "RepositoryIndexResponse.ModelIndex": "string name = 1; string version = 2; string state = 3; string reason = 4",
}
_CHOICE = {"InferParameter": "parameter_choice"}
# The status is an enumeration, which is an int32 on the wire.
HEALTH = {"HealthCheckRequest": "string service = 1", "HealthCheckResponse": "int32 status = 1"}


@cache
def message(name: str) -> Any:
    """The class of a message, such as `ModelInferRequest`."""
    from google.protobuf.message_factory import GetMessageClass

    package = "grpc.health.v1" if name in HEALTH else "inference"
    return GetMessageClass(_pool().FindMessageTypeByName(f"{package}.{name}"))


@cache
def _pool() -> Any:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool()
    for package, messages in (("inference", INFERENCE), ("grpc.health.v1", HEALTH)):
        file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
        made: dict[str, DescriptorProto] = {}
        # An outer message is made before those in it.
        for full in sorted(messages):
            outer, _, name = full.rpartition(".")
            made[full] = (made[outer].nested_type if outer else file.message_type).add(name=name)
            _fill(made[full], messages[full], f".{package}", full)
        pool.Add(file)
    return pool


def _fill(made: DescriptorProto, fields: str, package: str, full: str) -> None:
    if full in _CHOICE:
        made.oneof_decl.add(name=_CHOICE[full])
    for label, kind, name, number in _fields(fields):
        field = made.field.add(name=name, number=number)
        field.label = field.LABEL_REPEATED if label else field.LABEL_OPTIONAL
        if label == "map":
            entry = made.nested_type.add(name=f"{name.capitalize()}Entry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, label=field.LABEL_OPTIONAL, type=field.TYPE_STRING)
            value = entry.field.add(name="value", number=2, label=field.LABEL_OPTIONAL)
            value.type, value.type_name = field.TYPE_MESSAGE, f"{package}.{kind}"
            field.type, field.type_name = field.TYPE_MESSAGE, f"{package}.{full}.{entry.name}"
        elif kind[0].isupper():
            field.type, field.type_name = field.TYPE_MESSAGE, f"{package}.{kind}"
        else:
            field.type = getattr(field, f"TYPE_{kind.upper()}")
        if full in _CHOICE:
            field.oneof_index = 0


def _fields(text: str) -> Iterator[tuple[str, str, str, int]]:
    """Label, type, name and number of each field of a message."""
    for field in filter(None, text.split("; ")):
        *label, kind, name, _, number = field.split()
        yield "".join(label), kind, name, int(number)
