# SPDX-License-Identifier: Apache-2.0
"""What a policy of the site forbids of a dataset it forbids of its shards, by whatever verb, and why says so."""

import sqlite3
from contextlib import closing

import pytest

from access import test_policies
from access.test_policies import signed_in
from datasets.conftest import small_table
from modelward.access import NotPermittedError, Permission, Role
from modelward.datasets import Sharding

platform, owner, policies = test_policies.platform, test_policies.owner, test_policies.policies  # fixtures
PURPOSE = "planning of courses"


def not_ada(action="data:read"):
    return f'@id("not-ada") forbid (principal == Person::"ada", action == Action::"{action}", resource == Dataset::"people");'


@pytest.fixture
def people(platform, owner, tmp_path):
    """A dataset, its shards, and the shards of the first."""
    path = tmp_path / "people.csv"
    small_table().write_csv(path)
    platform.datasets.add("people", [path], target="label", purpose=PURPOSE, owner="o", by=owner)
    platform.datasets.shard("people", Sharding(parts=2, by="random"), by=owner)
    platform.datasets.shard("people-1", Sharding(parts=2, by="random"), by=owner)
    platform.grants.grant("income", "people", purpose=PURPOSE, by=owner)
    return platform


@pytest.fixture
def ada(platform):
    return signed_in(platform, "ada", Role.ADMINISTRATOR)


VERBS = {
    "show": lambda house, part, by: house.datasets.show(part, by=by),
    "profile": lambda house, part, by: house.datasets.profile(part, by=by),
    "table": lambda house, part, by: house.datasets.table(part, by=by),
    "shard": lambda house, part, by: house.datasets.shard(part, Sharding(parts=2, by="random", seed=9), by=by),
    "opened": lambda house, part, by: house.grants.opened("income", part, use="training", by=by),
    "grant": lambda house, part, by: house.grants.grant("other", part, purpose=PURPOSE, by=by),
    "revoke": lambda house, part, by: house.grants.revoke("other", part, by=by),
    "reads": lambda house, part, by: house.grants.reads(part, by=by),
    "traced": lambda house, part, by: house.grants.traced(part, column="age", value="40", by=by),
    "keys": lambda house, part, by: house.shredding.keys(part, by=by),
    "erase": lambda house, part, by: house.erasing.erase(part, rows="age > 40", reason="asked", by=by),
    "shred": lambda house, part, by: house.shredding.shred(part, reason="asked", by=by),
}


@pytest.mark.parametrize("part", ["people-2", "people-1-2"])
@pytest.mark.parametrize("verb", VERBS)
def test_who_is_forbidden_a_dataset_is_forbidden_its_shards(people, owner, ada, policies, verb, part):
    policies.put("house", not_ada(), by=owner)
    with pytest.raises(
        NotPermittedError, match=rf"data:read of dataset 'people' \(of which '{part}' is a shard\) by the site's policy"
    ):
        VERBS[verb](people, part, ada)


@pytest.mark.parametrize("part", ["people-2", "people-1-2"])
def test_of_shards_it_tells_neither_in_lists(people, owner, ada, policies, part):
    people.grants.grant("other", part, purpose=PURPOSE, by=owner)
    assert part in [each.name for each in people.datasets.list(by=ada)]
    assert part in [each.dataset for each in people.grants.list(by=ada)]
    policies.put("house", not_ada(), by=owner)
    assert people.datasets.list(by=ada) == []
    assert people.grants.list(by=ada) == []
    assert [each.is_met for each in people.grants.conditions("other", part, ada)] == [False]
    assert part in [each.name for each in people.datasets.list(by=owner)], "the control: of others nothing changes"


VERBS_OF = {
    "data:grant": ("grant", "revoke", "traced", "reads"),
    "data:write": ("shard",),
    "data:shred": ("shred",),
    "data:erase": ("erase",),
}


@pytest.mark.parametrize(("action", "verb"), [(action, verb) for action, verbs in VERBS_OF.items() for verb in verbs])
def test_so_it_is_of_every_action(people, owner, platform, policies, action, verb):
    ada = signed_in(platform, "ada", Role.DATA_OWNER)
    policies.put("house", not_ada(action), by=owner)
    assert people.datasets.profile("people-2", by=ada).rows, "the control: this is not forbidden"
    with pytest.raises(NotPermittedError):
        VERBS[verb](people, "people-2", ada)


