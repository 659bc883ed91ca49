# SPDX-License-Identifier: Apache-2.0
"""Tenants: each sees its own and nothing else, and its administrators make nobody beyond it."""

import sqlite3
from contextlib import closing

import pytest

from modelward.access import (
    InvalidNameError,
    KeyMissingError,
    NotPermittedError,
    NotYoursError,
    Permission,
    Role,
    TenantInUseError,
    TenantMissingError,
    TenantTakenError,
    UserMissingError,
)
from modelward.access.permission import MAKING, NEVER_OF_TENANTS
from modelward.app import create_home, open_platform
from modelward.datasets import DatasetMissingError, Sharding, ShardsOfTenantError
from modelward.errors import RefusedError
from modelward.settings import Settings

CSV = "age,income,city\n" + "".join(f"{20 + n % 40},{n % 7},{'ab'[n % 2]}\n" for n in range(60))


@pytest.fixture
def platform(tmp_path):
    settings = Settings(home=tmp_path / ".modelward")
    create_home(settings)
    made = open_platform(settings)
    for name in ("north", "south"):
        made.tenants.add(name, by=made.access.owner())
    yield made
    made.close()


@pytest.fixture
def owner(platform):
    return platform.access.owner()


def service(platform, name, *, role=Role.ADMINISTRATOR, tenant="", by=None):
    issued = platform.access.create_key(name, role=role, tenant=tenant, by=by or platform.access.owner())
    return platform.access.authenticate(issued.secret)


@pytest.fixture
def north(platform):
    return service(platform, "north-robot", tenant="north")


def test_who_is_of_a_tenant_is_so_wherever_they_come_in(platform, owner, north):
    assert (north.tenant, north.whoami.tenant) == ("north", "north")
    made = platform.access.add_user("north-ada", role=Role.AUDITOR, tenant="north", by=owner)
    signed = platform.access.sign_in(made.token)
    assert signed.actor.tenant == "north"
    assert platform.access.actor_of_session(signed.session).tenant == "north"
    assert {
        credential.actor.tenant for credential in platform.access.credentials(platform.access.changed_secrets().digests).values()
    } == {"north"}


def test_what_is_not_ones_own_is_not_found_whatever_it_is(platform, north):
    for permission in sorted(set(Permission) - NEVER_OF_TENANTS - MAKING):
        assert north.may(permission, model="north-income")
        assert north.may(permission, dataset="north-data")
        told = set()
        for name in ("south-income", "income", "northern", "north", "nothing-at-all"):
            with pytest.raises(NotYoursError) as caught:
                north.require(permission, model=name)
            told.add(str(caught.value).replace(name, "…"))
            with pytest.raises(NotYoursError):
                north.require(permission, dataset=name)
        assert len(told) == 1


def test_a_tenant_makes_things_of_its_own_names_alone(north):
    for permission in MAKING:
        assert north.may(permission, model="north-new")
        with pytest.raises(NotPermittedError, match="north-"):
            north.require(permission, model="income")


def test_what_concerns_the_whole_house_is_not_for_an_administrator_of_a_tenant(platform, north, tmp_path):
    for permission in NEVER_OF_TENANTS:
        assert not north.may(permission)
    for verb in (
        lambda: platform.custody.guard(by=north),
        lambda: platform.tenants.list(by=north),
        lambda: platform.access.policies.list(by=north),
        lambda: platform.auditing.log(by=north),
        lambda: platform.releases.policies.put("name: mine\nrules:\n  - rule: signed\n", by=north),
    ):
        with pytest.raises(RefusedError):
            verb()
    with pytest.raises(NotPermittedError, match="house"):
        north.require_house()


def test_the_house_reaches_all(owner):
    assert owner.may(Permission.MODELS_READ, model="north-income")
    assert owner.may(Permission.MODELS_READ, model="south-income")


