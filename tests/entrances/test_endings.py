# SPDX-License-Identifier: Apache-2.0
"""How a server ends, well or badly, in the midst of work: what was answered is on record, and what was taken is answered.

`api/test_process.py` asks it to end with open requests, one by one; here it ends under load.
"""

import itertools
import json
import random
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from entrances.api.house import ROW, Process, Reply, body, build, client
from entrances.asking import until
from entrances.slow_model import make_slow_live
from entrances.triton import free_port
from entrances.wire import PREDICT, Line, asking
from modelward.audit import verify_receipt

SLOW = "/v1/models/slow/predict"


class Lost(NamedTuple):
    """A question that was sent at that moment, so long after the answer before it, and never answered; and whether the
    answer before it said that the connection ends.
    """

    at: float
    silence_seconds: float
    is_told: bool


@dataclass(eq=False)
class Asker(threading.Thread):
    """Asks one question after the other on one connection, until an answer says that the connection ends, or it does."""

    port: int
    request: bytes
    at_once: int = 1
    given: list[Reply] = field(default_factory=list)
    lost: Lost | None = None
    cut: str = ""

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        try:
            with Line(self.port) as line:
                before = time.monotonic()
                while True:
                    is_told, is_sent, sent = False, line.send(self.request * self.at_once), time.monotonic()
                    if not is_sent:
                        self.lost = Lost(sent, sent - before, is_told)
                        return
                    for _ in range(self.at_once):
                        reply = line.answer()
                        if reply is None:
                            self.lost = Lost(sent, sent - before, is_told)
                            return
                        self.given.append(reply)
                        is_told = reply.headers.get("connection") == "close"
                    if is_told:
                        return
                    before = time.monotonic()
        except AssertionError as cut:
            self.cut = str(cut)
        except ConnectionRefusedError:
            return


