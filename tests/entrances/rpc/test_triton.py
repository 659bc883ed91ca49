# SPDX-License-Identifier: Apache-2.0
"""NVIDIA's client over gRPC, as it is, asks a real server."""

import asyncio
import json
import time

import grpc
import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from entrances.triton import KINDS, ROWS, SPOTS, block, columns, refusals, served, texts
from modelward.access import Role
from serving.locking import locked


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("triton")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    opened = triton.InferenceServerClient(server.rpc)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.rpc) as opened:
        yield opened


@pytest.fixture(scope="module")
def stub(channel):
    """The generated client of the protocol, without NVIDIA's code around it."""
    return service_pb2_grpc.GRPCInferenceServiceStub(channel)


def records(server, rows):
    """What the records protocol says to the same rows."""
    answer = httpx.post(f"http://{server.http}/v1/models/income/predict", json={"rows": rows}, headers=server.headers)
    return answer.raise_for_status().json()["predictions"]


def test_it_finds_the_server_and_its_models(server, client):
    headers = server.headers
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("points", headers=headers)
    assert client.is_model_ready("points", "1", headers=headers)
    assert not client.is_model_ready("points", "2", headers=headers)
    assert not client.is_model_ready("nobody", headers=headers)
    assert client.get_server_metadata(headers=headers).name == "modelward"
    told = client.get_model_metadata("income", headers=headers)
    assert [(given.name, given.datatype, list(given.shape)) for given in told.inputs] == [
        ("age", "FP32", [-1, 1]),
        ("hours", "FP32", [-1, 1]),
        ("sector", "BYTES", [-1, 1]),
    ]
    assert [(given.name, list(given.shape)) for given in told.outputs] == [("label", [-1]), ("probabilities", [-1, 2])]
    index = client.get_model_repository_index(headers=headers)
    assert [(each.name, each.version, each.state) for each in index.models] == [("income", "1", "READY"), ("points", "1", "READY")]
    own = {"x-api-key": server.house.key(models=("points",))}
    assert [each.name for each in client.get_model_repository_index(headers=own).models] == ["points"]


@pytest.mark.parametrize("datatype", KINDS)
def test_every_datatype_of_numbers_is_taken(server, client, datatype):
    given, sides = block(triton, datatype)
    answer = client.infer("points", [given], headers=server.headers)
    assert answer.as_numpy("probabilities")[:, 1] == pytest.approx(sides, abs=1e-6)
    assert texts(answer.as_numpy("label")) == ["above" if side > 0.5 else "below" for side in sides]


def test_numbers_and_texts_are_answered_as_everywhere(server, client):
    wanted = [triton.InferRequestedOutput(name) for name in ("probabilities", "label")]
    answer = client.infer("income", columns(triton), outputs=wanted, request_id="mine", headers=server.headers)
    told = answer.get_response()
    assert (told.id, told.model_name, told.model_version) == ("mine", "income", "1")
    assert [output.name for output in told.outputs] == ["probabilities", "label"]
    assert json.loads(told.parameters["unfamiliar"].string_param) == [[], ["sector"], []]
    expected = records(server, ROWS)
    assert texts(answer.as_numpy("label")) == [each["label"] for each in expected]
    assert answer.as_numpy("probabilities").tolist() == [list(each["probabilities"].values()) for each in expected]


def test_typed_contents_are_answered_with_typed_contents(server, stub):
    asked = service_pb2.ModelInferRequest(model_name="income")
    for name, datatype, field in (("age", "FP64", "fp64_contents"), ("hours", "INT32", "int_contents"), ("sector", "BYTES", "")):
        tensor = asked.inputs.add(name=name, datatype=datatype, shape=[len(ROWS)])
        values = [row[name] for row in ROWS]
        if field:
            getattr(tensor.contents, field).extend(values)
        else:
            tensor.contents.bytes_contents.extend(value.encode() for value in values)
    answer, call = stub.ModelInfer.with_call(asked, metadata=list(server.headers.items()))
    expected = records(server, ROWS)
    label, probabilities = answer.outputs
    assert not answer.raw_output_contents
    assert [value.decode() for value in label.contents.bytes_contents] == [each["label"] for each in expected]
    assert list(probabilities.contents.fp32_contents) == [value for each in expected for value in each["probabilities"].values()]
    assert answer.id == dict(call.trailing_metadata())["x-request-id"]


def test_each_answer_says_who_answered_and_where_it_stands_in_the_ledger(server, stub):
    asked = service_pb2.ModelInferRequest(model_name="points")
    asked.inputs.add(name="p", datatype="FP32", shape=[1, 3])
    asked.raw_input_contents.append(np.array(SPOTS[0], dtype="<f4").tobytes())
    answer, call = stub.ModelInfer.with_call(asked, metadata=list(server.headers.items()))
    said = dict(call.trailing_metadata())
    assert said["x-modelward-model"] == "points:1"
    (entry,) = server.house.logged(request=said["x-request-id"], event="inference.answered")
    assert entry.index == int(said["x-modelward-ledger-index"])
    key = server.house.platform.ledger.request_key(said["x-request-id"])
    assert entry.facts["input"] == key.commitment(asked.SerializeToString())
    assert entry.facts["output"] == key.commitment(answer.SerializeToString())


