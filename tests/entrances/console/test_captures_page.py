# SPDX-License-Identifier: Apache-2.0
"""The page of captures: ruled, listed, read on record and shredded by who may; told to everybody who may ask."""

import re
from html import unescape

import pytest

from entrances.asking import until
from entrances.console.conftest import ROW
from modelward.access import Role, local_actor

ON = {"deed": "on", "model": "grant", "percent": "100", "days": "30", "reason": "to look into complaints"}
PLACE = "/access/captures"


def kept(house):
    return house.platform.captures.list(by=local_actor())


@pytest.fixture
def captured(own_house):
    """An officer, and the request of one question that is kept."""
    officer, caller = own_house.visitor(Role.RISK_OFFICER, "olga"), own_house.visitor(Role.CALLER, "ada")
    assert officer.post(PLACE, ON).status_code == 303
    until(lambda: caller.post("/models/grant/1", ROW).status_code == 200 and kept(own_house))
    return officer, kept(own_house)[0]


def test_who_may_rules_and_everybody_who_asks_is_told(own_house):
    officer, caller = own_house.visitor(Role.RISK_OFFICER), own_house.visitor(Role.CALLER)
    assert officer.post(PLACE, ON).status_code == 303
    page = unescape(caller.get(PLACE).text)
    assert ("to look into complaints" in page, "100 %" in page) == (True, True)
    assert ('name="deed"' in page, "What is kept" in page) == (False, False)
    [entry] = own_house.entries("captures.ruled")
    assert (entry.entry.subject, entry.entry.facts["share"], entry.entry.facts["days"]) == ("grant", 1, 30)
    assert officer.post(PLACE, {"deed": "off", "model": "grant", "reason": "looked into"}).status_code == 303
    assert "Nothing is kept of any model that you see." in caller.get(PLACE).text


def test_one_is_read_on_record_as_it_was_asked_and_answered(own_house, captured):
    officer, capture = captured
    asked = officer.get(f"{PLACE}?request={capture.request}").text
    assert f'value="{capture.request}"' in asked
    answer = officer.post(PLACE, {"deed": "read", "request": capture.request, "reason": "complaint 17"})
    text = unescape(answer.text)
    assert (answer.status_code, "north" in text, "That you read it is on record" in text) == (200, True, True)
    assert "no-store" in answer.headers["cache-control"]
    [entry] = own_house.entries("capture.read")
    assert (entry.entry.actor, entry.entry.facts["captured"]) == ("person:olga", capture.request)


def test_one_that_is_shredded_is_told_so_and_not_read(own_house, captured):
    officer, capture = captured
    fold = re.search(r"<details[^>]*><summary>Shred it…</summary>.*?</details>", officer.get(PLACE).text, re.S)
    assert fold, "shredding takes a press more than reading"
    assert 'value="shred"' in fold[0]
    done = officer.post(PLACE, {"deed": "shred", "request": capture.request, "reason": "the person asked for it"})
    assert done.status_code == 303
    assert re.search(rf"{capture.request}.*?shredded", officer.get(PLACE).text, re.S)
    refused = officer.post(PLACE, {"deed": "read", "request": capture.request, "reason": "complaint 17"})
    assert (refused.status_code, "was shredded" in unescape(refused.text)) == (403, True)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR, Role.RISK_OFFICER}))
def test_who_may_not_is_refused_every_deed(own_house, captured, role):
    _, capture = captured
    visitor = own_house.visitor(role)
    before = len(own_house.entries())
    for fields in (
        ON,
        {"deed": "off", "model": "grant", "reason": "x"},
        {"deed": "read", "request": capture.request, "reason": "x"},
        {"deed": "shred", "request": capture.request, "reason": "x"},
    ):
        assert visitor.post(PLACE, fields).status_code == 403, fields
    assert len(own_house.entries()) == before
    assert capture.request not in visitor.get(PLACE).text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (ON | {"percent": "a lot"}, "are numbers"),
        (ON | {"percent": "101"}, "must be above 0 and at most 1"),
        (ON | {"days": "0"}, "must be 1 to 3650"),
        (ON | {"days": "inf"}, "are numbers"),
        (ON | {"model": "nix"}, "No model is called"),
        (ON | {"reason": ""}, "The reason has 0 characters"),
        ({"deed": "off", "model": "grant", "reason": "x"}, "no rule says so"),
        ({"deed": "read", "request": "req-1", "reason": "x"}, "Nothing is kept of a request"),
        ({}, "nothing to do"),
    ],
)
def test_what_cannot_be_is_said_above_the_form(admin_visitor, fields, said):
    answer = admin_visitor.post(PLACE, fields)
    assert 400 <= answer.status_code < 500
    assert said in unescape(answer.text)