def test_an_administrator_of_a_tenant_manages_its_people_and_keys_alone(platform, owner, north):
    access = platform.access
    access.add_user("south-eve", role=Role.AUDITOR, tenant="south", by=owner)
    south = access.create_key("south-robot", role=Role.CALLER, tenant="south", by=owner).key
    house = access.create_key("till", role=Role.CALLER, by=owner).key
    made = access.add_user("north-bob", role=Role.ADMINISTRATOR, by=north)
    assert made.user.tenant == "north"
    assert [user.name for user in access.users(by=north)] == ["north-bob"]
    assert [each.name for each in access.accounts.standings(by=north)] == ["north-bob"]
    assert [key.name for key in access.keys(by=north)] == ["north-robot"]
    missing = {}
    for name in ("south-eve", "admin", "nobody-there"):
        for verb in (
            access.invite,
            access.remove_user,
            access.accounts.unlock,
            access.accounts.standing,
            lambda name, by: access.accounts.change_role(name, Role.CALLER, by=by),
        ):
            with pytest.raises(UserMissingError) as caught:
                verb(name, by=north)
            missing.setdefault(name, set()).add(str(caught.value).replace(name, "…"))
    assert len({frozenset(told) for told in missing.values()}) == 1
    told = set()
    for each in (south.id, house.id, "nothere1", "till"):
        with pytest.raises(KeyMissingError) as caught:
            access.revoke_key(each, by=north)
        told.add(str(caught.value).replace(each, "…"))
    assert len(told) == 1
    assert access.revoke_key(north.credential, by=north).revoked


def test_nobody_is_made_beyond_the_tenant(platform, north):
    for tenant in ("south", "east"):
        with pytest.raises(NotPermittedError, match="elsewhere"):
            platform.access.add_user(f"{tenant}-x", role=Role.CALLER, tenant=tenant, by=north)
    for make in (platform.access.add_user, platform.access.create_key):
        with pytest.raises(InvalidNameError, match="north-"):
            make("eve", role=Role.CALLER, by=north)


def test_the_house_gives_names_of_a_tenant_to_nobody_else(platform, owner):
    with pytest.raises(InvalidNameError, match="--tenant north"):
        platform.access.create_key("north-x", role=Role.CALLER, by=owner)
    with pytest.raises(InvalidNameError):
        platform.access.create_key("x", role=Role.CALLER, tenant="north", by=owner)
    with pytest.raises(TenantMissingError):
        platform.access.create_key("east-x", role=Role.CALLER, tenant="east", by=owner)


def test_a_role_changes_and_the_tenant_stays(platform, owner, north):
    platform.access.add_user("north-bob", role=Role.CALLER, by=north)
    platform.access.accounts.change_role("north-bob", Role.AUDITOR, by=north)
    assert [(user.role, user.tenant) for user in platform.access.users(by=north)] == [(Role.AUDITOR, "north")]


@pytest.mark.parametrize("change", ["role = 'administrator'", "role = 'administrator@south'"])
def test_who_edits_the_database_moves_nobody_to_another_tenant(platform, owner, change):
    secret = platform.access.create_key("north-x", role=Role.ADMINISTRATOR, tenant="north", by=owner).secret
    with closing(sqlite3.connect(platform.settings.home / "modelward.db")) as database:
        database.execute(f"update access_keys set {change}")
        database.commit()
    with pytest.raises(Exception, match="not valid"):
        platform.access.authenticate(secret)


