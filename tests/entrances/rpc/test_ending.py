# SPDX-License-Identifier: Apache-2.0
"""The port of gRPC as part of the process: it is there when asked for, it ends with the rest, and it fails closed."""

import contextlib
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from entrances.api.house import Process
from entrances.triton import served


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("rpc"), request_timeout_seconds=3) as running:
        yield running


@pytest.fixture(scope="module")
def stub(server):
    with grpc.insecure_channel(server.rpc) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def question():
    asked = service_pb2.ModelInferRequest(model_name="points")
    asked.inputs.add(name="p", datatype="FP32", shape=[1, 3])
    asked.raw_input_contents.append(np.array([1, 2, 3], dtype="<f4").tobytes())
    return asked


@contextlib.contextmanager
def ledger_held(server):
    """Nothing can be put on record, so that no answer leaves."""
    writer = sqlite3.connect(server.house.settings.home / "modelward.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        writer.execute("ROLLBACK")
        writer.close()


def answered(server) -> int:
    return len(server.house.logged(event="inference.answered"))


def test_calls_that_are_open_are_answered_when_it_is_asked_to_end(tmp_path):
    with served(tmp_path) as server, grpc.insecure_channel(server.rpc) as channel:
        stub, said = service_pb2_grpc.GRPCInferenceServiceStub(channel), list(server.headers.items())
        with ledger_held(server):
            calls = [stub.ModelInfer.future(question(), metadata=said) for _ in range(5)]
            time.sleep(0.5)
            assert not any(call.done() for call in calls)
            server.process.signal(signal.SIGTERM)
            time.sleep(0.3)
        assert [len(call.result().outputs) for call in calls] == [2] * 5
        assert server.process.wait() == 0
        assert answered(server) == 5
        assert "Traceback" not in server.process.errors()


def test_a_call_that_was_cancelled_is_not_on_record(server, stub):
    said, before = list(server.headers.items()), answered(server)
    with ledger_held(server):
        first = stub.ModelInfer.future(question(), metadata=said)
        time.sleep(0.3)
        # The writer is at work on the first; the others wait behind it.
        others = [stub.ModelInfer.future(question(), metadata=said) for _ in range(4)]
        time.sleep(0.3)
        for call in others:
            call.cancel()
        time.sleep(0.3)
    assert len(first.result().outputs) == 2
    assert len(stub.ModelInfer(question(), metadata=said).outputs) == 2
    assert answered(server) == before + 2


def test_a_deadline_that_passes_is_told(server, stub):
    with ledger_held(server), pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(question(), metadata=list(server.headers.items()), timeout=0.5)
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_no_answer_leaves_that_is_not_on_record(server, stub):
    before = answered(server)
    with ledger_held(server), pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(question(), metadata=list(server.headers.items()))
    assert refused.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    assert answered(server) == before
    assert len(stub.ModelInfer(question(), metadata=list(server.headers.items())).outputs) == 2


def test_several_workers_answer_on_one_port_and_keep_one_ledger(tmp_path):
    with served(tmp_path, workers=2) as server:
        said = list(server.headers.items())
        for at in range(24):
            # Channels to one address share a connection, unless they differ in their options.
            with grpc.insecure_channel(server.rpc, options=[("grpc.use_local_subchannel_pool", 1), ("number", at)]) as channel:
                assert len(service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(question(), metadata=said).outputs) == 2
        assert answered(server) == 24
        assert server.house.platform.ledger.verify().is_sound
        assert server.process.end() == 0


def test_a_port_that_is_taken_is_named(server):
    port = server.rpc.rpartition(":")[2]
    command = [sys.executable, "-m", "modelward", "serve", "--port", "0", "--grpc-port", port]
    ended = subprocess.run(
        [*command, "--home", server.house.settings.home], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 6
    assert f"127.0.0.1:{port} cannot be bound for gRPC" in ended.stderr


def test_it_is_off_unless_it_is_asked_for_and_then_costs_nothing(server):
    def holds_grpc(process) -> bool:
        return "cygrpc" in Path(f"/proc/{process._process.pid}/maps").read_text()

    if not Path("/proc/self/maps").exists():
        pytest.skip("this system does not tell what a process holds")
    assert holds_grpc(server.process)
    with Process(server.house.settings.home) as plain:
        assert not holds_grpc(plain)


def test_the_log_has_no_lines_but_json(server):
    with socket.create_connection(("127.0.0.1", int(server.rpc.rpartition(":")[2]))) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n" + b"\x00" * 100)
        line.settimeout(5)
        with contextlib.suppress(OSError):
            while line.recv(4096):
                pass
    with grpc.insecure_channel(server.rpc, compression=grpc.Compression.Gzip) as channel, pytest.raises(grpc.RpcError):
        service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(question(), metadata=list(server.headers.items()))
    assert [line for line in server.process.errors().splitlines() if not line.startswith("{")] == []
