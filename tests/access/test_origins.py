# SPDX-License-Identifier: Apache-2.0
"""Policies may look at the connection that a question comes on; what they do not look at is decided once for all connections."""

from dataclasses import fields

import pytest

from access.test_policies import owner, platform, policies, service, signed_in  # noqa: F401  # fixtures
from modelward.access import NOWHERE, Actor, LockedOutError, Origin, Permission, Quota, Role, origin_at
from modelward.access.cedar import CompiledPolicies
from modelward.access.origin import InvalidAddressError

INSIDE = "10.1.2.3"
OFFICE = (
    '@id("office") forbid (principal, action == Action::"models:predict", resource == Model::"m") '
    'unless { context has address && context.address.isInRange(ip("10.0.0.0/8")) };'
)
CERTIFIED = '@id("certified") forbid (principal is Service, action, resource) unless { context.mtls };'


@pytest.fixture
def asked(monkeypatch):
    """The questions that the policies were asked."""
    found = []
    ours = CompiledPolicies.ask
    monkeypatch.setattr(CompiledPolicies, "ask", lambda self, question: found.append(question) or ours(self, question))
    return found


def may(actor, address="", *, model="m", is_mtls=False) -> bool:
    return actor.at(origin_at(address, is_mtls=is_mtls)).may(Permission.MODELS_PREDICT, model=model)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8::0007", "2001:db8::7"),
        ("testclient", ""),
        ("", ""),
        ("10.0.0.0/8", ""),
    ],
)
def test_an_address_is_read_as_sockets_write_it(told, found):
    assert origin_at(told) == Origin(found)


def test_the_actor_is_the_same_on_every_connection(platform, owner):  # noqa: F811
    key = platform.access.create_key(
        "till",
        role=Role.CALLER,
        models=["m"],
        purpose="tests",
        scope=[Permission.MODELS_PREDICT],
        quota=Quota(rows_per_day=5),
        by=owner,
    )
    till, origin = platform.access.authenticate(key.secret), origin_at(INSIDE, is_mtls=True)
    there = till.at(origin)
    assert {each.name: getattr(there, each.name) for each in fields(Actor)} == {
        **{each.name: getattr(till, each.name) for each in fields(Actor)},
        "origin": origin,
    }


def test_a_policy_forbids_by_address_and_what_has_none_is_nowhere(platform, policies, owner):  # noqa: F811
    till = service(platform)
    assert may(till, "192.0.2.1")
    policies.put("house", OFFICE, by=owner)
    assert may(till, INSIDE)
    assert may(till, f"::ffff:{INSIDE}")
    assert not may(till, "192.0.2.1")
    assert not may(till, "2001:db8::1")
    assert not may(till)
    assert may(till, "192.0.2.1", model="other")


def test_a_policy_demands_a_certificate_of_the_client(platform, policies, owner):  # noqa: F811
    till = service(platform)
    policies.put("house", CERTIFIED, by=owner)
    assert may(till, INSIDE, is_mtls=True)
    assert not may(till, INSIDE)
    assert not may(till)
    assert may(owner)


def test_what_no_policy_asks_of_the_connection_is_decided_once_for_all(platform, policies, owner, asked):  # noqa: F811
    till = service(platform)
    policies.put("house", OFFICE, by=owner)
    asked.clear()
    for number in range(50):
        assert may(till, f"192.0.2.{number}", model="other")
    assert len(asked) == 1


def test_what_a_policy_asks_of_the_connection_is_decided_once_for_each(platform, policies, owner, asked):  # noqa: F811
    till = service(platform)
    policies.put("house", OFFICE, by=owner)
    asked.clear()
    for _ in range(3):
        assert [may(till, address) for address in (INSIDE, "192.0.2.1", "")] == [True, False, False]
    assert len(asked) == 3


@pytest.mark.parametrize("text", ['context.purpose != ""', 'context.time > datetime("2999-01-01T00:00:00Z")'])
def test_policies_of_other_things_do_not_look_at_the_connection(platform, policies, owner, text):  # noqa: F811
    policies.put("house", f"forbid (principal, action, resource) when {{ {text} }};", by=owner)
    assert not owner.judge.weigh(service(platform), Permission.MODELS_PREDICT, model="m").by_origin


def test_a_look_at_the_circumstances_as_a_whole_is_one_at_the_connection(platform, policies, owner):  # noqa: F811
    till = service(platform)
    policies.put("house", "forbid (principal is Service, action, resource) when { context == context };", by=owner)
    assert owner.judge.weigh(till, Permission.MODELS_PREDICT, model="m").by_origin


def test_why_says_for_which_connection_it_answers(platform, policies, owner):  # noqa: F811
    till = service(platform)
    policies.put("house", OFFICE, by=owner)

    def told(who, by):
        found = platform.access.explain(who, "models:predict", "m", by=by)
        return found.is_allowed, [each.says for each in found.conditions if each.kind == "connection"]

    assert told("till", owner) == (
        False,
        ["policies look at the connection; this answer is for one without an address, without a client certificate"],
    )
    is_allowed, (says,) = told("service:till", till.at(origin_at(INSIDE, is_mtls=True)))
    assert is_allowed
    assert says.endswith(f"for one from {INSIDE}, with a client certificate")
    assert platform.access.explain("till", "models:predict", "other", by=owner).conditions == ()


def test_why_is_answered_for_the_connection_that_is_named(platform, policies, owner):  # noqa: F811
    till = service(platform)
    policies.put("house", f"{OFFICE}\n{CERTIFIED}", by=owner)

    def allowed(who="till", by=owner, **where) -> bool:
        return platform.access.explain(who, "models:predict", "m", by=by, **where).is_allowed

    assert allowed(address=INSIDE, has_certificate=True)
    assert not allowed(address=INSIDE)
    assert not allowed(address="192.0.2.1", has_certificate=True)
    assert not allowed(has_certificate=True)
    here = till.at(origin_at(INSIDE, is_mtls=True))
    assert allowed("service:till", by=here)
    assert not allowed("service:till", by=here, address="192.0.2.1", has_certificate=True)
    for wrong in ("10.0.0.0/8", "here", "10.1.2"):
        with pytest.raises(InvalidAddressError, match="is no address"):
            allowed(address=wrong)


def test_who_puts_a_policy_for_administrators_in_one_place_must_be_there(platform, policies, owner):  # noqa: F811
    text = OFFICE.replace('action == Action::"models:predict", resource == Model::"m"', "action, resource")
    ada = signed_in(platform, role=Role.ADMINISTRATOR)
    for elsewhere in (ada, ada.at(origin_at("192.0.2.1")), owner):
        with pytest.raises(LockedOutError):
            policies.put("house", text, by=elsewhere)
    assert policies.put("house", text, by=ada.at(origin_at(INSIDE))).revision == 1
    assert ada.at(origin_at(INSIDE)).may(Permission.POLICIES_MANAGE)
    assert not ada.at(NOWHERE).may(Permission.POLICIES_MANAGE)
