# SPDX-License-Identifier: Apache-2.0
"""What `explain` recommends does it: each policy is put in force as it stands there, and the answer is the other one."""

import re
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from modelward.access import LockedOutError, NobodyKnownError, NotYoursError, Permission, Role, UnfitThingError
from modelward.access.cedar.vocabulary import resources_of
from modelward.access.permission import NEVER_OF_TENANTS, PERMISSIONS_OF
from modelward.app import create_home, open_platform
from modelward.datasets import Sharding
from modelward.settings import Settings

THINGS = ("", "model:north-income", "dataset:north-adult")
CODE = re.compile("`([^`]+)`")


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("house") / ".modelward")
    create_home(settings)
    made = open_platform(settings)
    made.tenants.add("north", by=made.access.owner())
    yield made
    made.close()


@pytest.fixture
def access(platform):
    return platform.access


@pytest.fixture
def owner(access):
    return access.owner()


def pasted(access, sentence, by):
    """Put the policy in force that a sentence has a command for; the name that it was put under."""
    (command,) = CODE.findall(sentence)
    echo, policy, _, *words = shlex.split(command)
    assert (echo, words[:4], words[5:]) == ("echo", ["modelward", "access", "policies", "put"], ["-"])
    access.policies.put(words[4], policy, by=by)
    return words[4]


@pytest.fixture(scope="module")
def people(platform):
    """People who may all, some and little, services of the house and of a tenant, a model, and who owns the home."""
    access, by = platform.access, platform.access.owner()
    roles = (Role.ADMINISTRATOR, Role.AUDITOR)
    for role in roles:
        access.add_user(f"a-{role}", role=role, by=by)
    access.create_key("till", role=Role.CALLER, by=by)
    access.create_key("north-till", role=Role.OPERATOR, tenant="north", by=by)
    return [*(f"person:a-{role}" for role in roles), "service:till", "service:north-till", "model:north-income", by.id]


@pytest.mark.parametrize("permission", Permission)
def test_every_policy_that_is_recommended_makes_the_answer_the_other_one(access, owner, people, permission):
    turned = 0
    for who in people:
        for what in THINGS:
            try:
                told = access.explain(who, permission, what, by=owner)
            except UnfitThingError:
                assert what, "every permission may be asked for in general"
                continue
            for sentence in told.change:
                if "with a policy of the site" not in sentence:
                    continue
                name = pasted(access, sentence, owner)
                assert access.explain(who, permission, what, by=owner).is_allowed is not told.is_allowed, (who, what, sentence)
                access.policies.remove(name, by=owner)
                turned += 1
    assert turned > (len(people) if "Model" in resources_of(permission) else 2), (
        "of a tenant nobody is told of a policy for the house"
    )


def test_of_the_last_administrator_it_is_told_that_the_policy_is_refused(access, owner, people):
    access.accounts.change_role("admin", Role.AUDITOR, by=owner)
    (sentence, but) = access.explain("a-administrator", "users:manage", by=owner).change
    assert but == "It is refused where no other administrator could do it."
    with pytest.raises(LockedOutError):
        pasted(access, sentence, owner)
    access.accounts.change_role("admin", Role.ADMINISTRATOR, by=owner)


def test_who_owns_the_home_is_not_told_of_a_policy_that_would_do_nothing(access, owner):
    (told,) = access.explain(owner.id, "policies:manage", by=owner).change
    assert "could read its database" in told
    assert not CODE.findall(told)


