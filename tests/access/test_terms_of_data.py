# SPDX-License-Identifier: Apache-2.0
"""Why tells who trains or measures a model which terms of its data they have to accept, and nobody else."""

import pytest

from access import test_policies
from access.test_policies import signed_in
from datasets.conftest import small_table
from modelward.access import Role, TermsNotAcceptedError
from modelward.datasets import Sharding

platform, owner, policies = test_policies.platform, test_policies.owner, test_policies.policies  # fixtures
PURPOSE = "planning of courses"


@pytest.fixture
def people(platform, owner, tmp_path):
    path = tmp_path / "people.csv"
    small_table().write_csv(path)
    for name in ("people", "others"):
        platform.datasets.add(name, [path], target="label", purpose=PURPOSE, owner="o", by=owner)
    platform.datasets.shard("people", Sharding(parts=2, by="random"), by=owner)
    platform.access.terms.put("dataset:people", "Nothing of this leaves the house.", by=owner)
    return platform


@pytest.fixture
def ada(platform):
    return signed_in(platform, "ada", Role.DATA_SCIENTIST)


def told(house, who, action="training:run", what="model:income", by=None):
    found = house.access.explain(who.id, action, what, by=by or house.access.owner())
    return [
        (each.says.split(",")[0].removesuffix(" were accepted"), each.is_met) for each in found.conditions if each.kind == "terms"
    ], found


@pytest.mark.parametrize("part", ["people", "people-2"])
@pytest.mark.parametrize("action", ["training:run", "models:assess"])
def test_why_tells_of_the_terms_of_the_data_that_a_model_is_granted(people, owner, ada, part, action):
    assert told(people, ada, action)[0] == [], "nothing is granted"
    people.grants.grant("income", part, purpose=PURPOSE, by=owner)
    terms, found = told(people, ada, action)
    assert terms == [("those of dataset:people", False)]
    assert (found.is_allowed, found.is_held_up) == (True, True)
    assert any("reads and accepts them in the console" in each for each in found.change)
    with pytest.raises(TermsNotAcceptedError):
        people.grants.opened("income", part, use="training", by=ada)
    people.access.terms.accept("dataset:people", by=ada)
    terms, found = told(people, ada, action)
    assert [is_met for _, is_met in terms] == [True]
    assert not found.is_held_up
    assert people.grants.opened("income", part, use="training", by=ada).table.height
    people.grants.revoke("income", part, by=owner)
    assert told(people, ada, action)[0] == []


def test_of_several_datasets_which_it_is_shows_when_it_is_done(people, owner, ada):
    for name in ("people", "others"):
        people.grants.grant("income", name, purpose=PURPOSE, by=owner)
    terms, found = told(people, ada)
    assert terms == [("those of dataset:people", None)]
    assert not found.is_held_up
    assert people.grants.opened("income", "others", use="training", by=ada).table.height


def test_of_data_that_one_is_kept_from_and_of_what_one_may_not_do_one_learns_no_terms(people, owner, ada, policies):
    people.grants.grant("income", "people", purpose=PURPOSE, by=owner)
    assert told(people, ada, by=ada)[0] == [("those of dataset:people", False)]
    eve = signed_in(people, "eve", Role.AUDITOR)
    assert told(people, eve, by=eve)[0] == []
    assert told(people, ada, "models:read", by=ada)[0] == []
    forbid = 'forbid (principal == Person::"ada", action == Action::"data:read", resource == Dataset::"people");'
    policies.put("house", forbid, by=owner)
    assert told(people, ada, by=ada)[0] == []


def test_a_grant_that_was_altered_is_told_of_and_ends_no_answer(people, owner, ada):
    made = people.grants.grant("income", "people", purpose=PURPOSE, by=owner)
    test_policies.edit(people, "update dataset_grants set columns = null, rows = 'age > 1' where id = ?", made.id)
    terms, found = told(people, ada)
    assert terms == []
    assert [each.is_met for each in found.conditions if each.kind == "grant"] == [False]