class Door(threading.Thread):
    """Knocks until nobody opens. `last_open` is when the last knock began that was let in."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.last_open = 0.0

    def run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=5).close()
            except OSError:
                return
            self.last_open = began
            time.sleep(0.002)


@pytest.fixture
def house(tmp_path):
    built = build(tmp_path)
    yield built
    built.platform.close()


def entry_of(reply: Reply) -> tuple[int, str]:
    return int(reply.headers["x-modelward-ledger-index"]), reply.headers["x-request-id"]


def must_be_on_record(house, given: list[Reply]) -> None:
    """Each answer has the entry that it names, and one of its own; the ledger verifies."""
    assert house.platform.ledger.verify().is_sound
    logged = {found.index: found.entry for found in house.platform.ledger.entries(limit=100_000)}
    named = [entry_of(reply) for reply in given if reply.status == 200]
    assert len({index for index, _ in named}) == len(named), "two answers name one entry"
    for index, request in named:
        assert index in logged, f"the answer to {request} names entry {index}, which is not there"
        assert (logged[index].request, logged[index].event) == (request, "inference.answered")
    public = house.platform.ledger.public_key()
    for _, request in named[-5:]:
        assert verify_receipt(house.platform.ledger.receipt(request), public_key=public).entry.request == request


def test_a_check_would_see_an_answer_that_is_not_on_record(house):
    """The control: an answer that names a wrong entry, or an entry twice, is seen."""
    with Process(house.settings.home) as server, Line(server.port) as line:
        line.send(asking(house.key()) * 2)
        first, second = line.answer(), line.answer()
        assert server.end() == 0
    must_be_on_record(house, [first, second])
    exchanged = Reply(200, {**first.headers, "x-modelward-ledger-index": second.headers["x-modelward-ledger-index"]}, b"")
    lost = Reply(200, {**first.headers, "x-modelward-ledger-index": "9999"}, b"")
    for wrong in ([exchanged], [first, second, exchanged], [lost]):
        with pytest.raises(AssertionError):
            must_be_on_record(house, wrong)


@pytest.mark.parametrize("at_once", [1, 4], ids=["one at a time", "four at once"])
def test_when_it_is_asked_to_end_under_load_all_that_was_taken_is_answered(house, at_once):
    make_slow_live(house)
    key = house.key()
    with Process(house.settings.home, shutdown_grace_seconds=10, request_timeout_seconds=20) as server, ExitStack() as stack:
        quick, slow = asking(key), asking(key, body([ROW] * 16), to=SLOW)
        askers = [Asker(server.port, quick, at_once) for _ in range(12)] + [Asker(server.port, slow, at_once) for _ in range(3)]
        door, idle = Door(server.port), [stack.enter_context(Line(server.port)) for _ in range(5)]
        for thread in (*askers, door):
            thread.start()
        while sum(len(asker.given) for asker in askers[:12]) < 500 or not all(asker.given for asker in askers):
            time.sleep(0.01)
        server.signal(signal.SIGTERM)
        door.join()
        assert server.wait() == 0, f"it ends by itself, and well: {server.errors()}"
        for asker in askers:
            asker.join()
        assert all(line.is_closed() for line in idle)
        assert server.errors() == ""
    given = [reply for asker in askers for reply in asker.given]
    assert {reply.status for reply in given} == {200}
    assert [asker.cut for asker in askers if asker.cut] == [], "no answer is cut off"
    lost = [asker.lost for asker in askers if asker.lost is not None]
    # Who sends several at once may be told by an answer that it is the last, and can ask again what stood behind it.
    taken = [one for one in lost if not (at_once > 1 and one.is_told)]
    assert [one for one in taken if one.at < door.last_open] == [], "what was sent while the door was open is answered"
    steady = [one for one in lost if one.silence_seconds < 0.1]
    assert all(one.is_told for one in steady), "who asks steadily is told before the connection ends"
    must_be_on_record(house, given)


def test_what_takes_longer_than_the_grace_is_told_so_and_not_waited_for(house):
    make_slow_live(house)
    key = house.key()
    limits = {"shutdown_grace_seconds": 0.2, "request_timeout_seconds": 60, "engine_threads": 1}
    with Process(house.settings.home, **limits) as server, ExitStack() as stack:
        lines = [stack.enter_context(Line(server.port)) for _ in range(6)]
        for line in lines:
            line.send(asking(key, body([ROW] * 64), to=SLOW))
        time.sleep(0.3)
        server.signal(signal.SIGTERM)
        replies = [line.answer() for line in lines]
        assert server.wait() == 0
    statuses = {reply and reply.status for reply in replies}
    assert statuses <= {200, 503, None}, statuses
    assert statuses & {503, None}, "six answers of half a second each do not fit into a fifth of one"
    assert all(reply.headers["retry-after"] for reply in replies if reply and reply.status == 503)
    must_be_on_record(house, [reply for reply in replies if reply])


@pytest.mark.slow
def test_every_answer_given_before_a_kill_is_on_record_however_often_it_is_killed(house):
    key, given, draw = house.key(), [], random.Random(7)
    for _ in range(5):
        with Process(house.settings.home) as server:
            ages = itertools.cycle(range(20, 60))
            requests = [asking(key, body([{**ROW, "age": next(ages)}] * rows)) for rows in (1, 1, 1, 1, 3, 9, 27, 1)]
            askers = [
                Asker(server.port, request, at_once) for request, at_once in zip(requests, (1, 1, 1, 2, 1, 3, 1, 8), strict=True)
            ]
            for asker in askers:
                asker.start()
            while sum(len(asker.given) for asker in askers) < 50:
                time.sleep(0.002)
            time.sleep(draw.random() * 0.3)
            assert server.end(signal.SIGKILL) == -signal.SIGKILL
            for asker in askers:
                asker.join()
        now = [reply for asker in askers for reply in asker.given]
        assert {reply.status for reply in now} == {200}
        given += now
        must_be_on_record(house, given)
    with Process(house.settings.home) as again, client(again.url, key) as http:
        assert http.post(PREDICT, content=body()).status_code == 200
        assert again.end() == 0


def log_of(house):
    """The write-ahead log of the database."""
    return house.settings.home / "modelward.db-wal"


def fill(server: Process) -> None:
    """No file of the server grows beyond this from now on, nor is anything written that lies behind it: to the ledger the disk is
    full, as for whoever else has no room.
    """
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (60_000, hard))


def make_room(server: Process) -> None:
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


FILLS = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit of another process's files is set the Linux way")


@FILLS
def test_when_the_disk_is_full_no_answer_leaves_and_when_there_is_room_again_they_do(house):
    key = house.key()
    with Process(house.settings.home, request_timeout_seconds=5) as server:
        askers = [Asker(server.port, asking(key)) for _ in range(4)]
        for asker in askers:
            asker.start()
        while sum(len(asker.given) for asker in askers) < 500 or log_of(house).stat().st_size < 200_000:
            time.sleep(0.01)
        fill(server)
        until(lambda: all(asker.given[-1].status == 503 for asker in askers))
        with client(server.url, key) as http:
            refused = http.post(PREDICT, content=body())
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            assert "predictions" not in refused.json()
            assert http.get("/livez").status_code == 200
            make_room(server)
            until(lambda: http.post(PREDICT, content=body()).status_code == 200)
            until(lambda: all(asker.given[-1].status == 200 for asker in askers))
            assert http.get("/readyz").status_code == 200
        assert server.end() == 0
        for asker in askers:
            asker.join()
    given = [reply for asker in askers for reply in asker.given]
    assert {reply.status for reply in given} == {200, 503}
    assert all("predictions" not in json.loads(reply.body) for reply in given if reply.status == 503)
    must_be_on_record(house, given)


@FILLS
def test_while_the_disk_is_full_it_is_not_ready_and_it_is_again_by_itself_when_there_is_room(house):
    port = free_port()
    with (
        Process(house.settings.home, request_timeout_seconds=5, grpc_port=port) as server,
        client(server.url, house.key()) as http,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)

        def told() -> set[bool]:
            """What each door says of whether it is ready."""
            routes = {http.get(path).status_code == 200 for path in ("/readyz", "/v2/health/ready")}
            return routes | {health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING}

        while log_of(house).stat().st_size < 200_000:
            assert http.post(PREDICT, content=body()).status_code == 200
        assert told() == {True}
        fill(server)
        until(lambda: http.post(PREDICT, content=body()).status_code == 503 and told() == {False})
        assert http.get("/livez").status_code == 200
        make_room(server)
        # Nobody asks a model: who balances the load sends no questions to who is not ready.
        until(lambda: told() == {True})
        assert http.post(PREDICT, content=body()).status_code == 200
        assert server.end() == 0
    assert house.platform.ledger.verify().is_sound
    assert house.logged()[-2].event == "ledger.resumed"
