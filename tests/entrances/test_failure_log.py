# SPDX-License-Identifier: Apache-2.0
"""What the log says of requests that failed: enough to see what is wrong, however many they are, and never a line for each."""

import asyncio
import logging
import sqlite3
from contextlib import ExitStack, closing, contextmanager

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from entrances.api.house import ROW, Threaded, body, build
from entrances.triton import free_port
from entrances.wire import Line, asking
from modelward.entrances.failure_log import FailureLog
from modelward.serving import (
    LedgerUnavailableError,
    ModelUnavailableError,
    OverloadedError,
    ShuttingDownError,
    TooSlowError,
)
from serving.engines import Gated, made_for_tests

INFLIGHT_LIMIT = 3
CANARY = "canary-40d1"
ROUTE = "/v1/models/{model}/predict"
PATHS = ("/v1/models/gated/predict", "/v1/models/gated/explain", "/models/gated/invocations")


class Watched:
    """A log whose seconds are short."""

    def __init__(self, records) -> None:
        self._log = FailureLog(every_seconds=0.001)
        self.records = records

    def note(self, fault, *, status=503, request="") -> None:
        self._log.note(fault, request=request, route=ROUTE, status=status)

    async def lines(self, number) -> list[logging.LogRecord]:
        """So many have been written since the last look."""
        while len(self.records) < number:
            await asyncio.sleep(0.001)
        found = self.records[:]
        self.records.clear()
        return found


def broken(*, first: bool) -> Exception:
    """A fault nobody meant, of one place or of another."""
    try:
        return ValueError(1 / 0 if first else int(CANARY))
    except (ZeroDivisionError, ValueError) as fault:
        return fault


def test_the_first_of_a_kind_is_logged_and_then_how_many_more_there_were(caplog):
    async def fail():
        log = Watched(caplog.records)
        for number in range(1000):
            log.note(LedgerUnavailableError("x"), request=f"r{number}")
        (first,) = await log.lines(1)
        assert (first.getMessage(), first.request, first.route, first.status) == ("request failed", "r0", ROUTE, 503)
        assert first.exc_info[0] is LedgerUnavailableError
        (more,) = await log.lines(1)
        assert (more.getMessage(), more.left_out, more.fault, more.levelname) == (
            "more requests failed",
            999,
            "LedgerUnavailableError",
            "WARNING",
        )
        log.note(LedgerUnavailableError("x"), request="again")
        # Whether that came in time to be counted or after all had passed, it is told.
        (last,) = await log.lines(1)
        assert getattr(last, "left_out", 1) == 1

    asyncio.run(fail())


def test_kinds_are_told_apart_and_faults_that_nobody_meant_by_their_place(caplog):
    async def fail():
        log = Watched(caplog.records)
        for _ in range(10):
            log.note(LedgerUnavailableError("x"))
            log.note(ModelUnavailableError("x"))
            log.note(broken(first=True), status=500)
            log.note(broken(first=False), status=500)
            log.note(None, status=500)
        assert [line.levelname for line in await log.lines(5)] == ["WARNING"] * 2 + ["ERROR"] * 3
        more = await log.lines(5)
        assert [line.left_out for line in more] == [9] * 5
        assert [line.fault for line in more[2:]] == ["ZeroDivisionError", "ValueError", ""]
        assert all("test_failure_log.py" in line.place for line in more[2:4])

    asyncio.run(fail())


def test_one_fault_that_comes_of_two_others_is_two_kinds(caplog):
    async def fail():
        log = Watched(caplog.records)
        for cause in (OSError("x"), sqlite3.OperationalError("x")) * 5:
            fault = LedgerUnavailableError("x")
            fault.__cause__ = cause
            log.note(fault)
        await log.lines(2)
        assert [(line.fault, line.cause, line.left_out) for line in await log.lines(2)] == [
            ("LedgerUnavailableError", "OSError", 4),
            ("LedgerUnavailableError", "OperationalError", 4),
        ]

    asyncio.run(fail())


def test_nothing_is_kept_of_what_has_passed(caplog):
    async def fail():
        log = Watched(caplog.records)
        log.note(LedgerUnavailableError("x"))
        while log._log._left_out:
            await asyncio.sleep(0.001)
        assert len(caplog.records) == 1

    asyncio.run(fail())


