# SPDX-License-Identifier: Apache-2.0
"""De-identifying in the console: what would be hidden is told first, in counts; who stands behind a pseudonym, on record alone."""

import re
from html import unescape

import pytest

from entrances.console.conftest import words_of
from entrances.console.test_words import left_english
from modelward.access import Role, local_actor

PLACE, WHO = "/data/people/deidentify", "/data/hidden/reidentify"
SAID = {"copy": "hidden", "columns": "town=pseudonym:token\n", "drop": "hours", "found": "redact"}


def test_a_copy_is_planned_and_then_made_and_its_pseudonyms_are_told_to_who_may(own_house):
    owner = own_house.visitor(Role.DATA_OWNER)
    assert "De-identify…" in unescape(owner.get("/data/people").text)
    plan = owner.post(PLACE, SAID | {"deed": "try"}, shown_at="/data/people")
    assert (plan.status_code, "Make the copy" in plan.text) == (200, True)
    assert own_house.entries("dataset.deidentified") == []
    made = owner.post(PLACE, SAID | {"deed": "make"}, shown_at="/data/people")
    assert made.status_code in (200, 303)
    page = unescape(owner.get("/data/hidden").text)
    assert re.search(r"town.*?pseudonym:token.*?value.*?</td>", page, re.S)
    assert "Left out: hours" in words_of(page)
    chinese = owner.get("/data/hidden?lang=zh").text
    assert left_english(chinese) == []
    before, after = (own_house.platform.datasets.table(name, by=local_actor())["town"] for name in ("people", "hidden"))
    place = next(at for at, town in enumerate(before) if town)
    told = owner.post(WHO, {"texts": after[place], "reason": "complaint 7"}, shown_at="/data/hidden")
    assert re.search(rf"{after[place]}.*?{before[place]}", told.text, re.S)
    [entry] = own_house.entries("dataset.reidentified")
    assert entry.entry.facts["told"] == 1
    assert owner.post("/data/hidden/forget", {"reason": " "}, shown_at="/data/hidden").status_code == 400
    assert owner.post("/data/hidden/forget", {"reason": "the study ended"}, shown_at="/data/hidden").status_code in (200, 303)
    left = unescape(owner.get("/data/hidden").text)
    assert ("Who stands behind a pseudonym…" in left, "Forget who stands" in left) == (False, False)


def test_rows_are_made_alike_and_the_page_tells_how_an_attacker_fares(own_house):
    owner = own_house.visitor(Role.DATA_OWNER)
    said = {"copy": "alike", "k": "5", "quasi": "age, town", "sensitive": "grant", "deed": "make"}
    made = owner.post(PLACE, said, shown_at="/data/people")
    assert made.status_code in (200, 303)
    told = own_house.platform.datasets.show("alike", by=local_actor()).derived.anonymity
    page = words_of(owner.get("/data/alike").text)
    assert told.smallest >= 5
    assert f"{told.classes}, of {told.smallest} to {told.largest} rows" in page
    assert left_english(owner.get("/data/alike?lang=zh").text) == []
    for wrong in ({"k": "many"}, {"k": "5", "quasi": ""}, {"k": "1000000"}):
        answer = owner.post(PLACE, said | {"copy": "other"} | wrong, shown_at="/data/people")
        assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"columns": "twon=redact"}, 400, "Did you mean 'town'"),
        ({"columns": "town"}, 400, "COLUMN=OPERATOR"),
        ({"columns": "town=shuffle"}, 404, "No operator is called"),
        ({"copy": "people"}, 409, "is taken"),
        ({"copy": "No Name"}, 400, "No Name"),
    ],
)
def test_what_cannot_be_is_said_beside_the_form(house, change, status, said):
    answer = house.visitor(Role.DATA_OWNER).post(PLACE, SAID | change | {"deed": "make"}, shown_at="/data/people")
    assert (answer.status_code, 'role="alert"' in answer.text) == (status, True)
    assert said in unescape(answer.text)
    assert "town=" in unescape(answer.text) or "twon=" in unescape(answer.text) or "town" in answer.text


def test_nobody_else_copies_or_is_told(house):
    auditor, scientist = house.visitor(Role.AUDITOR), house.visitor(Role.DATA_SCIENTIST)
    assert "De-identify…" not in unescape(auditor.get("/data/people").text)
    assert auditor.post(PLACE, SAID | {"deed": "make"}, shown_at="/access").status_code == 403
    before = len(house.entries())
    answer = scientist.post("/data/people/reidentify", {"texts": "x", "reason": "curious"}, shown_at="/data/people")
    assert answer.status_code == 403
    assert len(house.entries()) == before
