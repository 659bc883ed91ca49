# SPDX-License-Identifier: Apache-2.0
"""Policies in Cedar: what is refused of a file and where, and that asking few of many is asking all."""

from datetime import UTC, datetime

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.access import PERMISSIONS_OF, InvalidSitePolicyError, Permission, Role
from modelward.access.cedar import BEARING_LIMIT, CompiledPolicies, PolicyFile, Question, TooManyBearError, built_in_text, check
from modelward.access.cedar.policies import _entities, _request

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def compiled(text: str) -> CompiledPolicies:
    return CompiledPolicies.of([PolicyFile.of("site", "", check(text))])


BUILT_IN = compiled(built_in_text())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", ["Person", "Service", "Local"])
def test_the_built_in_policies_say_what_the_table_of_roles_says(role, kind):
    for permission in Permission:
        for resource in (("Model", "income"), ("Dataset", "adult"), ("House", "house")):
            found = BUILT_IN.ask(Question((kind, "ada"), permission.value, resource, role=role.value))
            assert bool(found.permits) == (permission in PERMISSIONS_OF[role])
            assert (found.forbids, found.faults) == ((), ())


def test_a_role_that_is_no_role_is_permitted_nothing():
    for permission in Permission:
        assert not BUILT_IN.ask(Question(("Model", "income"), permission.value, ("House", "house"))).permits


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("permit (principal, action, resource)\nwhen { foo };", 2, 8, "foo"),
        ("permit(principal, action, resource);\n;", 2, 1, ";"),
        ("permit(principal, action,\n resourcee);", 2, 2, "resourcee"),
        ("permit(principal, action, resource) when {", 1, 43, "end of input"),
        ("permit(principal, action, resource) when { 1 + };", 1, 48, "}"),
        ("permit(principal, action, resource);\n\n   permit(principal, axtion, resource);", 3, 22, "axtion"),
        ("// a comment; with a semicolon\npermit(principal, action, resource) when { nofunction(1) };", 2, 44, "nofunction"),
        ('permit(principal == Person::"a", action, resource);\npermit(principal == Foo::"x", action, resource);', 2, 21, "Foo"),
        ('permit(principal, action == Action::"models:pretend", resource);', 1, 29, "models:pretend"),
        ("permit(principal, action, resource) when { context.mood };", 1, 52, "mood"),
        (
            'permit(principal in Role::"auditor", action, resource);\nforbid(principal in Role::"oprator", action, resource);',
            2,
            27,
            "oprator",
        ),
        ('forbid(principal, action, resource) unless { principal in Role :: "admin" };', 1, 67, "admin"),
        ('permit(principal, action, resource == House::"hospital");', 1, 46, "hospital"),
        ("forbid(principal == ?principal, action, resource);", 1, 21, "template"),
    ],
)
def test_a_fault_is_told_with_line_and_column(text, line, column, word):
    with pytest.raises(InvalidSitePolicyError) as caught:
        check(text)
    assert f"Line {line}, column {column}: " in str(caught.value)
    assert word in str(caught.value)


@pytest.mark.parametrize("text", ["", "  \n", "// nothing but words\n"])
def test_a_file_without_a_policy_is_refused(text):
    with pytest.raises(InvalidSitePolicyError, match="no policy"):
        check(text)


def test_what_forbids_and_what_permits_are_both_named():
    found = compiled(
        '@id("no") forbid(principal, action, resource) when { context.purpose != "audit" };\n'
        '@id("yes") permit(principal == Person::"ada", action, resource);'
    ).ask(Question(("Person", "ada"), "models:read", ("Model", "m")))
    assert (found.permits, found.forbids, found.faults) == (("site/yes",), ("site/no",), ())


def test_a_policy_that_cannot_be_evaluated_is_a_fault_that_names_it():
    text = '@id("sum") forbid(principal, action, resource) when { 9223372036854775807 + 1 > 2 };'
    found = compiled(text).ask(Question(("Person", "ada"), "models:read", ("Model", "m")))
    assert found.forbids == ()
    assert "site/sum" in found.faults[0]


def test_only_what_speaks_of_the_time_depends_on_it():
    night = compiled('forbid(principal, action, resource) when { context.time < datetime("2027-01-01T00:00:00Z") };')
    question = Question(("Person", "ada"), "models:read", ("Model", "m"))
    assert night.ask(question, now=NOW).depends_on_time
    assert not night.ask(question, now=NOW).forbids
    assert night.ask(question, now=datetime(2026, 12, 31, tzinfo=UTC)).forbids
    assert not compiled('forbid(principal, action, resource) when { context.purpose == "time" };').ask(question).depends_on_time


def test_too_many_policies_of_one_scope_are_refused():
    one = 'forbid(principal, action == Action::"models:read", resource) when {{ context.purpose == "p{}" }};\n'
    compiled("".join(one.format(number) for number in range(BEARING_LIMIT)))
    with pytest.raises(TooManyBearError, match="scope"):
        compiled("".join(one.format(number) for number in range(BEARING_LIMIT + 1)))


PRINCIPALS = ["principal", 'principal == Person::"ada"', 'principal == Service::"ada"', "principal is Person"]
PRINCIPALS += ['principal in Role::"caller"', 'principal in Tenant::"north"', 'principal is Person in Role::"caller"']
ACTIONS = ["action", 'action == Action::"models:read"', 'action in [Action::"models:read", Action::"models:predict"]']
RESOURCES = ["resource", 'resource == Model::"m"', "resource is Model", 'resource in Tenant::"north"']
CONDITIONS = ["", ' when { context.purpose == "x" }', " unless { context.mtls }"]
policies = st.tuples(*map(st.sampled_from, (["permit", "forbid"], PRINCIPALS, ACTIONS, RESOURCES, CONDITIONS)))
questions = st.builds(
    Question,
    principal=st.sampled_from([("Person", "ada"), ("Service", "ada"), ("Person", "bob"), ("Model", "m")]),
    action=st.sampled_from(["models:read", "models:predict"]),
    resource=st.sampled_from([("Model", "m"), ("Model", "n"), ("House", "house")]),
    role=st.sampled_from(["", "caller", "auditor"]),
    tenant=st.sampled_from(["", "north"]),
    resource_tenant=st.sampled_from(["", "north", "south"]),
    purpose=st.sampled_from(["", "x"]),
    is_mtls=st.booleans(),
)


@settings(deadline=None, max_examples=150)
@given(drawn=st.lists(policies, min_size=1, max_size=8), question=questions)
def test_asking_those_in_the_drawers_is_asking_all(drawn, question):
    text = "\n".join(f"{effect} ({who}, {act}, {what}){when};" for effect, who, act, what, when in drawn)
    found = CompiledPolicies.of([PolicyFile.of("site", "", _read(text))]).ask(question, now=NOW)
    whole = cedarpy.is_authorized(_request(question, NOW), text, _entities(question))
    assert (bool(found.permits) and not found.forbids) == whole.allowed
    assert len(found.forbids) == (0 if whole.allowed or not found.forbids else len(whole.diagnostics.reasons))


def _read(text):
    # The engine is asked about policies that the schema calls useless, too: no person is a service.
    from modelward.access.cedar import read

    return read(text)