@pytest.mark.parametrize(
    "fault", [OverloadedError("x", retry_after_seconds=1), TooSlowError("x"), ShuttingDownError("x"), KeyError("x")]
)
def test_who_is_turned_away_is_counted_and_not_logged(fault, caplog):
    FailureLog().note(fault, request="r", route=ROUTE, status=404 if isinstance(fault, KeyError) else 503)
    assert caplog.records == []


class Doors:
    """A model that answers once its gate is open, asked by every door."""

    def __init__(self, house, server, stub) -> None:
        self.house = house
        self.server = server
        self.key = house.key()
        self._stub = stub

    def http(self, path, *, headers=()) -> int:
        """The status."""
        data = body([ROW]) if path.startswith("/v1/") else b'{"dataframe_records": [{"age": 1, "hours": 2, "sector": "public"}]}'
        kind = ("content-type: application/json",)
        with Line(self.server.port) as line:
            line.send(asking(self.key, data, to=path, headers=(*headers, *kind)))
            return line.answer().status

    def rpc(self, *, seconds=30.0) -> str:
        """The code."""
        asked = service_pb2.ModelInferRequest(model_name="gated")
        for name, datatype, contents in (
            ("age", "FP32", {"fp32_contents": [40]}),
            ("hours", "FP32", {"fp32_contents": [38]}),
            ("sector", "BYTES", {"bytes_contents": [b"public"]}),
        ):
            asked.inputs.add(name=name, datatype=datatype, shape=[1], contents=service_pb2.InferTensorContents(**contents))
        said = [("authorization", f"Bearer {self.key}"), ("x-request-timeout-ms", str(int(seconds * 1000)))]
        with pytest.raises(grpc.RpcError) as refused:
            self._stub.ModelInfer(asked, metadata=said, timeout=30)
        return refused.value.code().name


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    house = build(
        tmp_path_factory.mktemp("log"), engine_threads=1, batch_rows=1, inflight_limit=INFLIGHT_LIMIT, grpc_port=free_port()
    )
    house.make_live(house.register("gated"))
    with made_for_tests(), ExitStack() as leaving:
        server = leaving.enter_context(Threaded(house.settings))
        channel = leaving.enter_context(grpc.insecure_channel(f"127.0.0.1:{house.settings.grpc_port}"))
        yield Doors(house, server, service_pb2_grpc.GRPCInferenceServiceStub(channel))
    house.platform.close()


@contextmanager
def crowd(doors, size):
    """So many callers, who wait until this is left."""
    gate = Gated.gate
    gate.close()
    with ExitStack() as leaving:
        callers = [leaving.enter_context(Line(doors.server.port)) for _ in range(size)]
        for caller in callers:
            caller.send(asking(doors.key, body([ROW]), to=PATHS[0]))
            gate.wait_for(1)
        doors.server.look()
        yield
        gate.open()
        assert [caller.answer().status for caller in callers] == [200] * size


def test_at_no_door_is_it_logged_that_there_is_too_much_to_do(doors, caplog):
    with crowd(doors, INFLIGHT_LIMIT):
        for _ in range(3):
            assert [doors.http(path) for path in PATHS] == [503] * 3
            assert doors.rpc() == "RESOURCE_EXHAUSTED"
    assert caplog.records == []


def test_at_no_door_is_it_logged_that_somebody_could_not_wait(doors, caplog):
    with crowd(doors, 1):
        for path in PATHS[0], PATHS[2]:
            assert doors.http(path, headers=("x-request-timeout-ms: 60",)) == 503
        assert doors.rpc(seconds=0.06) in {"DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
    assert caplog.records == []


def test_a_ledger_that_cannot_be_written_is_one_line_whoever_asks_by_whichever_door(doors, caplog):
    # It lasts as long as the test.
    doors.server._server._premises.telemetry.failures._every_seconds = 600
    with closing(sqlite3.connect(doors.house.settings.home / "modelward.db")) as database:
        database.execute("create trigger full before insert on ledger_entries begin select raise(abort, 'no room'); end")
        for _ in range(3):
            assert [doors.http(path) for path in (PATHS[0], PATHS[2])] == [503] * 2
            assert doors.rpc() == "UNAVAILABLE"
        database.execute("drop trigger full")
    (line,) = [record for record in caplog.records if record.name == "modelward.requests"]
    assert (line.exc_info[0], line.route) == (LedgerUnavailableError, ROUTE)
