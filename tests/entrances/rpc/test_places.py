# SPDX-License-Identifier: Apache-2.0
"""A call is there before its message is: whoever opens calls and sends nothing, or slowly, locks nobody else out."""

import contextlib
import re
import socket
import struct
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from entrances.api.house import Process, build
from entrances.triton import free_port
from modelward.access import Role

RECEIVE_SECONDS = 2.0
# With the room beside it, 257 calls are open at once.
INFLIGHT_LIMIT = 1
TOO_MANY = 300
OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAUTHENTICATED = 0, 3, 8, 16
HEALTH = "grpc.health.v1.Health/Check"
READY = "inference.GRPCInferenceService/ServerReady"
MODEL_READY, INFER = "inference.GRPCInferenceService/ModelReady", "inference.GRPCInferenceService/ModelInfer"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("places"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def server(house):
    port = free_port()
    with Process(
        house.settings.home,
        grpc_port=port,
        inflight_limit=INFLIGHT_LIMIT,
        receive_timeout_seconds=RECEIVE_SECONDS,
        keep_alive_seconds=RECEIVE_SECONDS,
        body_limit_bytes=1024,
    ) as running:
        running.rpc = port
        yield running
        assert running.end() == 0
        assert running.errors() == ""


def framed(kind: int, flags: int, stream: int, data: bytes = b"") -> bytes:
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(data))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + data


def heads(method: str, key: str = "") -> bytes:
    """The head of a call, in literals that no table is needed for (RFC 7541, section 6.2.2)."""
    said = {":method": "POST", ":scheme": "http", ":path": f"/{method}", ":authority": "here"}
    said |= {"content-type": "application/grpc", "te": "trailers"} | ({"authorization": f"Bearer {key}"} if key else {})
    pairs = [(name.encode(), value.encode()) for name, value in said.items()]
    return b"".join(bytes((0, len(name))) + name + bytes((len(value),)) + value for name, value in pairs)


class Caller:
    """One connection, frame by frame."""

    def __init__(self, server) -> None:
        self._line = socket.create_connection(("127.0.0.1", server.rpc), timeout=20)
        self._line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + framed(SETTINGS, 0, 0))
        self._seen = b""

    def call(self, method: str, key: str = "", *, calls: int = 1, flags: int = END_HEADERS) -> None:
        """Open calls, without a message."""
        self._line.sendall(b"".join(framed(HEADERS, flags, 1 + 2 * at, heads(method, key)) for at in range(calls)))

    def send(self, data: bytes, *, flags: int = 0) -> None:
        """A part of the first call's message."""
        self._line.sendall(framed(DATA, flags, 1, data))

    def status(self, *, within_seconds: float = 20) -> int | None:
        """That of the first call that ends; None as long as none does."""
        end = time.monotonic() + within_seconds
        while (found := re.search(rb"grpc-status([\x01\x02])(\d\d?)", self._seen)) is None:
            self._line.settimeout(max(end - time.monotonic(), 1e-6))
            try:
                data = self._line.recv(4096)
            except (TimeoutError, BlockingIOError):
                return None
            assert data, "the connection was closed"
            self._seen += data
        return int(found[2][: found[1][0]])

    def is_let_go(self, *, within_seconds: float = 20) -> bool:
        self._line.settimeout(within_seconds)
        with contextlib.suppress(ConnectionError):
            try:
                while self._line.recv(4096):
                    pass
            except TimeoutError:
                return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_fault):
        self._line.close()


def message(name: str) -> bytes:
    said = service_pb2.ModelReadyRequest(name=name).SerializeToString()
    return b"\0" + struct.pack(">I", len(said)) + said


def answers(server, key: str) -> bool:
    """Whether health is told to anybody, and somebody who is known is answered."""
    with grpc.insecure_channel(f"127.0.0.1:{server.rpc}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        asked = service_pb2.ModelReadyRequest(name="income")
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        told = stub.ModelReady(asked, metadata=[("authorization", f"Bearer {key}")], timeout=10)
    return health.status == health_pb2.HealthCheckResponse.SERVING and told.ready


@pytest.mark.parametrize(
    ("method", "is_known", "told"),
    [
        (INFER, False, UNAUTHENTICATED),
        (HEALTH, False, RESOURCE_EXHAUSTED),
        (READY, False, RESOURCE_EXHAUSTED),
        (INFER, True, RESOURCE_EXHAUSTED),
    ],
)
def test_who_opens_calls_and_sends_nothing_locks_nobody_out(server, house, method, is_known, told):
    key = house.key()
    with Caller(server) as one, Caller(server) as other:
        for caller in (one, other):
            caller.call(method, key if is_known else "", calls=TOO_MANY // 2)
        # Those whose message is waited for longest give way; which connection was read first, nobody knows.
        until = time.monotonic() + 20
        while told not in {caller.status(within_seconds=0.05) for caller in (one, other)}:
            assert time.monotonic() < until
        assert answers(server, key)


@pytest.mark.parametrize("key", ["", "mw_wrong"])
def test_a_wrong_key_is_told_before_any_message_is_there(server, key):
    with Caller(server) as caller:
        caller.call(INFER, key)
        assert caller.status() == UNAUTHENTICATED


@pytest.mark.parametrize("method", [MODEL_READY, HEALTH])
def test_a_message_that_comes_byte_by_byte_does_not_keep_a_call_open(server, house, method):
    with Caller(server) as caller:
        caller.call(method, house.key())
        caller.send(b"\0\0\0\3\0")
        assert caller.status(within_seconds=RECEIVE_SECONDS / 4) is None
        began = time.monotonic()
        while (status := caller.status(within_seconds=RECEIVE_SECONDS / 10)) is None:
            caller.send(b"x")
            assert time.monotonic() - began < 20 * RECEIVE_SECONDS
        assert status == INVALID_ARGUMENT


def test_a_message_that_takes_a_while_is_answered(server, house):
    with Caller(server) as caller:
        caller.call(MODEL_READY, house.key())
        said = message("income")
        caller.send(said[:7])
        assert caller.status(within_seconds=RECEIVE_SECONDS / 4) is None
        caller.send(said[7:], flags=END_STREAM)
        assert caller.status() == OK


def test_a_call_without_a_message_is_told_so(server, house):
    with Caller(server) as caller:
        caller.call(MODEL_READY, house.key(), flags=END_HEADERS | END_STREAM)
        assert caller.status() == INVALID_ARGUMENT


def asked_anew(server, key: str) -> int | None:
    with Caller(server) as caller:
        caller.call(MODEL_READY, key)
        caller.send(message("income"), flags=END_STREAM)
        return caller.status()


def test_a_key_that_is_revoked_while_the_message_comes_opens_nothing(tmp_path):
    house, port = build(tmp_path), free_port()
    access = house.platform.access
    made = access.create_key("leaving", role=Role.CALLER, by=house.by)
    with Process(house.settings.home, grpc_port=port, refresh_seconds=0.05) as running:
        running.rpc = port
        with Caller(running) as caller:
            caller.call(MODEL_READY, made.secret)
            assert caller.status(within_seconds=0.2) is None
            access.revoke_key(made.key.id, by=house.by)
            until = time.monotonic() + 20
            while asked_anew(running, made.secret) != UNAUTHENTICATED:
                assert time.monotonic() < until, "the server does not learn that the key was revoked"
            caller.send(message("income"), flags=END_STREAM)
            assert caller.status() == UNAUTHENTICATED
    house.platform.close()


def test_a_connection_on_which_nothing_happens_is_let_go(server):
    with Caller(server) as caller:
        assert caller.is_let_go(within_seconds=30 * RECEIVE_SECONDS)