def test_a_tenant_is_not_added_over_what_others_have(platform, owner, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(CSV)
    platform.datasets.add("west-data", [table], target="city", purpose="tests", owner="me", by=owner)
    platform.access.create_key("east-till", role=Role.CALLER, by=owner)
    for name in ("west", "east", "north"):
        with pytest.raises(TenantTakenError):
            platform.tenants.add(name, by=owner)
    for name in ("a-b", "", "North", "../x"):
        with pytest.raises(InvalidNameError):
            platform.tenants.add(name, by=owner)


def test_a_tenant_is_not_called_as_a_thing_of_the_house_is(platform, owner, tmp_path):
    """Shards of the house's `wards` would be its own, and so would be whatever else is called after it."""
    table = tmp_path / "t.csv"
    table.write_text(CSV)
    platform.datasets.add("wards", [table], target="city", purpose="tests", owner="me", by=owner)
    with pytest.raises(TenantTakenError, match="wards is there, and what is called after it, as wards-1, would be the tenant"):
        platform.tenants.add("wards", by=owner)
    assert platform.datasets.shard("wards", Sharding(parts=2, by="random"), by=owner).shards
    with pytest.raises(TenantTakenError, match="wards-1, wards-2 would become its own"):
        platform.tenants.add("wards", by=owner)
    assert platform.tenants.add("war", by=owner).name == "war"


def test_the_shards_of_the_house_do_not_become_those_of_a_tenant_of_that_name(platform, owner, north, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(CSV)
    said = {"target": "city", "purpose": "tests", "owner": "me"}
    for name in ("north", "north-data"):
        platform.datasets.add(name, [table], **said, by=owner)
    with pytest.raises(ShardsOfTenantError, match="would be called north-1 and so on, and belong to the tenant north"):
        platform.datasets.shard("north", Sharding(parts=2, by="random"), by=owner)
    assert [each.name for each in platform.datasets.list(by=north)] == ["north-data"]
    platform.datasets.shard("north-data", Sharding(parts=2, by="random"), by=owner)
    assert len(platform.datasets.list(by=north)) == 3


def test_a_tenant_goes_when_nobody_belongs_to_it(platform, owner, north):
    with pytest.raises(TenantInUseError, match="north-robot"):
        platform.tenants.remove("north", by=owner)
    platform.access.revoke_key(north.credential, by=owner)
    assert platform.tenants.remove("north", by=owner) == "north"
    with pytest.raises(TenantMissingError):
        platform.tenants.remove("north", by=owner)
    entries = [logged.entry.event for logged in platform.auditing.log(subject="tenant north", by=owner)]
    assert entries == ["tenant.removed", "tenant.added"]


def test_datasets_are_seen_by_their_tenant_and_the_house(platform, owner, north, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(CSV)
    said = {"target": "city", "purpose": "tests", "owner": "me"}
    platform.datasets.add("north-data", [table], **said, by=north)
    platform.datasets.add("south-data", [table], **said, by=owner)
    south = service(platform, "south-robot", tenant="south")
    assert [each.name for each in platform.datasets.list(by=north)] == ["north-data"]
    assert [each.name for each in platform.datasets.list(by=south)] == ["south-data"]
    assert len(platform.datasets.list(by=owner)) == 2
    for verb in (platform.datasets.show, platform.datasets.profile, platform.datasets.table):
        told = set()
        for name in ("south-data", "missing"):
            with pytest.raises(NotYoursError) as caught:
                verb(name, by=north)
            told.add(str(caught.value).replace(name, "…"))
        assert len(told) == 1
    with pytest.raises(NotPermittedError):
        platform.datasets.add("south-more", [table], **said, by=north)


def test_no_hint_names_what_another_part_of_the_house_has(platform, owner, north, tmp_path):
    (tmp_path / "south.csv").write_text("age,label\n" + "\n".join(f"{20 + i},{'yes' if i % 2 else 'no'}" for i in range(40)))
    platform.datasets.add("south-adults", [tmp_path / "south.csv"], target="label", purpose="research", owner="Bo", by=owner)
    with pytest.raises(DatasetMissingError) as missing:
        platform.datasets.show("north-adults", by=north)
    assert "south" not in str(missing.value)
    with pytest.raises(DatasetMissingError, match="Did you mean 'south-adults'"):
        platform.datasets.show("south-adult", by=owner)


def test_policies_know_tenants(platform, owner, north):
    text = 'forbid (principal in Tenant::"north", action == Action::"models:export", resource in Tenant::"north");'
    platform.access.policies.put("t", text, by=owner)
    assert not north.may(Permission.MODELS_EXPORT, model="north-income")
    assert north.may(Permission.MODELS_READ, model="north-income")
    assert owner.may(Permission.MODELS_EXPORT, model="north-income")
    platform.access.policies.put("all", "permit (principal, action, resource);", by=owner)
    with pytest.raises(NotYoursError):
        north.require(Permission.MODELS_READ, model="south-income")
    assert not north.may(Permission.POLICIES_MANAGE)


def test_a_tenant_cannot_keep_the_house_from_repairing(platform, owner, north):
    with pytest.raises(RefusedError):
        platform.access.policies.put("t", "forbid (principal is Person, action, resource);", by=owner)


def test_terms_of_what_lies_outside_of_a_tenant_are_those_of_nothing(platform, owner):
    access = platform.access
    ours = access.authenticate(access.create_key("north-till", role=Role.CALLER, tenant="north", by=owner).secret)
    access.terms.put("model:income", "Keep it to yourself.", by=owner)
    for verb in (access.terms.show, access.terms.accept):
        for name in ("income", "nothing"):
            with pytest.raises(NotYoursError, match=f"^No model is called '{name}'"):
                verb(f"model:{name}", by=ours)
