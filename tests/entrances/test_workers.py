# SPDX-License-Identifier: Apache-2.0
"""Several worker processes on one port keep the promises that one keeps: one ledger, keys and releases, metrics, a good end."""

import contextlib
import os
import signal
from datetime import UTC, datetime, timedelta

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from entrances.api.house import ROW, Process, build, client
from entrances.api.test_process import Half, refuses
from entrances.asking import PREDICT, Callers, body, until
from entrances.console.conftest import csrf_in
from modelward.access import Role, local_actor

ROUTE = "/v1/models/{model}/predict"
CONNECTIONS = 24


@pytest.fixture
def house(tmp_path):
    """A home of its own, for what ends badly."""
    built = build(tmp_path)
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("shared"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def crew(shared):
    """Two workers over the shared home."""
    with Process(shared.settings.home, workers=2) as server:
        yield server


@contextlib.contextmanager
def connections(url, key, count=CONNECTIONS):
    """Clients with a connection each, which stays: enough of them that each worker has some."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(client(url, key)) for _ in range(count)]
        for http in opened:
            http.get("/livez").raise_for_status()
        yield opened


def workers_of(server) -> list[psutil.Process]:
    return psutil.Process(server._process.pid).children()


def holders(server) -> dict[int, int]:
    """How many connections each worker has."""
    found = {}
    for worker in workers_of(server):
        with contextlib.suppress(psutil.Error):
            held = worker.net_connections(kind="tcp")
            found[worker.pid] = sum(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == server.port for each in held)
    return found


def check_ledger(house, answered):
    """The ledger is sound and without a gap, and holds every answer at the index that its caller was told."""
    assert house.platform.ledger.verify().is_sound
    logged = house.platform.ledger.entries(limit=10_000, newest_first=False)
    assert [found.index for found in logged] == list(range(len(logged)))
    for request, index in answered:
        assert (logged[index].entry.event, logged[index].entry.request) == ("inference.answered", request)
    assert len({index for _, index in answered}) == len(answered)


def metrics(http) -> dict[tuple, float]:
    text = http.get("/metrics").raise_for_status().text
    return {
        (found.name, *sorted(found.labels.values())): found.value
        for family in text_string_to_metric_families(text)
        for found in family.samples
    }


def asked(http) -> float:
    return metrics(http).get(("modelward_requests_total", ROUTE, "200", "POST"), 0) if http else 0


def test_they_all_answer_and_write_one_ledger_in_one_order(house):
    with Process(house.settings.home, workers=2) as server:
        with Callers(server.url, house.key(), CONNECTIONS) as callers:
            until(lambda: len(callers.answered) > 400)
            held = holders(server)
        assert len(held) == 2
        assert all(held.values()), "the system shares connections out"
        assert server.end() == 0
        assert "Traceback" not in server.errors()
    assert (callers.refused, callers.broken) == ([], 0)
    check_ledger(house, callers.answered)


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_no_answer_the_others_go_on_and_another_comes(house):
    operator = house.key(Role.OPERATOR)
    with Process(house.settings.home, workers=3) as server:
        with Callers(server.url, house.key(), CONNECTIONS) as callers, client(server.url, operator) as http:
            until(lambda: len(callers.answered) > 200)
            before = asked(http)
            held = holders(server)
            # Not the worker that tells the metrics.
            victim = next(worker for worker in held if worker != _holder(server, http))
            os.kill(victim, signal.SIGKILL)
            until(lambda: len(callers.answered) > 400)
            until(lambda: len(workers_of(server)) == 3 and victim not in holders(server))
            until(lambda: metrics(http)["modelward_workers",] == 3)
            until(lambda: len(callers.answered) > 600)
            after = metrics(http)
        assert server.end() == 0
    assert callers.refused == []
    assert callers.broken <= held[victim], "who was connected to another noticed nothing"
    assert after["modelward_worker_restarts_total",] == 1
    assert after["modelward_requests_total", ROUTE, "200", "POST"] >= before
    assert "was ended by SIGKILL; another takes its place" in server.errors()
    check_ledger(house, callers.answered)


def _holder(server, http) -> int:
    """The worker that a client is connected to."""
    stream = http._transport._pool.connections[0]._connection._network_stream
    mine = stream.get_extra_info("client_addr")[1]
    for worker in workers_of(server):
        if any(each.raddr and each.raddr.port == mine for each in worker.net_connections(kind="tcp")):
            return worker.pid
    raise AssertionError("nobody holds it")


def test_when_they_are_asked_to_end_each_answers_what_is_open(house):
    key = house.key()
    with Process(house.settings.home, workers=2) as server, Callers(server.url, key, 8, pause_seconds=0.01) as callers:
        open_requests = [Half(server.port, key) for _ in range(CONNECTIONS)]
        until(lambda: len(callers.answered) > 50)
        server.signal(signal.SIGTERM)
        until(lambda: refuses(server.port))
        answers = [request.finish() for request in open_requests]
        assert server.wait() == 0
    assert [answer.status for answer in answers] == [200] * CONNECTIONS
    assert callers.refused == []
    assert "request failed" not in server.errors()
    check_ledger(house, callers.answered)


def test_a_revoked_key_opens_nothing_at_any_of_them(shared, crew):
    issued = shared.platform.access.create_key("till", role=Role.CALLER, by=shared.by)
    with connections(crew.url, issued.secret) as opened:
        assert {http.post(PREDICT, content=body()).status_code for http in opened} == {200}
        shared.platform.access.revoke_key(issued.key.id, by=shared.by)
        until(lambda: {http.post(PREDICT, content=body()).status_code for http in opened} == {401})
        for path in ("/api/v1/whoami", "/v2/models/income"):
            assert {http.get(path).status_code for http in opened} == {401}


def test_a_key_that_expires_opens_nothing_at_any_of_them_from_that_moment_on(shared, crew):
    ends = datetime.now(UTC) + timedelta(seconds=3)
    with connections(crew.url, shared.key(expires=ends)) as opened:
        assert {http.post(PREDICT, content=body()).status_code for http in opened} == {200}
        until(lambda: datetime.now(UTC) > ends)
        assert {http.post(PREDICT, content=body()).status_code for http in opened} == {401}


def test_a_paused_release_answers_at_none_of_them_and_a_promoted_one_at_all(shared, crew):
    with connections(crew.url, shared.key()) as opened:

        def statuses():
            return {http.post(PREDICT, content=body()).status_code for http in opened}

        assert statuses() == {200}
        shared.platform.releases.pause("r-1", by=shared.by)
        until(lambda: statuses() == {404})
        shared.platform.releases.promote("r-1", by=shared.by)
        until(lambda: statuses() == {200})


def test_whichever_is_asked_tells_what_all_did(shared, crew):
    with (
        connections(crew.url, shared.key()) as opened,
        connections(crew.url, shared.key(Role.OPERATOR)) as operators,
    ):
        before = max(asked(http) for http in operators)
        for http in opened:
            http.post(PREDICT, content=body([ROW] * 3)).raise_for_status()
        until(lambda: {asked(http) for http in operators} == {before + CONNECTIONS})
        told = [metrics(http) for http in operators]
    assert {one["modelward_workers",] for one in told} == {2}
    assert len({one["modelward_predictions_total", "1", "income"] for one in told}) == 1
    assert told[0]["modelward_predictions_total", "1", "income"] >= 3 * CONNECTIONS
    assert {one["modelward_ledger_entries",] for one in told} == {shared.platform.ledger.head().size}
    assert min(one["process_resident_memory_bytes",] for one in told) > 2 * 30e6, "of both together"


@pytest.mark.slow
def test_sums_never_go_down_whoever_is_asked_and_whoever_dies(house):
    operator, key = house.key(Role.OPERATOR), house.key()
    with Process(house.settings.home, workers=2) as server, Callers(server.url, key, 8, pause_seconds=0.002) as callers:
        told, kills = 0.0, 0
        while len(callers.answered) < 1000:
            # A new connection each time: any worker.
            with contextlib.suppress(httpx.TransportError), client(server.url, operator) as http:
                now = asked(http)
                assert now >= told
                told = now
            if kills == 0 and told > 200:
                kills += 1
                workers_of(server)[0].kill()
                until(lambda: len(workers_of(server)) == 2)
        assert kills == 1
        assert told > 200


def test_a_session_and_a_one_time_token_hold_at_every_worker(shared, crew):
    token = shared.platform.access.add_user("ada", role=Role.ADMINISTRATOR, by=local_actor()).token
    with connections(crew.url, "") as visitors:
        first = visitors[0]
        said = {"token": token, "csrf": csrf_in(first.get("/console/sign-in").text)}
        for http in visitors[1:]:
            http.cookies = first.cookies
        # The form was made by one worker, and any takes it.
        signed_in = visitors[1].post("/console/sign-in", data=said)
        assert signed_in.status_code == 303
        assert {http.post("/console/sign-in", data=said).status_code for http in visitors} == {401}, "it is used up everywhere"
        for http in visitors:
            http.cookies.update(signed_in.cookies)
        assert {http.get("/console/models").status_code for http in visitors} == {200}
        csrf = csrf_in(visitors[2].get("/console/models").text)
        assert visitors[3].post("/console/sign-out", data={"csrf": csrf}).status_code == 303
        for http in visitors:
            http.cookies = signed_in.cookies
        assert {http.get("/console/models").status_code for http in visitors} == {401}
