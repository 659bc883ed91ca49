# SPDX-License-Identifier: Apache-2.0
"""Erasing records in the console: what it would come to is shown first, and nothing is done before somebody says so."""

import re
from html import unescape

import pytest

from modelward.access import Actor, Role, local_actor
from training.house import people

PLACE = "/data/people/erasure"
ROWS = "age >= 60"


def count(house):
    return house.platform.datasets.show("people", by=local_actor()).rows


def test_it_is_tried_first_and_then_done_and_the_versions_say_so(own_house):
    owner = own_house.visitor(Role.DATA_OWNER, "dora")
    assert "Erase records…" in owner.get("/data/people").text
    before = count(own_house)
    tried = unescape(owner.post(PLACE, {"rows": ROWS, "deed": "try"}).text)
    assert ("Nothing was changed yet." in tried, "grant:1" in tried, "Erase them for good" in tried) == (True, True, True)
    assert count(own_house) == before
    done = unescape(owner.post(PLACE, {"rows": ROWS, "deed": "erase", "reason": "they objected"}).text)
    assert ("nobody can read them again" in done, "Erase them for good" in done) == (True, False)
    assert count(own_house) < before
    [entry] = own_house.entries("dataset.erased")
    assert (entry.entry.actor, entry.entry.facts["reason"]) == ("person:dora", "they objected")
    page = own_house.visitor(Role.AUDITOR).get("/models/grant/1").text
    seen = entry.entry.facts["divisions"][0]
    assert f"{seen['train'] + seen['validation']} rows that it may have learned from were erased since." in page
    model = own_house.visitor(Role.AUDITOR, "nora").get("/models/grant").text
    assert re.search(r"erased since:\s*<a href=\"/console/models/grant/1\">grant:1</a>", model)
    assert (f">{seen['train']}<" in tried, f">{seen['test']}<" in done) == (True, True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rows": "", "deed": "try"}, "cannot be read"),
        ({"rows": "aeg > 3", "deed": "try"}, "aeg"),
        ({"rows": "age > 1000", "deed": "try"}, "means no row"),
        ({"rows": "age > 0", "deed": "erase", "reason": "x"}, "data shred people"),
        ({"rows": ROWS, "deed": "erase"}, "The reason has 0 characters"),
    ],
)
def test_what_cannot_be_is_said_above_the_form(admin_visitor, fields, said):
    answer = admin_visitor.post(PLACE, fields)
    assert 400 <= answer.status_code < 500
    assert said in unescape(answer.text)


def test_who_registered_a_dataset_erases_from_it_here_too_and_from_no_other(own_house, tmp_path):
    visitor = own_house.visitor(Role.DATA_SCIENTIST, "sam")
    table = tmp_path / "theirs.csv"
    table.write_text(people(100))
    sam = Actor("person:sam", "sam", Role.DATA_SCIENTIST)
    own_house.platform.datasets.add("theirs", [table], target="grant", purpose="tests", owner="tests", by=sam)
    assert "Erase records…" in visitor.get("/data/theirs").text
    assert "Erase records…" not in visitor.get("/data/people").text
    done = visitor.post("/data/theirs/erasure", {"rows": ROWS, "deed": "erase", "reason": "they objected"})
    assert "nobody can read them again" in unescape(done.text)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR, Role.DATA_OWNER}))
def test_who_may_not_sees_no_form_and_is_refused(own_house, role):
    visitor, before = own_house.visitor(role), count(own_house)
    for deed in ("try", "erase"):
        assert visitor.post(PLACE, {"rows": ROWS, "deed": deed, "reason": "x"}).status_code == 403
    assert "Erase records…" not in visitor.get("/data/people").text
    assert count(own_house) == before


def test_it_is_told_in_chinese(own_house):
    page = own_house.visitor(Role.DATA_OWNER)
    page.get("/data?lang=zh")
    assert "尚未作任何更改" in page.post(PLACE, {"rows": ROWS, "deed": "try"}).text


@pytest.mark.parametrize("rows", [ROWS, "age > 1000", "age > 0"], ids=["some", "none", "all"])
@pytest.mark.parametrize("deed", ["try", "erase"])
def test_who_did_not_accept_the_terms_is_told_of_them_and_of_no_row(own_house, rows, deed):
    owner = own_house.visitor(Role.DATA_OWNER, "dora")
    own_house.platform.access.terms.put("dataset:people", "Keep it to yourself.", by=local_actor())
    before = count(own_house)
    answer = owner.post(PLACE, {"rows": rows, "deed": deed, "reason": "they objected"})
    said = unescape(answer.text)
    assert (answer.status_code, "terms" in said, count(own_house)) == (403, True, before)
    assert not any(word in said for word in ("means no row", "would be left", "nobody can read", "Nothing was changed yet"))
    assert own_house.entries("dataset.traced") == []
