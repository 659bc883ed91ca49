# SPDX-License-Identifier: Apache-2.0
"""Several requests on one connection before the first is answered: who leaves, and who sends too much, while one is under way."""

import time

import pytest

from entrances.api.house import ROW, Threaded, body, build
from entrances.wire import Line, asking
from modelward.serving import ENGINES
from serving.engines import Gate, Gated

SLOW = "/v1/models/gated/predict"
PAGE = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("turns"), engine_threads=1, batch_rows=1)
    built.make_live(built.register("gated"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def server(house):
    with pytest.MonkeyPatch.context() as patching:
        patching.setitem(ENGINES.places, "onnx", "serving.engines:engine_of")
        Gated.gate = Gate()
        with Threaded(house.settings) as running:
            yield running


@pytest.fixture(scope="module")
def key(house):
    return house.key()


@pytest.fixture
def gate(server):
    Gated.gate.close()
    yield Gated.gate
    Gated.gate.open()


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def answered(house) -> int:
    return len(house.logged(event="inference.answered"))


@pytest.mark.parametrize("behind", [b"", b"a question", b"two questions", b"a page", b"a page and a question"])
def test_nothing_is_answered_to_who_has_left_whatever_waits_behind_what_is_under_way(house, server, key, gate, behind):
    question = asking(key, to=SLOW)
    sent = {b"a question": question, b"two questions": question * 2, b"a page": PAGE, b"a page and a question": PAGE + question}
    connections = server._server.server_state.connections
    before = answered(house)
    with Line(server.port) as other:
        # It holds the only slot.
        other.send(asking(key, body([{**ROW, "age": 20.0}]), to=SLOW))
        gate.wait_for(1)
        leaving = Line(server.port)
        leaving.send(question + sent.get(behind, b""))
        until(lambda: len(connections) == 2)
        server.look()
        leaving.drop()
        until(lambda: len(connections) == 1)
        gate.open()
        assert other.answer().status == 200
        other.send(asking(key))
        assert other.answer().status == 200
    until(lambda: not connections)
    assert answered(house) == before + 2


def test_what_came_before_a_client_stopped_reading_is_answered_in_turn_once_it_has_read_on(server, key):
    loop = server._server.servers[0].get_loop()
    asked = asking("mw_nobody") + asking(key) + PAGE + asking("mw_nobody") + asking(key) + PAGE
    with Line(server.port) as line:
        line.send(asking(key))
        assert line.answer().status == 200
        (connection,) = server._server.server_state.connections
        # As the transport tells it that its buffer is full, and later that it is not.
        loop.call_soon_threadsafe(connection.pause_writing)
        loop.call_soon_threadsafe(connection.data_received, asked)
        server.look()
        assert connection.flow.read_paused
        loop.call_soon_threadsafe(connection.resume_writing)
        assert [line.answer().status for _ in range(6)] == [401, 200, 200, 401, 200, 200]
        line.send(asking(key))
        assert line.answer().status == 200


@pytest.mark.parametrize("kind", ["questions", "pages", "refusals"])
def test_who_lets_too_many_wait_is_sent_away_and_nothing_of_it_is_kept(house, server, key, gate, kind):
    connections = server._server.server_state.connections
    before = answered(house)
    many = {"questions": asking(key), "pages": PAGE, "refusals": asking("mw_nobody")}[kind] * 3000
    with Line(server.port) as line:
        line.send(asking(key, to=SLOW))
        gate.wait_for(1)
        server.look()
        (connection,) = connections
        line.send(many)
        assert line.is_closed()
        assert len(connection.pipeline) < 50
    until(lambda: not connections)
    gate.open()
    with Line(server.port) as line:
        line.send(asking(key, to=SLOW))
        assert line.answer().status == 200
    assert answered(house) == before + 1


FAULTY = {
    "no HTTP": lambda _key: b"GARBAGE\r\n\r\n",
    "more than the length says": lambda _key: b"}}\n",
    "a head too large": lambda _key: b"GET / HTTP/1.1\r\nX-Much: " + b"y" * 60_000 + b"\r\n\r\n",
    "a question in chunks that are none": lambda key: asking(key, b"zz\r\n", headers=("Transfer-Encoding: chunked",)),
    "a page with chunks that are none": lambda _key: PAGE[:-2] + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("ahead", [1, 3])
@pytest.mark.parametrize("kind", FAULTY)
def test_who_asked_well_before_is_answered_and_no_refusal_is_taken_for_the_answer(house, server, key, gate, ahead, kind):
    before = answered(house)
    with Line(server.port) as line:
        line.send(asking(key, to=SLOW) + asking(key) * (ahead - 1) + FAULTY[kind](key) + asking(key))
        gate.wait_for(1)
        server.look()
        line.send(asking(key))
        server.look()
        gate.open()
        replies = list(line.answers())
    assert [reply.status for reply in replies] == [200] * ahead
    assert [reply.headers["x-modelward-model"] for reply in replies] == ["gated:1", *["income:1"] * (ahead - 1)]
    assert replies[-1].headers["connection"] == "close"
    assert answered(house) == before + ahead


def test_a_page_that_is_under_way_is_answered_before_the_connection_ends_for_what_follows_it(server):
    with Line(server.port) as line:
        line.send(PAGE + b"GARBAGE\r\n\r\n")
        assert [reply.status for reply in line.answers()] == [200]
