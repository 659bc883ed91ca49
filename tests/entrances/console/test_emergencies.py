# SPDX-License-Identifier: Apache-2.0
"""Break-glass through the doors: people in the console, the owner of the home at the command line, keys over the API."""

import re

import pytest

from entrances.api.house import Process
from entrances.cli.terminal import Terminal
from entrances.console.conftest import opened, words_of
from modelward.access import Role, local_actor
from modelward.client import Client
from modelward.errors import RefusedError

PAGE = "/access/emergencies"
WHY = "grant:1 refuses everybody since midnight"
ASK = {"step": "ask", "what": "releases:promote", "minutes": "10", "reason": WHY}


@pytest.fixture
def house(built, tmp_path):
    with opened(built, tmp_path) as found:
        yield found


def asked(visitor) -> str:
    answer = visitor.post(PAGE, ASK)
    assert answer.status_code == 303, words_of(answer.text)
    return re.findall(r'aria-labelledby="(e-[0-9a-f]+)"', visitor.get(PAGE).text)[0]


def pause(house, visitor):
    release = house.platform.releases.list(by=local_actor())[0].id
    visitor_page = visitor.get(f"/releases/{release}")
    fields = {"decision": "pause", "reason": WHY}
    return visitor_page, visitor.post(f"/releases/{release}", fields, shown_at=PAGE)


def test_a_scientist_pauses_a_model_by_the_word_of_two_others_and_then_may_not_any_more(house):
    ada, olga, carl = (
        house.visitor(role, name)
        for role, name in ((Role.DATA_SCIENTIST, "ada"), (Role.RISK_OFFICER, "olga-ann"), (Role.ADMINISTRATOR, "carl"))
    )
    shown, refused = pause(house, ada)
    assert "Take it offline" not in shown.text
    assert refused.status_code == 403
    id = asked(ada)
    assert 'value="approve"' not in ada.get(PAGE).text, "not by whoever asked"
    for visitor in (olga, carl):
        assert 'value="approve"' in visitor.get(PAGE).text
        assert visitor.post(PAGE, {"step": "approve", "id": id}).status_code == 303
    assert 'value="approve"' not in olga.get(PAGE).text
    assert "in force" in words_of(ada.get(PAGE).text)
    shown, done = pause(house, ada)
    assert "Take it offline" in shown.text
    assert done.status_code == 303
    used = [each.entry for each in house.entries("emergency.used")]
    assert {(entry.actor, entry.subject) for entry in used} == {("person:ada", f"emergency {id}")}
    assert "grant" in {entry.facts["model"] for entry in used}
    (paused,) = house.entries("release.paused")
    assert paused.entry.actor == "person:ada"
    assert min(each.index for each in house.entries("emergency.used")) < paused.index, "the use is on record before it is done"

    assert carl.post(PAGE, {"step": "end", "id": id}).status_code == 303
    assert pause(house, ada)[1].status_code == 403
    assert "ended" in words_of(ada.get(PAGE).text)


def test_what_cannot_be_done_is_told_on_the_page(house):
    olga = house.visitor(Role.RISK_OFFICER, "olga-bea")
    id = asked(olga)
    cases = [
        ({"step": "approve", "id": id}, 403, "Others decide"),
        ({"step": "approve", "id": "e-00000000"}, 404, "No access was asked for"),
        (ASK, 409, "already"),
        (ASK | {"what": "users:manage"}, 400, "outlast"),
        (ASK | {"minutes": "a lot"}, 400, "1 to 60"),
        (ASK | {"minutes": "9" * 5000}, 400, "1 to 60"),
        ({"step": "dance"}, 400, "nothing to do"),
    ]
    for fields, status, told in cases:
        answer = olga.post(PAGE, fields)
        assert (answer.status_code, told in words_of(answer.text)) == (status, True), words_of(answer.text)
    assert olga.post(PAGE, {"step": "end", "id": id}, forged=True).status_code == 403


def test_what_was_typed_is_kept_where_it_cannot_be(house):
    ada, olga = house.visitor(Role.DATA_SCIENTIST, "ada-six"), house.visitor(Role.RISK_OFFICER, "olga-six")
    refused = ada.post(PAGE, ASK | {"minutes": "999"})
    assert (
        "<option selected>releases:promote" in refused.text,
        'value="999"' in refused.text,
        f">{WHY}</textarea>" in refused.text,
    ) == (
        True,
        True,
        True,
    )
    short = olga.post(PAGE, {"step": "refuse", "id": asked(ada), "reason": "no & no"})
    assert short.status_code == 400
    assert re.search(r"<details[^>]* open><summary>Refuse….*?>no &amp; no</textarea>", short.text, re.S)


def test_a_reason_is_text_and_nothing_else(house):
    ada = house.visitor(Role.DATA_SCIENTIST, "ada-two")
    ada.post(PAGE, ASK | {"reason": "<script>alert(1)</script> and more"})
    page = ada.get(PAGE).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_speaks_chinese(house):
    page = words_of(house.visitor(Role.DATA_SCIENTIST, "ada-three").get(f"{PAGE}?lang=zh").text)
    assert "紧急访问" in page
    assert "请另外两人批准" in page


def test_the_owner_of_the_home_decides_at_the_command_line(house):
    ada = house.visitor(Role.DATA_SCIENTIST, "ada-four")
    first = asked(ada)
    home = house.platform.settings.home
    terminal = Terminal(home, home.parent)
    told = terminal("access", "break-glass", "approve", first, "--json").json
    assert len(told["approvals"]) == 1
    assert terminal("access", "break-glass", "list", "--json").json[0]["id"] == first
    assert terminal("access", "break-glass", "approve", first).code == 3, "nobody approves twice"
    refused = terminal("access", "break-glass", "refuse", first, "--reason", "it can wait for the morning", "--json").json
    assert refused["closed_by"].startswith("local:")
    assert terminal("access", "break-glass", "end", first).code == 5
    asking = terminal("access", "break-glass", "ask", "releases:promote", "--minutes", "5", "--reason", WHY)
    assert asking.code == 3
    assert "A person asks" in asking.err


def test_over_the_api_keys_look_and_end_and_never_ask_or_approve(house):
    ada = house.visitor(Role.DATA_SCIENTIST, "ada-five")
    id = asked(ada)
    access = house.platform.access
    secret = access.create_key("night-desk", role=Role.RISK_OFFICER, by=local_actor()).secret
    with Process(house.platform.settings.home) as server, Client(server.url, key=secret) as client:
        emergencies = client.access.emergencies
        assert [each.id for each in emergencies.list()] == [id]
        with pytest.raises(RefusedError, match="does not decide"):
            emergencies.approve(id)
        with pytest.raises(RefusedError, match="does not decide"):
            emergencies.refuse(id, reason="it can wait for the morning")
        with pytest.raises(RefusedError, match="is no person"):
            emergencies.ask("releases:promote", minutes=5, reason=WHY)
        assert emergencies.end(id).closed_by == "service:night-desk"