def test_who_is_forbidden_to_grant_a_dataset_grants_it_to_no_model(people, owner, ada, policies):
    policies.put("house", not_ada("data:grant"), by=owner)
    for dataset in ("people", "people-2"):
        with pytest.raises(NotPermittedError):
            people.grants.grant("other", dataset, purpose=PURPOSE, by=ada)
        assert not people.grants.may_grant(dataset, model="other", by=ada)


def test_a_shard_of_what_was_shredded_is_forbidden_still(people, owner, ada, policies):
    people.shredding.shred("people-1", reason="done", by=owner)
    people.shredding.shred("people", reason="done", by=owner)
    policies.put("house", not_ada(), by=owner)
    for part in ("people-1", "people-2", "people-1-1"):
        with pytest.raises(NotPermittedError, match=r"of dataset 'people' \(of which"):
            people.datasets.show(part, by=ada)
    assert people.datasets.profile("people-2", by=owner).rows


def test_it_holds_from_when_a_shard_is_there_and_no_longer_than_the_policy(people, owner, ada, policies):
    policies.put("house", not_ada(), by=owner)
    assert ada.may(Permission.DATA_READ, dataset="people-2-1"), "nothing of that name was divided from it yet"
    people.datasets.shard("people-2", Sharding(parts=2, by="random"), by=owner)
    assert not ada.may(Permission.DATA_READ, dataset="people-2-1")
    policies.remove("house", by=owner)
    assert ada.may(Permission.DATA_READ, dataset="people-2-1")


def test_a_dataset_that_is_only_called_like_a_shard_is_none(people, owner, ada, policies, tmp_path):
    path = tmp_path / "other.csv"
    small_table(seed=8).write_csv(path)
    people.datasets.add("people-9", [path], target="label", purpose=PURPOSE, owner="o", by=owner)
    policies.put("house", not_ada(), by=owner)
    assert people.datasets.profile("people-9", by=ada).rows


def test_who_is_permitted_a_shard_alone_has_that_and_no_more(people, owner, policies):
    eve = signed_in(people, "eve", Role.OPERATOR)
    let_in = 'permit (principal == Person::"eve", action == Action::"data:read", resource == Dataset::"people-2");'
    policies.put("house", let_in, by=owner)
    assert people.datasets.profile("people-2", by=eve).rows
    for other in ("people", "people-1"):
        with pytest.raises(NotPermittedError):
            people.datasets.profile(other, by=eve)
    policies.put("not-eve", not_ada().replace('"ada"', '"eve"'), by=owner)
    with pytest.raises(NotPermittedError, match="of which 'people-2' is a shard"):
        people.datasets.profile("people-2", by=eve)


@pytest.mark.parametrize("part", ["people-2", "people-1-2"])
def test_why_says_what_happens_and_of_which_dataset_it_is_forbidden(people, owner, ada, policies, part):
    assert people.access.explain("person:ada", "data:read", f"dataset:{part}", by=owner).is_allowed
    policies.put("house", not_ada(), by=owner)
    found = people.access.explain("person:ada", "data:read", f"dataset:{part}", by=owner)
    assert not found.is_allowed
    assert found.reason == (
        f"person:ada is refused data:read of dataset 'people' (of which '{part}' is a shard) by the site's policy house/not-ada. "
        f"An administrator sees why: `modelward access explain person:ada data:read dataset:{part}`."
    )
    assert ("policy", "house/not-ada", False) in [(each.kind, each.name, each.permits) for each in found.grounds]
    assert found.change == ("Change or remove the policy house/not-ada: `modelward access policies show house`.",)
    assert people.access.explain("person:ada", "data:read", "dataset:people", by=owner).reason.startswith(
        "person:ada is refused data:read by the site's policy house/not-ada."
    )


def test_where_nobody_can_tell_what_something_is_a_shard_of_nothing_is_allowed(people, owner, ada, policies):
    people.shredding.shred("people-1", reason="done", by=owner)
    policies.put("house", not_ada(), by=owner)
    with closing(sqlite3.connect(people.settings.home / "modelward.db")) as database:
        database.execute("DROP TRIGGER ledger_entries_no_delete")
        database.execute("delete from ledger_entries where event = 'dataset.registered' and subject = 'people-1'")
        database.commit()
    people.datasets._agreement._lines.clear()
    eve = signed_in(people, "eve", Role.DATA_SCIENTIST)
    with pytest.raises(NotPermittedError, match="What 'people-1-1' is a shard of cannot be told"):
        people.datasets.show("people-1-1", by=eve)
    assert people.datasets.show("people-2", by=eve).rows, "the control: of this one it is known"