def test_another_role_and_another_key_are_recommended_by_commands_with_what_they_need(access, owner):
    access.add_user("ada", role=Role.CALLER, by=owner)
    told = access.explain("ada", "audit:read", by=owner).change
    assert "`modelward users role ada auditor`" in told[0]
    limits = {"models": ["income"], "scope": [Permission.MODELS_PREDICT], "purpose": "the till's"}
    access.create_key("desk", role=Role.CALLER, **limits, by=owner)
    access.create_key("desk-2", role=Role.CALLER, by=owner)
    asked = [
        ("models:predict", "model:other", "caller", "income,other", "models:predict"),
        ("models:explain", "model:income", "caller", "income", "models:predict,models:explain"),
        ("audit:read", "", "auditor", None, "audit:read"),
        ("users:manage", "", "administrator", None, None),
    ]
    for number, (action, what, role, models, scope) in enumerate(asked, 3):
        (sentence,) = access.explain("desk", action, what, by=owner).change
        (command,) = CODE.findall(sentence)
        words = shlex.split(command)
        expected = {"--name": f"desk-{number}", "--role": role, "--models": models, "--scope": scope, "--purpose": "the till's"}
        assert words[:3] == ["modelward", "keys", "create"]
        given = dict(zip(words[3::2], words[4::2], strict=True))
        assert given == {name: value for name, value in expected.items() if value}, action
        made = access.create_key(
            given["--name"],
            role=Role(given["--role"]),
            models=given["--models"].split(",") if models else None,
            scope=[Permission(each) for each in given["--scope"].split(",")] if scope else None,
            by=owner,
        )
        assert access.explain(made.key.id, action, what, by=owner).is_allowed


def test_what_concerns_the_house_is_told_to_be_for_nobody_of_a_tenant(access, owner, people):
    for permission in sorted(NEVER_OF_TENANTS):
        (told,) = access.explain("service:north-till", permission, by=owner).change
        assert told == f"Nobody of a tenant has {permission}: ask somebody of the house to do it."
    (told,) = access.explain("service:north-till", "models:predict", "income", by=owner).change
    assert "Only the tenant that has it" in told


def test_a_key_that_was_revoked_or_is_over_is_told_as_that(access, owner):
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    gone = access.create_key("gone", role=Role.CALLER, models=["income"], by=owner).key
    access.create_key("over", role=Role.CALLER, expires=soon, by=owner)
    access.terms.put("model:income", "Keep it to yourself.", by=owner)
    revoked = access.revoke_key(gone.id, by=owner).revoked
    while datetime.now(UTC) <= soon:
        pass
    for who in ("gone", "service:gone", gone.id):
        told = access.explain(who, "models:predict", "income", by=owner)
        assert (told.who, told.is_allowed, told.conditions) == ("service:gone", False, ())
        assert told.reason == f"The key gone ({gone.id}) was revoked on {revoked:%Y-%m-%d %H:%M} UTC, and opens nothing."
        assert told.change == (
            "Make another key, under another name: `modelward keys create --name gone-2 --role caller --models income`.",
        )
    told = access.explain("over", "models:predict", "income", by=owner)
    assert not told.is_allowed
    assert f"ended on {soon:%Y-%m-%d %H:%M} UTC" in told.reason
    assert "keys create --name over-2 --role caller`" in told.change[0]
    with pytest.raises(NobodyKnownError, match="Nobody here is called"):
        access.explain("person:gone", "models:predict", "income", by=owner)


def test_somebody_who_was_removed_is_told_as_that_and_one_of_the_same_name_who_comes_in_is_meant_first(access, owner):
    access.add_user("bob", role=Role.AUDITOR, by=owner)
    removed = access.remove_user("bob", by=owner).removed
    told = access.explain("bob", "audit:read", by=owner)
    assert (told.who, told.is_allowed) == ("person:bob", False)
    assert told.reason == f"The person bob was removed on {removed:%Y-%m-%d %H:%M} UTC, and cannot sign in."
    assert "`modelward users add bob-2 --role auditor`" in told.change[0]
    access.create_key("bob", role=Role.CALLER, by=owner)
    assert access.explain("bob", "models:read", by=owner).who == "service:bob"
    assert access.explain("person:bob", "models:read", by=owner).who == "person:bob"


def test_terms_are_told_of_where_they_bind_and_nowhere_else(access, owner):
    access.create_key("robot", role=Role.ADMINISTRATOR, by=owner)
    access.terms.put("model:triage", "Keep it to yourself.", by=owner)
    access.terms.put("dataset:wards", "Keep it to yourself.", by=owner)
    bound = set()
    for permission in PERMISSIONS_OF[Role.ADMINISTRATOR]:
        for what in ("model:triage", "dataset:wards"):
            try:
                told = access.explain("robot", permission, what, by=owner)
            except UnfitThingError:
                continue
            if any(each.kind == "terms" for each in told.conditions):
                bound.add((permission.value, what))
                assert "terms accept" in told.change[0]
            else:
                assert not any("terms accept" in each for each in told.change)
    assert bound == {
        ("models:predict", "model:triage"),
        ("models:explain", "model:triage"),
        ("models:export", "model:triage"),
        ("data:read", "dataset:wards"),
        ("data:statistics", "dataset:wards"),
    }


