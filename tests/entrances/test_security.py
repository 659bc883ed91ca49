# SPDX-License-Identifier: Apache-2.0
"""Weak points are told alike at the command line, over HTTP and by the SDK, to administrators of the house alone."""

import json
import re

import pytest

from entrances.api.house import Threaded, build, client
from entrances.cli.terminal import Terminal
from modelward.access import NotPermittedError, Role
from modelward.client import Client


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    built = build(tmp_path_factory.mktemp("weak"))
    yield built
    built.platform.close()


@pytest.fixture(scope="module")
def server(house):
    with Threaded(house.settings) as running:
        yield running


def test_every_door_tells_the_same_weak_points(house, server):
    key = house.key(Role.ADMINISTRATOR)
    terminal = Terminal(house.settings.home, house.settings.home.parent)
    here = terminal("doctor", "--security", "--json")
    assert here.code == 3
    with Client(server.url, key=key) as remote:
        told = remote.security.look()
    with client(server.url, key) as http:
        raw = http.get("/api/v1/security").json()
    there = terminal("doctor", "--security", "--json", "--url", server.url, "--key", key, home=False)
    assert there.code == 3
    names = [(check["what"], check["is_weak"]) for check in here.json]
    for other in ([(check.what, check.is_weak) for check in told], [(check["what"], check["is_weak"]) for check in raw]):
        assert other == names
    assert [(check["what"], check["is_weak"]) for check in json.loads(there.out)] == names
    assert ("keyring", True) in names


def test_people_read_what_was_found_why_and_what_to_do(house):
    told = Terminal(house.settings.home, house.settings.home.parent)("doctor", "--security").out
    assert "keyring: The keyring opens for whoever can read its file" in told
    assert "Why it matters: It opens everything" in told
    assert "What to do: Put it under a guard: `modelward keys guard passphrase`" in told


def test_administrators_read_them_on_a_page_and_nobody_else(house, server):
    for role in Role:
        token = house.platform.access.add_user(f"{role.value}-of-pages", role=role, by=house.by).token
        with client(server.url) as visitor:
            form = visitor.get(f"/console/sign-in?token={token}").text
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
            visitor.post("/console/sign-in", data=fields | {"token": token}, headers={"origin": server.url})
            page = visitor.get("/console/access/security")
        assert page.status_code == (200 if role is Role.ADMINISTRATOR else 403)
        assert ("It opens everything that is sealed" in page.text) is (role is Role.ADMINISTRATOR)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_else_is_told(house, server, role):
    with Client(server.url, key=house.key(role)) as remote, pytest.raises(NotPermittedError.__base__):
        remote.security.look()


def test_the_doctor_of_a_home_elsewhere_is_not_at_home(house, server):
    terminal = Terminal(house.settings.home, house.settings.home.parent)
    refused = terminal("doctor", "--json", "--url", server.url, "--key", house.key(Role.ADMINISTRATOR), home=False)
    assert (refused.code, "--security" in refused.error) == (2, True)
