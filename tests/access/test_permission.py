# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.access import (
    PERMISSIONS_OF,
    Actor,
    NotPermittedError,
    Permission,
    Role,
    UnknownRoleError,
    Whoami,
    local_actor,
    parse_role,
    roles_with,
)
from modelward.access.permission import NEVER_LIMITED
from modelward.errors import RefusedError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "permissions.md"


def actor(role: Role, models: tuple[str, ...] | None = None) -> Actor:
    return Actor(id="person:ada", name="ada", role=role, models=models)


def test_every_role_has_a_row_and_every_permission_a_role_besides_the_administrator():
    assert set(PERMISSIONS_OF) == set(Role)
    only_administrators = {permission for permission in Permission if roles_with(permission) == [Role.ADMINISTRATOR]}
    assert only_administrators == {
        Permission.USERS_MANAGE,
        Permission.KEYS_MANAGE,
        Permission.POLICIES_MANAGE,
        Permission.TENANTS_MANAGE,
    }


def test_no_role_but_the_administrator_both_proposes_and_decides():
    for role in set(Role) - {Role.ADMINISTRATOR}:
        assert not PERMISSIONS_OF[role] >= {Permission.RELEASES_PROPOSE, Permission.RELEASES_DECIDE}
        assert not PERMISSIONS_OF[role] >= {Permission.RELEASES_PROMOTE, Permission.RELEASES_DECIDE}


def test_an_auditor_changes_nothing():
    assert {permission.partition(":")[2] for permission in PERMISSIONS_OF[Role.AUDITOR]} == {"read", "receipt"}


@given(role=st.sampled_from(Role), permission=st.sampled_from(Permission))
def test_may_and_require_say_the_same(role, permission):
    who = actor(role)
    if who.may(permission):
        assert permission in PERMISSIONS_OF[role]
        who.require(permission)
        return
    with pytest.raises(NotPermittedError) as caught:
        who.require(permission)
    assert isinstance(caught.value, RefusedError)
    for word in ("person:ada", role, permission, *roles_with(permission)):
        assert word in str(caught.value)


@given(permission=st.sampled_from(Permission), model=st.sampled_from(["income", "churn", "credit"]))
def test_a_limited_actor_reaches_its_models_alone(permission, model):
    who = actor(Role.ADMINISTRATOR, models=("churn", "income"))
    assert who.may(permission, model=model) == (model != "credit" and permission not in NEVER_LIMITED)
    if not who.may(permission, model=model):
        with pytest.raises(NotPermittedError, match=r"limited to churn, income.*modelward keys create"):
            who.require(permission, model=model)


def test_a_limited_actor_hands_out_no_credentials():
    who = actor(Role.ADMINISTRATOR, models=("income",))
    for permission in (Permission.KEYS_MANAGE, Permission.USERS_MANAGE):
        assert actor(Role.ADMINISTRATOR).may(permission)
        with pytest.raises(NotPermittedError):
            who.require(permission)


def test_an_actor_of_no_model_reaches_none():
    assert not actor(Role.CALLER, models=()).may(Permission.MODELS_PREDICT, model="income")
    assert actor(Role.CALLER).may(Permission.MODELS_PREDICT, model="income")


def test_the_owner_of_the_home_is_an_administrator_whatever_the_environment_says(monkeypatch):
    before = local_actor()
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    assert local_actor() == before
    assert before.id == f"local:{before.name}"
    assert before.role is Role.ADMINISTRATOR


@given(role=st.sampled_from(Role), models=st.none() | st.lists(st.text(max_size=5), max_size=3).map(tuple))
def test_who_an_actor_is_travels_as_json(role, models):
    who = actor(role, models).whoami
    assert msgspec.json.decode(msgspec.json.encode(who), type=Whoami) == who


def test_a_role_is_found_by_its_name():
    assert Role("risk-officer") is Role.RISK_OFFICER
    assert Permission("data:read") is Permission.DATA_READ
    with pytest.raises(ValueError, match="not a valid Role"):
        Role("king")


def expected_tables() -> list[str]:
    lines = [f"| `{role}` | {role.meaning} |" for role in Role]
    for permission in Permission:
        marks = " | ".join("yes" if permission in PERMISSIONS_OF[role] else "" for role in Role)
        lines.append(f"| `{permission}` | {permission.meaning} | {marks} |")
    return lines


def test_the_page_shows_every_role_and_permission_and_who_has_it():
    listed = re.findall(r"^\| `[^`]+` \|.*$", PAGE.read_text(), re.M)
    assert listed == expected_tables(), "write this into the page:\n" + "\n".join(expected_tables())
    head = next(line for line in PAGE.read_text().splitlines() if line.startswith("| permission |"))
    assert [cell.strip() for cell in head.split("|")[3:-1]] == [role.value for role in Role]


def test_a_role_that_nobody_has_is_refused_with_those_there_are():
    assert [parse_role(role.value) for role in Role] == list(Role)
    for text in ("king", "", "Administrator", "x" * 10_000):
        with pytest.raises(UnknownRoleError, match="administrator, data-owner") as caught:
            parse_role(text)
        assert len(str(caught.value)) < 300
