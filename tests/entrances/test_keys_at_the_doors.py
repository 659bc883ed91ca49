# SPDX-License-Identifier: Apache-2.0
"""What a key may, how much, and until when, holds at every door, and each tells it in its own protocol."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from entrances.asking import until
from entrances.doors import DOORS, doors, is_well
from modelward.access import Permission, Quota, Role
from modelward.access.credential import draw_secret


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with doors(tmp_path_factory.mktemp("doors")) as found:
        yield found


@pytest.fixture
def refusals(place):
    """The entries of refusals of a key, once there are so many."""

    def found(key, count):
        name = place.house.platform.access.authenticate(key).id
        until(lambda: len(place.house.logged(event="inference.refused", actor=name)) >= count)
        return place.house.logged(event="inference.refused", actor=name)

    return found


def wait_for_a_whole_minute() -> None:
    """So that a test of what a minute has does not begin in one and end in the next."""
    until(lambda: time.time() % 60 < 45)


@pytest.mark.parametrize("door", DOORS)
def test_a_quota_that_is_used_up_is_told_with_when_to_come_again(place, refusals, door):
    wait_for_a_whole_minute()
    key = place.house.key(quota=Quota(requests_per_minute=2))
    assert [is_well(place.ask(door, key)) for _ in range(2)] == [True, True]
    for _ in range(3):
        told = place.ask(door, key)
        assert told.status == ("RESOURCE_EXHAUSTED" if door == "grpc" else 429)
        assert "2 requests a minute" in told.text
        assert 1 <= told.again <= 60
    place.ask(door, place.house.key())
    (entry,) = refusals(key, 1)
    assert entry.facts["error"] == "QuotaUsedUpError", "once in its minute, however often it is asked"


@pytest.mark.parametrize("door", DOORS)
def test_rows_are_counted_too(place, door):
    wait_for_a_whole_minute()
    key = place.house.key(quota=Quota(rows_per_day=1))
    assert is_well(place.ask(door, key))
    told = place.ask(door, key)
    assert told.status == ("RESOURCE_EXHAUSTED" if door == "grpc" else 429)
    assert "1 rows a day" in told.text


@pytest.mark.parametrize("door", DOORS)
def test_what_is_out_of_scope_is_refused_and_on_record(place, refusals, door):
    other = Permission.MODELS_PREDICT if door == "explain" else Permission.MODELS_EXPLAIN
    key = place.house.key(scope=[other])
    told = place.ask(door, key)
    assert told.status == ("PERMISSION_DENIED" if door == "grpc" else 403)
    assert f"its key is for {other} alone" in told.text
    assert refusals(key, 1)[0].facts["error"] == "NotPermittedError"


@pytest.mark.parametrize("door", DOORS)
def test_whatever_is_no_key_here_opens_no_door_and_all_of_it_reads_the_same(place, door):
    access, by = place.house.platform.access, place.house.by
    valid = place.house.key()
    person = access.add_user(f"ada-{DOORS.index(door)}", role=Role.ADMINISTRATOR, by=by)
    made = access.create_key(f"revoked-{DOORS.index(door)}", role=Role.CALLER, by=by)
    assert is_well(place.ask(door, made.secret))
    rotated = access.rotate_key(made.key.id, grace_seconds=0, by=by)
    until(lambda: not is_well(place.ask(door, made.secret)))
    assert is_well(place.ask(door, rotated.secret))
    access.revoke_key(made.key.id, by=by)
    until(lambda: not is_well(place.ask(door, rotated.secret)))
    opening_nothing = {
        "truncated": valid[:-1],
        "longer": valid + "A",
        "of another home": draw_secret("mw").text,
        "with the id of a key": f"{valid[:12]}{draw_secret('mw').text[12:]}",
        "an invitation": person.token,
        "a session": access.sign_in(person.token).session,
        "replaced": made.secret,
        "revoked": rotated.secret,
        "oversized": "mw_" + "a" * 8000,
    }
    told = {what: place.ask(door, secret) for what, secret in opening_nothing.items()}
    status = "UNAUTHENTICATED" if door == "grpc" else 401
    assert {what: answer.status for what, answer in told.items()} == dict.fromkeys(told, status)
    assert len({answer.text for answer in told.values()}) == 1
    for what, secret in opening_nothing.items():
        assert secret.split("_", 2)[-1] not in told[what].text
        assert secret not in place.process.errors()
    assert is_well(place.ask(door, valid))


@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
@pytest.mark.parametrize("door", DOORS)
def test_who_says_twice_who_asks_is_refused_whichever_is_right(place, door, name):
    """What stands between may have read the other one."""
    key = place.house.key()
    value = f"Bearer {key}" if name == "authorization" else key
    other = value if name == "authorization" else draw_secret("mw").text
    twice = [(name, other)] if name == "authorization" else [(name, value), (name, other)]
    told = place.ask(door, key, *twice)
    assert told.status == ("UNAUTHENTICATED" if door == "grpc" else 401)
    assert "twice" in told.text
    assert is_well(place.ask(door, key))


@pytest.mark.parametrize("path", ["/api/v1/whoami", "/metrics"])
def test_so_at_the_other_routes(place, path):
    right, wrong = f"Bearer {place.house.key(Role.OPERATOR)}", f"Bearer {draw_secret('mw').text}"
    for given in ([right, wrong], [wrong, right], [right, right]):
        answer = httpx.get(place.process.url + path, headers=[("authorization", each) for each in given])
        assert answer.status_code == 401
        assert "twice" in answer.text
    assert httpx.get(place.process.url + path, headers=[("authorization", right)]).status_code == 200


@pytest.mark.parametrize("door", DOORS)
def test_a_key_that_expires_opens_no_door_from_that_moment_on(place, door):
    ends = datetime.now(UTC) + timedelta(seconds=3)
    key = place.house.key(expires=ends)
    assert is_well(place.ask(door, key)), "it opens until then"
    until(lambda: datetime.now(UTC) > ends)
    told = place.ask(door, key)
    assert told.status == ("UNAUTHENTICATED" if door == "grpc" else 401)
    assert told.text == place.ask(door, draw_secret("mw").text).text, "it reads as what never was a key"


def test_nor_does_it_at_the_other_routes(place):
    ends = datetime.now(UTC) + timedelta(seconds=3)
    key = place.house.key(Role.OPERATOR, expires=ends)
    paths = ["/api/v1/whoami", "/api/v1/models", "/metrics", "/v2/models/income"]

    def asked() -> set[int]:
        return {httpx.get(place.process.url + path, headers={"authorization": f"Bearer {key}"}).status_code for path in paths}

    assert asked() <= {200, 403}
    until(lambda: datetime.now(UTC) > ends)
    assert asked() == {401}


def test_at_whatever_door_a_key_is_used_it_is_known_when_it_was_last(tmp_path):
    routes = {"whoami": "/api/v1/whoami", "models": "/api/v1/models", "metrics": "/metrics", "metadata": "/v2/models/income"}
    with doors(tmp_path) as place:
        access, by = place.house.platform.access, place.house.by
        made = {each: access.create_key(each.replace(" ", "-"), role=Role.OPERATOR, by=by) for each in [*routes, "never"]}
        callers = {door: access.create_key(door.replace(" ", "-"), role=Role.CALLER, by=by) for door in DOORS}
        for each, path in routes.items():
            for _ in range(3):
                httpx.get(place.process.url + path, headers={"authorization": f"Bearer {made[each].secret}"})
        for door, key in callers.items():
            assert is_well(place.ask(door, key.secret))
        assert place.process.end() == 0
        used = {key.name: key.last_used for key in access.keys(by=by)}
    assert used.pop("never") is None
    assert set(used) == {each.replace(" ", "-") for each in [*routes, *DOORS]}
    assert all(each and datetime.now(UTC) - each < timedelta(hours=2) for each in used.values()), used


def test_so_with_the_command_line_over_the_home(place):
    access, by = place.house.platform.access, place.house.by
    made = access.create_key("at-the-machine", role=Role.OPERATOR, by=by)
    command = [sys.executable, "-m", "modelward", "model", "list", "--home", str(place.house.settings.home), "--json"]
    subprocess.run(command, env={**os.environ, "MODELWARD_KEY": made.secret}, check=True, capture_output=True)
    assert access.key(made.key.id, by=by).last_used
