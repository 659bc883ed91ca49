# SPDX-License-Identifier: Apache-2.0
"""The messages that are made here are those that others have generated: same names, same numbers, same bytes."""

import pytest
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2
from tritonclient.grpc import service_pb2

from modelward.entrances.rpc.messages import HEALTH, INFERENCE, message


def theirs(name):
    found = health_pb2 if name in HEALTH else service_pb2
    for part in name.split("."):
        found = getattr(found, part)
    return found


def fields(kind):
    return [
        (
            field.name,
            field.number,
            # An enumeration is an int32 on the wire.
            field.TYPE_INT32 if field.type == field.TYPE_ENUM else field.type,
            field.is_repeated,
            field.message_type.full_name if field.message_type else "",
            field.containing_oneof.name if field.containing_oneof else "",
        )
        for field in kind.DESCRIPTOR.fields
    ]


@pytest.mark.parametrize("name", [*INFERENCE, *HEALTH])
def test_a_message_has_the_fields_that_others_know(name):
    assert fields(message(name)) == fields(theirs(name))
    assert message(name).DESCRIPTOR.full_name == theirs(name).DESCRIPTOR.full_name


def test_a_wrong_number_would_be_seen():
    assert fields(message("ModelReadyRequest")) != fields(theirs("ModelMetadataResponse"))


def test_what_others_write_is_read_and_written_alike():
    asked = service_pb2.ModelInferRequest(model_name="income", model_version="3", id="7")
    asked.parameters["binary"].bool_param = True
    asked.parameters["of"].uint64_param = 2**63
    tensor = asked.inputs.add(name="age", datatype="FP32", shape=[2, 1])
    tensor.contents.fp32_contents.extend([1.5, -2.25])
    tensor.parameters["note"].string_param = "ä"
    asked.outputs.add(name="label").parameters["classification"].int64_param = 3
    asked.raw_input_contents.extend([b"", b"\x00\xff"])
    read = message("ModelInferRequest").FromString(asked.SerializeToString(deterministic=True))
    assert MessageToDict(read) == MessageToDict(asked)
    assert read.SerializeToString(deterministic=True) == asked.SerializeToString(deterministic=True)