@pytest.fixture(scope="module")
def data(platform, tmp_path_factory):
    """A dataset `people`, in two shards."""
    file, by = tmp_path_factory.mktemp("data") / "people.csv", platform.access.owner()
    file.write_text("age,town,income\n" + "".join(f"{20 + n % 40},{'ab'[n % 2]},{n % 3 > 0}\n" for n in range(80)))
    platform.datasets.add("people", [file], target="income", purpose="to test", owner="the tests", by=by)
    platform.datasets.shard("people", Sharding(parts=2, by="random"), by=by)


@pytest.mark.usefixtures("data")
def test_of_a_shard_the_terms_of_what_was_divided_are_told(platform, owner):
    platform.access.terms.put("dataset:people", "Keep it to yourself.", by=owner)
    platform.access.add_user("eve", role=Role.AUDITOR, by=owner)
    told = platform.access.explain("eve", "data:read", "dataset:people-1", by=owner)
    assert [each.says.split(",")[0] for each in told.conditions if each.kind == "terms"] == ["those of dataset:people"]


def test_who_owns_data_of_a_tenant_is_told_that_the_model_is_out_of_reach_and_not_that_the_data_is(platform, owner, tmp_path):
    file = tmp_path / "wards.csv"
    file.write_text("age,town,income\n" + "".join(f"{20 + n % 40},{'ab'[n % 2]},{n % 3 > 0}\n" for n in range(80)))
    issued = platform.access.create_key("north-owner", role=Role.DATA_OWNER, tenant="north", by=owner)
    ours = platform.access.authenticate(issued.secret)
    platform.datasets.add("north-wards", [file], target="income", purpose="to test", owner="the tests", by=ours)
    said = []
    for model in ("credit", "nothing"):
        with pytest.raises(NotYoursError) as refused:
            platform.grants.grant(model, "north-wards", purpose="to test", by=ours)
        said.append(str(refused.value).replace(model, "…"))
    assert said == ["No model is called '…'."] * 2, "one that is there reads as one that is not"
    platform.grants.grant("north-credit", "north-wards", purpose="to test", by=ours)


@pytest.mark.usefixtures("data")
def test_the_command_that_grants_data_has_the_purpose_that_the_data_may_be_used_for(platform, owner):
    told = platform.access.explain("model:credit", "data:read", "dataset:people", by=owner)
    (sentence,) = told.change
    (command,) = CODE.findall(sentence)
    *verb, model, dataset, option, purpose = shlex.split(command)
    assert (verb, model, dataset, option) == (["modelward", "data", "grant"], "credit", "people", "--purpose")
    platform.grants.grant(model, dataset, purpose=purpose, by=owner)
    told = platform.access.explain("model:credit", "data:read", "dataset:people", by=owner)
    assert [each.is_met for each in told.conditions] == [True]
    assert told.change == (
        "Nothing has to change for model:credit to learn and be measured from what is granted: that needs no role and no policy.",
    )


def test_who_does_not_reach_a_thing_is_not_told_that_it_has_terms(access, owner, people):
    access.terms.put("model:secret", "Keep it to yourself.", by=owner)
    access.create_key("narrow", role=Role.CALLER, models=["income"], by=owner)
    for who, action in (
        ("service:north-till", "models:predict"),
        ("narrow", "models:predict"),
        ("person:a-auditor", "models:predict"),
    ):
        told = access.explain(who, action, "model:secret", by=owner)
        assert (told.is_allowed, told.conditions) == (False, ())
        assert not any("terms" in each for each in told.change)
    robot = access.explain("service:till", "models:predict", "model:secret", by=owner)
    assert [each.kind for each in robot.conditions] == ["terms"]


def test_people_are_told_that_they_accept_for_themselves(access, owner, people):
    access.terms.put("model:own", "Keep it to yourself.", by=owner)
    told = access.explain("person:a-administrator", "models:predict", "model:own", by=owner)
    assert told.change[0] == (
        "person:a-administrator reads and accepts them in the console, under Access, Terms: /console/access/terms."
    )