def test_health_is_told_without_a_key(channel):
    check = health_pb2_grpc.HealthStub(channel).Check
    for service in ("", "inference.GRPCInferenceService", "grpc.health.v1.Health"):
        assert check(health_pb2.HealthCheckRequest(service=service)).status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refused:
        check(health_pb2.HealthCheckRequest(service="nothing"))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        *refusals(triton, unauthenticated="UNAUTHENTICATED", not_found="NOT_FOUND", invalid="INVALID_ARGUMENT"),
        ({"model_version": "seven"}, "NOT_FOUND", "is not the number of a version"),
        ({"compression_algorithm": "gzip"}, "UNIMPLEMENTED", "gzip"),
    ],
)
def test_what_is_refused_is_told_in_words(server, client, change, status, words):
    given, _ = block(triton)
    asked = {"model_name": "points", "inputs": [given], "headers": server.headers} | change
    with pytest.raises(InferenceServerException, match=words) as refused:
        client.infer(**asked)
    assert refused.value.status() == f"StatusCode.{status}"


def test_whoever_may_not_ask_is_refused_and_on_record(server, client):
    given, _ = block(triton)
    for key in (server.house.key(Role.AUDITOR), server.house.key(models=("income",))):
        with pytest.raises(InferenceServerException) as refused:
            client.infer("points", [given], headers={"x-api-key": key})
        assert refused.value.status() == "StatusCode.PERMISSION_DENIED"
    until = time.monotonic() + 10
    while sum(entry.facts["error"] == "NotPermittedError" for entry in server.house.logged(event="inference.refused")) < 2:
        assert time.monotonic() < until, "refusals are put on record without letting the caller wait"
        time.sleep(0.02)


def test_limits_are_those_of_http(server, client):
    rows = np.zeros((65, 3), dtype=np.float32)
    given = triton.InferInput("p", [65, 3], "FP32")
    given.set_data_from_numpy(rows)
    with pytest.raises(InferenceServerException, match="65 rows; 64 is the most") as refused:
        client.infer("points", [given], headers=server.headers)
    assert refused.value.status() == "StatusCode.RESOURCE_EXHAUSTED"
    given = triton.InferInput("p", [20_000, 3], "FP32")
    given.set_data_from_numpy(np.zeros((20_000, 3), dtype=np.float32))
    with pytest.raises(InferenceServerException, match="larger than max") as refused:
        client.infer("points", [given], headers=server.headers)
    assert refused.value.status() == "StatusCode.RESOURCE_EXHAUSTED"


@pytest.mark.parametrize(
    "method", ["ModelConfig", "ModelStatistics", "RepositoryModelLoad", "SystemSharedMemoryStatus", "TraceSetting"]
)
def test_what_is_triton_s_own_is_not_there(server, channel, method):
    ask = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
    with pytest.raises(grpc.RpcError) as refused:
        ask(b"", metadata=list(server.headers.items()))
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("body", [b"\xff\xff", b"\x0a\x05ab", b"\x00"])
@pytest.mark.parametrize("method", ["ModelInfer", "ModelMetadata", "ModelReady", "RepositoryIndex"])
def test_bytes_that_are_no_message_are_refused(server, channel, method, body):
    ask = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
    with pytest.raises(grpc.RpcError) as refused:
        ask(body, metadata=list(server.headers.items()))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "Use a client of the Open Inference Protocol" in refused.value.details()


def test_a_deadline_is_how_long_the_caller_waits(server, client):
    given, sides = block(triton)
    answer = client.infer("points", [given], headers=server.headers, client_timeout=20)
    assert answer.as_numpy("probabilities")[:, 1] == pytest.approx(sides, abs=1e-6)
    with locked(server.house.settings.home), pytest.raises(InferenceServerException) as refused:
        client.infer("points", [given], headers=server.headers, client_timeout=0.2)
    assert refused.value.status() in {"StatusCode.DEADLINE_EXCEEDED", "StatusCode.RESOURCE_EXHAUSTED"}


def test_the_client_that_awaits_is_answered_alike(server):
    async def ask():
        async with triton_aio.InferenceServerClient(server.rpc) as client:
            assert await client.is_server_ready()
            assert await client.is_model_ready("points", headers=server.headers)
            asked = [block(triton_aio, spots=[[float(at), 1.0, 2.0]]) for at in range(-50, 50)]
            answers = await asyncio.gather(*(client.infer("points", [given], headers=server.headers) for given, _ in asked))
            for (_, sides), answer in zip(asked, answers, strict=True):
                assert answer.as_numpy("probabilities")[:, 1] == pytest.approx(sides, abs=1e-6)
            with pytest.raises(InferenceServerException, match="is not released"):
                await client.infer("nobody", [asked[0][0]], headers=server.headers)

    asyncio.run(ask())


def test_what_was_asked_is_counted(server):
    metrics = (
        httpx.get(f"http://{server.http}/metrics", headers={"x-api-key": server.house.key(Role.OPERATOR)}).raise_for_status().text
    )
    counted = [line for line in metrics.splitlines() if "GRPCInferenceService/ModelInfer" in line and 'status="200"' in line]
    assert counted, metrics


def test_no_value_that_was_sent_is_in_the_log(server):
    assert "unheard of" not in server.process.errors()
    assert "Traceback" not in server.process.errors()
