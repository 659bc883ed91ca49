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
