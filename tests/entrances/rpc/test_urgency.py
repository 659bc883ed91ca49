# SPDX-License-Identifier: Apache-2.0
"""Over gRPC, too, a caller says which questions go first, and how long they wait."""

import time

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from entrances.api.house import Threaded, build, client
from entrances.triton import free_port
from modelward.access import Role
from serving.engines import Gated, made_for_tests


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("urgency"), engine_threads=1, batch_rows=1, grpc_port=free_port())
    built.make_live(built.register("gated"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def server(house):
    with made_for_tests(), Threaded(house.settings) as running:
        yield running


@pytest.fixture
def gate(server):
    with Gated.gate.closed() as gate:
        yield gate


@pytest.fixture
def asks(house, server):
    """Sends a question about somebody of that age, with metadata."""
    key = house.key()
    with grpc.insecure_channel(f"127.0.0.1:{house.settings.grpc_port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)

        def ask(age, **more):
            asked = service_pb2.ModelInferRequest(model_name="gated")
            for name, kind, contents in (
                ("age", "FP32", {"fp32_contents": [age]}),
                ("hours", "FP32", {"fp32_contents": [38]}),
                ("sector", "BYTES", {"bytes_contents": [b"public"]}),
            ):
                asked.inputs.add(name=name, datatype=kind, shape=[1], contents=service_pb2.InferTensorContents(**contents))
            said = [(f"x-request-{name.replace('_', '-')}", value) for name, value in more.items()]
            return stub.ModelInfer.future(asked, metadata=[("authorization", f"Bearer {key}"), *said], timeout=30)

        yield ask


def wait_for(house, server, questions):
    """Until so many are open."""
    with client(server.url, house.key(Role.OPERATOR)) as http:
        end = time.monotonic() + 20
        while f"modelward_inflight_requests {questions}.0" not in http.get("/metrics").text:
            assert time.monotonic() < end, "they never came"
            time.sleep(0.01)


def test_of_one_callers_questions_the_more_urgent_go_first(house, server, gate, asks):
    first = asks(1)
    gate.wait_for(1)
    others = [asks(age, priority=priority) for age, priority in ((2, "0"), (3, "9"), (4, "5"))] + [asks(5)]
    wait_for(house, server, 5)
    gate.open()
    assert all(len(call.result().outputs) == 2 for call in (first, *others))
    ages = [int(age) for _, ages in gate.calls for age in ages]
    assert ages[:3] == [1, 3, 4]
    assert set(ages[3:]) == {2, 5}


def test_whose_time_runs_out_before_the_deadline_of_the_call_is_told_so(gate, asks):
    held = asks(1)
    gate.wait_for(1)
    with pytest.raises(grpc.RpcError) as refused:
        asks(2, timeout_ms="300").result()
    assert refused.value.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert dict(refused.value.trailing_metadata())["retry-after"]
    gate.open()
    assert held.result()


@pytest.mark.parametrize(
    "said", [{"priority": "10"}, {"priority": "-1"}, {"priority": ""}, {"timeout_ms": "0"}, {"timeout_ms": "soon"}]
)
def test_metadata_that_says_nothing_is_refused_by_its_name(asks, said):
    with pytest.raises(grpc.RpcError) as refused:
        asks(1, **said).result()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (name,) = said
    assert f"x-request-{name.replace('_', '-')} takes a whole number" in refused.value.details()
