# SPDX-License-Identifier: Apache-2.0
"""The pages that trace somebody's records and that shred a dataset: on record, for who may, and after what happens was told."""

from html import unescape

import pytest

from entrances.console.conftest import words_of
from entrances.console.test_words import left_english
from modelward.access import Role, local_actor
from modelward.datasets import Sharding

TRACE, SHRED = "/data/people/trace", "/data/people/shred"
MAY = {Role.ADMINISTRATOR, Role.DATA_OWNER}


def a_value(house) -> str:
    table = house.platform.datasets.table("people", by=local_actor())
    return str(table["age"][0])


def test_who_may_grant_sees_which_versions_saw_the_records(house):
    owner, value = house.visitor(Role.DATA_OWNER), a_value(house)
    assert f'href="/console{TRACE}"' in owner.get("/data/people").text
    assert "takes minutes" in owner.get(TRACE).text
    answer = owner.post(TRACE, {"column": "age", "value": value})
    said = words_of(answer.text)
    assert answer.status_code == 200
    traced = house.platform.assessment.trace("people", column="age", value=value, by=local_actor())
    assert (traced.rows > 0, f"{traced.rows} rows have it" in said or "1 row has it" in said) == (True, True)
    for each in traced.sightings:
        assert f"{each.version} {each.train} {each.validation} {each.test} {each.outside}" in said
    assert all(sentence.partition("`")[0].strip() in said for sentence in traced.advice)
    entry = house.entries("dataset.traced")[0].entry
    assert value not in map(str, entry.facts.values())
    chinese = owner.post(f"{TRACE}?lang=zh", {"column": "age", "value": value}, shown_at=TRACE).text
    assert left_english(chinese) == []
    assert "从中学习过的版本" in chinese


def test_a_value_that_a_column_cannot_hold_is_said_beside_the_form(house):
    owner = house.visitor(Role.DATA_OWNER)
    before = len(house.entries())
    for fields in ({"column": "age", "value": "old"}, {"column": "shoe", "value": "44"}):
        answer = owner.post(TRACE, fields)
        assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    assert len(house.entries()) == before


@pytest.mark.parametrize("role", sorted(set(Role) - MAY))
def test_nobody_else_traces_or_shreds(house, role):
    visitor = house.visitor(role)
    assert "/console/data/people/trace" not in visitor.get("/data/people").text
    assert [visitor.get(path).status_code for path in (TRACE, SHRED)] == [403, 403]
    before = len(house.entries())
    fields = {"column": "age", "value": "44", "typed": "people", "reason": "tests"}
    assert [visitor.post(path, fields, shown_at="/access").status_code for path in (TRACE, SHRED)] == [403, 403]
    assert len(house.entries()) == before


def test_a_dataset_is_shredded_once_its_name_is_typed_and_a_reason_given(own_house):
    own_house.platform.datasets.shard("people", Sharding(parts=2, by="random"), by=local_actor())
    owner = own_house.visitor(Role.DATA_OWNER, "olaf")
    assert f'href="/console{SHRED}"' in owner.get("/data/people").text
    told = words_of(owner.get(SHRED).text)
    for said in ("Nobody can undo this", "400 rows", "grant:1 , grant:2 , grant:3", "people-1 , people-2", "master key"):
        assert said in told, said
    for fields, said in (
        ({"typed": "peopel", "reason": "the consent ended"}, "is not the name"),
        ({"typed": "people", "reason": " "}, "The reason has 0 characters"),
    ):
        refused = owner.post(SHRED, fields)
        assert (refused.status_code, said in refused.text) == (400, True)
    assert own_house.entries("dataset.shredded") == []
    assert 'href="/console/access/keyring"' not in owner.get(SHRED).text, "who cannot do it is not sent there"
    done = owner.post(SHRED, {"typed": "people", "reason": "the consent ended"})
    assert (done.status_code, done.headers["location"]) == (303, "/console/data/people")
    [entry] = own_house.entries("dataset.shredded")
    assert (entry.entry.actor, entry.entry.facts["reason"]) == ("person:olaf", "the consent ended")
    left = unescape(owner.get("/data/people").text)
    for said in ("the consent ended", "person:olaf", "people-1", "grant:1"):
        assert said in left, said
    standings = own_house.platform.shredding.keys("people", by=local_actor())
    assert words_of(left).count(" destroyed 20") == len(standings) > 1
    assert ">there<" not in left
    assert "shredded" in words_of(owner.get("/data").text)
    assert "It is shredded already." in owner.get(SHRED).text
    assert left_english(owner.get("/data/people?lang=zh").text) == []
