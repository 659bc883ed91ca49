# SPDX-License-Identifier: Apache-2.0
"""Keys end, artefacts and the ledger break: then no answer leaves."""

import socket
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from entrances.api.house import Threaded, body, build, client
from entrances.asking import until
from modelward.access import Role
from modelward.settings import Settings

PREDICT = "/v1/models/income/predict"


@pytest.fixture
def alone(tmp_path):
    """A house of one's own, to break things in."""
    built = build(tmp_path, receive_timeout_seconds=1.0, request_timeout_seconds=1.0)
    yield built
    built.platform.close()


def test_a_revoked_key_is_refused_while_the_server_runs(house, server):
    with client(server.url, house.key()) as http:
        assert http.post(PREDICT, content=body()).status_code == 200
        key = house.platform.access.keys(by=house.by)[-1]
        house.platform.access.revoke_key(key.id, by=house.by)
        assert http.get("/api/v1/whoami").status_code == 401
        until(lambda: http.post(PREDICT, content=body()).status_code == 401)
    # A server looks this often unless it is told otherwise, so that a revoked key is refused within a second.
    assert Settings().refresh_seconds <= 0.5


def test_an_expired_key_is_refused(house, server):
    with client(server.url, house.key(expires=datetime.now(UTC) + timedelta(seconds=1.0))) as http:
        assert http.post(PREDICT, content=body()).status_code == 200
        until(lambda: http.post(PREDICT, content=body()).status_code == 401)
        assert http.get("/v2/models/income").status_code == 401
        assert http.get("/api/v1/models").status_code == 401


def test_a_tampered_version_is_not_served_and_others_are(alone):
    alone.make_live(alone.register("other"))
    alone.tamper("income:1")
    with Threaded(alone.settings) as server, client(server.url, alone.key()) as http:
        for refused in (http.post(PREDICT, content=body()), http.get("/v2/models/income/ready")):
            assert refused.status_code == 503
            assert "income:1 is released and cannot be opened" in refused.json()["error"]
        assert http.post("/v1/models/other/predict", content=body()).status_code == 200
        assert http.get("/readyz").status_code == 200
    assert [entry.subject for entry in alone.logged(event="inference.answered")] == ["other:1"]


def test_a_running_server_stops_answering_for_a_paused_model_and_says_so_in_every_protocol(alone):
    with Threaded(alone.settings) as server, client(server.url, alone.key(Role.ADMINISTRATOR)) as http:
        assert http.post(PREDICT, content=body()).status_code == 200
        assert http.post("/api/v1/releases/r-1/pause", json={"reason": "x" * 2001}).status_code == 400
        assert http.post("/api/v1/releases/r-1/pause", json={"reason": "wrong units"}).json()["state"] == "paused"
        until(lambda: http.post(PREDICT, content=body()).status_code == 404)
        asked = {
            PREDICT: body(),
            "/v1/models/income/explain": body(),
            "/v2/models/income/infer": b'{"inputs": [{"name": "age", "shape": [1, 1], "datatype": "FP64", "data": [30]}]}',
        }
        for path, content in asked.items():
            refused = http.post(path, content=content)
            assert refused.status_code == 404, path
            assert "'income' is not released. income:1 is paused." in refused.json()["error"]
        assert http.get("/v2/models/income/ready").status_code == 404
        assert http.get("/readyz").status_code == 200
        assert http.post("/api/v1/releases/r-1/promote").json()["state"] == "live"
        until(lambda: http.post(PREDICT, content=body()).status_code == 200)
    assert alone.logged(event="inference.answered")[-1].subject == "income:1"
    assert {entry.facts["error"] for entry in alone.logged(event="inference.refused")} == {"NotServedError"}


def test_a_version_tampered_after_it_was_proposed_does_not_go_live(alone):
    with Threaded(alone.settings) as server, client(server.url, alone.key(Role.ADMINISTRATOR)) as http:
        release = alone.platform.releases.propose(alone.register(weight=0.2), policy="by-purpose", by=alone.by)
        alone.tamper("income:2")
        refused = http.post(f"/api/v1/releases/{release.id}/promote")
        assert refused.status_code == 403
        assert "the signature of income:2 does not verify" in refused.json()["detail"]
        assert http.post(PREDICT, content=body()).json()["version"] == 1


def test_no_answer_leaves_while_the_ledger_is_locked(alone):
    with Threaded(alone.settings) as server, client(server.url, alone.key()) as http:
        assert http.post(PREDICT, content=body()).status_code == 200
        with sqlite3.connect(alone.settings.home / "modelward.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = http.post(PREDICT, content=body())
            other.execute("ROLLBACK")
        other.close()
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "predictions" not in refused.json()
        until(lambda: http.post(PREDICT, content=body()).status_code == 200)
    assert alone.platform.ledger.verify().is_sound


def test_no_answer_leaves_when_the_ledger_was_tampered_with(alone):
    with Threaded(alone.settings) as server, client(server.url, alone.key()) as http:
        assert http.post(PREDICT, content=body()).status_code == 200
        before = len(alone.logged(event="inference.answered"))
        with sqlite3.connect(alone.settings.home / "modelward.db") as other:
            (checkpoint,) = other.execute("SELECT checkpoint FROM ledger_head").fetchone()
            other.execute("UPDATE ledger_head SET checkpoint = ?", (checkpoint.replace("\n", "\n1", 1),))
        other.close()
        refused = http.post(PREDICT, content=body())
        assert refused.status_code == 503
        assert "no answer is given that is not on record" in refused.json()["error"]
        assert http.get("/readyz").status_code == 503
        assert http.get("/livez").status_code == 200
    assert len(alone.logged(event="inference.answered")) == before


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /v1/models/income/pre",
        b"POST /v1/models/income/predict HTTP/1.1\r\nHost: here\r\nX-Slow: ",
        b"POST /v1/models/income/predict HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer %b\r\nContent-Length: 99\r\n\r\n{",
    ],
    ids=["nothing", "path", "head", "body"],
)
def test_a_request_that_stops_coming_is_dropped(alone, begun):
    key = alone.key()
    with Threaded(alone.settings) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(begun.replace(b"%b", key.encode()))
            # The settings of this house give it a second.
            assert line.recv(1000) == b""
        with client(server.url, key) as http:
            assert http.post(PREDICT, content=body()).status_code == 200
    assert len(alone.logged(event="inference.answered")) == 1
