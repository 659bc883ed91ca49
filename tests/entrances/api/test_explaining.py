# SPDX-License-Identifier: Apache-2.0
"""An explanation over HTTP: how urgent it is, who left before it, and what of it is on record."""

import threading
import time

import pytest

from entrances.api.house import Threaded, body, client
from entrances.wire import Line, asking

EXPLAIN = "/v1/models/income/explain"


@pytest.fixture
def server_of_explanations(house, monkeypatch):
    with Threaded(house.settings) as running:
        explanations = running._server._gateway._explanations
        explain, begun, may_end = explanations.explain, [], threading.Event()

        def explain_held(*asked, **more):
            begun.append(more["request"])
            assert may_end.wait(30)
            return explain(*asked, **more)

        monkeypatch.setattr(explanations, "explain", explain_held)
        yield running, begun, may_end
        may_end.set()


def until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def explained(house):
    return len(house.logged(event="inference.explained"))


def test_who_left_is_not_explained_and_not_on_record(house, server_of_explanations):
    server, begun, may_end = server_of_explanations
    key, before = house.key(), explained(house)
    with Line(server.port) as first:
        first.send(asking(key, to=EXPLAIN))
        until(lambda: begun)
        gone = [Line(server.port) for _ in range(5)]
        for line in gone:
            line.send(asking(key, to=EXPLAIN))
        until(lambda: len(server._server._gateway._answering.open) == 6)
        for line in gone:
            line.drop()
        until(lambda: len(server._server._gateway._answering.open) == 1)
        may_end.set()
        assert first.answer().status == 200
    with client(server.url, key) as http:
        assert http.post(EXPLAIN, content=body()).status_code == 200
    assert len(begun) == 2
    assert explained(house) == before + 2


def test_an_explanation_that_takes_longer_than_its_caller_waits_is_given_up(house, server_of_explanations):
    server, begun, _ = server_of_explanations
    with client(server.url, house.key()) as http:
        refused = http.post(EXPLAIN, content=body(), headers={"x-request-timeout-ms": "200"})
    assert (refused.status_code, len(begun)) == (503, 1)
    assert "No answer within 0.2 s" in refused.json()["error"]
    assert int(refused.headers["retry-after"]) >= 1


@pytest.mark.parametrize("name", ["x-request-timeout-ms", "x-request-priority"])
def test_an_urgency_that_says_nothing_is_refused_by_its_name(house, server, name):
    with client(server.url, house.key()) as http:
        refused = http.post(EXPLAIN, content=body(), headers={name: "soon"})
    assert refused.status_code == 400
    assert name in refused.json()["error"]


def test_a_question_why_that_cannot_be_read_is_on_record_as_refused(house, server):
    with client(server.url, house.key()) as http:
        refused = http.post(EXPLAIN, content=b'{"rows": [')
    assert refused.status_code == 400

    def facts():
        asked = refused.headers["x-request-id"]
        return [entry.facts["error"] for entry in house.logged(event="inference.refused") if entry.request == asked]

    until(facts)
    assert facts() == ["MalformedBodyError"]
