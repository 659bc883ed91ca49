# SPDX-License-Identifier: Apache-2.0
"""What a rule keeps of questions to a server: by every door and worker, through every end, read by command and by program."""

import base64
import json
import signal

import httpx
import msgspec
import pytest

from entrances.api.house import ROW, Process, build, client
from entrances.asking import PREDICT, Callers, body, until
from entrances.cli.terminal import Terminal
from entrances.doors import DOORS, HTTP, doors, is_well
from modelward.access import Role
from modelward.client import Client
from modelward.errors import NotFoundError, RefusedError

WHY = "complaint 17"


def keep_all(house, share=1):
    house.platform.captures.rule("income", share=share, days=30, reason="to look into complaints", by=house.by)


def kept(house):
    return {each.request: each for each in house.platform.captures.list(limit=1000, by=house.by)}


@pytest.fixture
def house(tmp_path):
    built = build(tmp_path)
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with doors(tmp_path_factory.mktemp("doors")) as found:
        keep_all(found.house)
        key = found.house.key()
        until(lambda: found.ask("records", key) and kept(found.house))
        yield found


@pytest.mark.parametrize("door", DOORS)
def test_what_came_in_by_each_door_is_kept_as_the_ledger_commits_to_it(place, door):
    key = place.house.key()
    assert is_well(place.ask(door, key))
    caller = place.house.platform.access.authenticate(key).id

    def theirs():
        return [each for each in kept(place.house).values() if each.caller == caller]

    until(theirs)
    (capture,) = theirs()
    officer = place.house.key(role=Role.RISK_OFFICER)
    with Client(place.process.url, key=officer) as remote:
        assert capture in remote.captures.list(caller=caller)
        read = remote.captures.read(capture.request, reason=WHY)
    (entry,) = place.house.logged(request=capture.request)
    assert (entry.index, entry.actor) == (read.entry, caller)
    if door != "grpc":
        assert read.question == msgspec.json.encode(HTTP[door][1])
        assert json.loads(read.answer)


def test_who_asks_is_told_the_rule_and_may_not_read(place):
    with client(place.process.url, place.house.key()) as http:
        (rule,) = http.get("/api/v1/captures/rules").raise_for_status().json()
        assert (rule["model"], rule["share"], rule["days"]) == ("income", 1, 30)
        assert http.get("/api/v1/captures").status_code == 403
        answer = http.post("/v1/models/income/predict", json={"rows": [ROW]}).raise_for_status()
        path = f"/api/v1/captures/{answer.headers['x-request-id']}/read"
        assert http.post(path, json={"reason": WHY}).status_code == 403


def test_a_server_forgets_one_request_and_no_other(place):
    key, officer = place.house.key(), place.house.key(role=Role.RISK_OFFICER)
    with client(place.process.url, key) as http:
        one, other = (http.post("/v1/models/income/predict", json={"rows": [ROW]}).headers["x-request-id"] for _ in range(2))
    until(lambda: {one, other} <= kept(place.house).keys())
    with Client(place.process.url, key=officer) as remote:
        done = remote.captures.shred([one], reason="the person asked for it")
        assert done.requests == (one,)
        with pytest.raises(RefusedError, match="was shredded"):
            remote.captures.read(one, reason=WHY)
        assert remote.captures.read(other, reason=WHY).capture.request == other
        with pytest.raises(NotFoundError):
            remote.captures.read("req-none", reason=WHY)


def test_by_command_one_is_found_shown_and_shredded(house):
    keep_all(house)
    with Process(house.settings.home) as server, client(server.url, house.key()) as http:
        request = http.post("/v1/models/income/predict", content=body()).headers["x-request-id"]
        assert server.end() == 0
    terminal = Terminal(house.settings.home, house.settings.home.parent)
    listed = terminal("captures", "list", "--json").json
    assert [each["request"] for each in listed] == [request]
    shown = terminal("captures", "show", request, "--reason", WHY)
    assert (shown.code, body().decode() in shown.out) == (0, True)
    told = terminal("captures", "show", request, "--reason", WHY, "--json").json
    assert base64.b64decode(told["question"]) == body()
    shredded = terminal("captures", "shred", request, "--reason", "the person asked for it")
    assert (shredded.code, "1 key is destroyed" in shredded.out) == (0, True)
    assert "was shredded" in terminal("captures", "show", request, "--reason", WHY).err
    assert "modelward captures list" in terminal("captures", "show", "req-1", "--reason", WHY).err


def test_every_worker_keeps_what_it_answers_and_the_end_of_the_server_loses_nothing(house):
    keep_all(house)
    with (
        Process(house.settings.home, workers=2) as server,
        Callers(server.url, house.key(), 8, pause_seconds=0.01) as callers,
    ):
        until(lambda: len(callers.answered) > 100)
        assert server.end() == 0
    answered = {request for request, _ in callers.answered}
    on_record = {entry.request for entry in house.logged(event="inference.answered")}
    assert answered <= on_record
    assert set(kept(house)) == on_record
    assert house.logged(event="captures.lost") == []


def test_what_a_killed_server_had_kept_opens_and_is_on_record(house):
    keep_all(house)
    with (
        Process(house.settings.home) as server,
        Callers(server.url, house.key(), 4, pause_seconds=0.005) as callers,
    ):
        until(lambda: len(kept(house)) > 20)
        server.end(signal.SIGKILL)
    del callers
    found = kept(house)
    on_record = {entry.request for entry in house.logged(event="inference.answered")}
    assert found.keys() <= on_record
    for request in list(found)[:5] + list(found)[-5:]:
        assert house.platform.captures.read(request, reason=WHY, by=house.by).capture.request == request
    assert house.platform.ledger.verify().is_sound


def test_a_rule_that_comes_and_goes_reaches_a_server_that_runs(house):
    with Process(house.settings.home, refresh_seconds=0.1) as server, client(server.url, house.key()) as http:

        def ask():
            return http.post(PREDICT, content=body()).raise_for_status().headers["x-request-id"]

        before = ask()
        keep_all(house)
        until(lambda: ask() and kept(house))
        house.platform.captures.end("income", reason="looked into", by=house.by)
        until(lambda: ends(server, ask, house))
    assert before not in kept(house)


def ends(server, ask, house) -> bool:
    """Whether nothing is kept any more: of some questions in a row none is there after as many have passed."""
    asked = [ask() for _ in range(20)]
    until(lambda: httpx.get(f"{server.url}/livez").status_code == 200)
    return not kept(house).keys() & set(asked)
