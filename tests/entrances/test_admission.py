# SPDX-License-Identifier: Apache-2.0
"""Who is turned away over HTTP: at once, with 503 and when to come back, and nobody else is."""

import time
from contextlib import ExitStack

import pytest

from entrances.api.house import ROW, Threaded, body, build, client
from entrances.wire import Line, asking
from modelward.access import Role
from serving.engines import Gated, made_for_tests

PREDICT = "/v1/models/gated/predict"
INFLIGHT_LIMIT = 40


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("admission"), engine_threads=1, batch_rows=1, inflight_limit=INFLIGHT_LIMIT)
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


def question(key, age=40.0, **more):
    headers = tuple(f"x-request-{name}: {value}" for name, value in more.items())
    return asking(key, body([{**ROW, "age": age}]), to=PREDICT, headers=headers)


@pytest.fixture
def crowd(server, gate):
    """Callers who wait, the first of whom holds the only slot."""
    with ExitStack() as leaving:

        def come(key, size):
            callers = []
            for _ in range(size):
                callers.append(leaving.enter_context(Line(server.port)))
                callers[-1].send(question(key))
                gate.wait_for(1)
            server.look()
            return callers

        yield come


def test_who_cannot_be_answered_in_time_is_told_at_once_when_to_come_back(house, server, gate, crowd):
    key = house.key()
    before = len(house.logged(event="inference.refused"))
    callers = crowd(key, 30)
    with Line(server.port) as line:
        # 30 calls of 2 ms each at least come before. The same head again and again is refused again and again.
        for _ in range(4):
            line.send(question(key, 77.0, **{"timeout-ms": 20}))
            refused = line.answer()
            assert refused.status == 503
            assert int(refused.headers["retry-after"]) >= 1
            assert "x-request-timeout-ms" in refused.error
        line.send(question(key, 78.0, **{"timeout-ms": 20_000}))
        server.look()
        gate.open()
        assert [caller.answer().status for caller in (*callers, line)] == [200] * 31
    computed = [age for _, ages in gate.calls for age in ages]
    assert 77.0 not in computed
    assert 78.0 in computed
    assert len(house.logged(event="inference.refused")) == before


def test_whose_time_runs_out_is_told_so(house, server, gate):
    """However soon an answer was expected: one call holds the slot longer than anybody could know."""
    with Line(server.port) as line:
        line.send(question(house.key(), **{"timeout-ms": 500}))
        refused = line.answer()
    assert refused.status == 503
    assert "No answer within 0.5 s" in refused.error
    assert int(refused.headers["retry-after"]) >= 1


def wait_for(server, watcher, questions):
    """Until so many are open."""
    with client(server.url, watcher) as http:
        end = time.monotonic() + 20
        while f"modelward_inflight_requests {questions}.0" not in http.get("/metrics").text:
            assert time.monotonic() < end, "they never came"
            time.sleep(0.01)


@pytest.mark.parametrize(("others", "one", "place"), [(0, 9, 1), (9, 0, 31), (5, 5, 31)])
def test_of_one_callers_questions_those_of_greater_priority_go_first(house, server, gate, others, one, place):
    """Also where the head of a question is known from the one before it on its connection."""
    key, watcher = house.key(), house.key(Role.OPERATOR)
    with ExitStack() as leaving:
        lines = [leaving.enter_context(Line(server.port)) for _ in range(32)]
        for _ in range(2):
            gate.close()
            lines[0].send(question(key, 20.0))
            gate.wait_for(1)
            for line in lines[1:-1]:
                line.send(question(key, 30.0, priority=others))
            wait_for(server, watcher, 31)
            lines[-1].send(question(key, 77.0, priority=one))
            wait_for(server, watcher, 32)
            gate.open()
            assert [line.answer().status for line in lines] == [200] * 32
            ages = [age for _, each in gate.calls for age in each]
            assert ages.index(77.0) == place


def test_no_more_questions_wait_than_the_limit_and_who_is_refused_may_ask_again_on_the_same_connection(house, server, gate, crowd):
    key = house.key()
    callers = crowd(key, INFLIGHT_LIMIT)
    with Line(server.port) as line:
        for _ in range(3):
            line.send(question(key))
            refused = line.answer()
            assert (refused.status, int(refused.headers["retry-after"]) >= 1) == (503, True)
            assert "which is the limit" in refused.error
        gate.open()
        assert [caller.answer().status for caller in callers] == [200] * INFLIGHT_LIMIT
        line.send(question(key))
        assert line.answer().status == 200


def test_who_leaves_makes_room_and_is_not_computed(house, server, gate, crowd):
    key = house.key()
    callers = crowd(key, INFLIGHT_LIMIT)
    for caller in callers[1:20]:
        caller.drop()
    server.look()
    late = crowd(key, 19)
    gate.open()
    assert [caller.answer().status for caller in (callers[0], *callers[20:], *late)] == [200] * INFLIGHT_LIMIT
    assert len(gate.calls) == INFLIGHT_LIMIT


def test_a_question_whose_head_is_known_waits_for_the_one_before_it_on_its_connection(house, server, gate):
    key = house.key()
    quick, slow = asking(key), question(key)
    with Line(server.port) as line:
        for _ in range(4):
            line.send(quick)
            assert line.answer().headers["x-modelward-model"] == "income:1"
        line.send(slow)
        gate.wait_for(1)
        line.send(quick)
        server.look()
        # Its answer would be there by now.
        with Line(server.port) as another:
            another.send(quick)
            assert another.answer().status == 200
        gate.open()
        assert [line.answer().headers["x-modelward-model"] for _ in range(2)] == ["gated:1", "income:1"]


@pytest.mark.parametrize("header", ["x-request-timeout-ms: soon", "x-request-timeout-ms: 0", "x-request-priority: 10"])
def test_a_header_that_says_nothing_is_refused_by_its_name(house, server, header):
    with Line(server.port) as line:
        line.send(asking(house.key(), headers=(header,)))
        refused = line.answer()
    assert refused.status == 400
    assert header.partition(":")[0] in refused.error
