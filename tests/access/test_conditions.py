# SPDX-License-Identifier: Apache-2.0
"""Why says not only whether somebody may, but what still stands between: the limits of a key, terms, a second factor."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from access.test_altered import edit
from access.test_passwords import CHEAP, GOOD
from access.test_second_factor import enrol
from modelward.access import Access, Permission, Quota, Role, TooManyAttemptsError, UnknownCredentialError

TEXT = "Nothing that this model says leaves the department."


@pytest.fixture
def settings(settings):
    return msgspec.structs.replace(settings, **CHEAP)


def told(access, by, who="till", action="models:predict", what="income"):
    found = access.explain(who, action, what, by=by)
    return {each.kind: each for each in found.conditions}, found


def test_a_key_without_limits_has_no_conditions(access, admin):
    access.create_key("till", role=Role.CALLER, by=admin)
    assert told(access, admin)[0] == {}


def test_the_limits_of_a_key_are_told_as_far_as_they_bear_on_it(access, admin):
    ends = datetime.now(UTC) + timedelta(hours=1)
    access.create_key(
        "till",
        role=Role.CALLER,
        purpose="credit scoring",
        scope=[Permission.MODELS_PREDICT],
        quota=Quota(requests_per_minute=7),
        expires=ends,
        by=admin,
    )
    conditions, found = told(access, admin)
    assert {kind: each.is_met for kind, each in conditions.items()} == {
        "scope": True,
        "expiry": True,
        "purpose": None,
        "quota": None,
    }
    for kind, said in [
        ("scope", "models:predict alone"),
        ("expiry", f"{ends:%Y-%m-%d %H:%M}"),
        ("purpose", "'credit scoring'"),
        ("quota", "at most 7 requests a minute"),
    ]:
        assert said in conditions[kind].says
    assert found.is_allowed
    conditions, found = told(access, admin, action="models:read")
    assert {kind: each.is_met for kind, each in conditions.items()} == {"scope": False, "expiry": True}
    assert not found.is_allowed


def test_terms_are_named_with_how_to_accept_them_and_then_as_accepted(access, admin):
    made = access.create_key("till", role=Role.CALLER, by=admin)
    access.terms.put("model:income", TEXT, by=admin)
    conditions, found = told(access, admin)
    assert (found.is_allowed, conditions["terms"].is_met) == (True, False)
    assert f"`modelward terms accept model:income --for {made.key.id}`" in found.change[0]
    access.terms.accept("model:income", key=made.key.id, by=admin)
    conditions, found = told(access, admin)
    assert conditions["terms"].is_met
    assert conditions["terms"].says.endswith(f"by {admin.id}")
    assert not any("terms accept" in each for each in found.change)
    assert "terms" not in told(access, admin, what="other")[0]


def test_terms_that_were_taken_away_are_told_as_what_they_are(access, admin, home):
    access.create_key("till", role=Role.CALLER, by=admin)
    access.terms.put("model:income", TEXT, by=admin)
    edit(home, "DELETE FROM access_terms")
    conditions, _ = told(access, admin)
    assert conditions["terms"].is_met is False
    assert "not those that the ledger tells of" in conditions["terms"].says


def test_of_people_it_is_told_whether_a_second_factor_is_asked_for(access, admin, database, ledger, keyring, settings, home):
    strict = Access(database, ledger, keyring, settings=msgspec.structs.replace(settings, second_factor_roles="auditor"))
    ada = access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token, password=GOOD).actor
    asked = {"who": "person:ada", "action": "audit:read", "what": ""}
    assert told(access, admin, **asked)[0] == {}
    assert told(strict, admin, **asked)[0]["second factor"].is_met is False
    enrol(access, ada)
    assert told(strict, admin, **asked)[0]["second factor"].is_met
    edit(home, "DELETE FROM access_second_factors")
    for each in (access, strict):
        conditions, found = told(each, admin, **asked)
        assert conditions["second factor"].is_met is False
        assert "users invite" in found.change[0]


def test_who_asks_of_themselves_is_told_the_same(access, admin):
    made = access.create_key("till", role=Role.CALLER, quota=Quota(rows_per_day=5), by=admin)
    till = access.authenticate(made.secret)
    assert told(access, till, who="service:till")[0] == told(access, admin)[0]


def test_a_model_and_the_owner_have_no_conditions_of_keys(access, admin):
    access.terms.put("dataset:adult", TEXT, by=admin)
    assert told(access, admin, who="model:income", action="data:read", what="dataset:adult")[0] == {}
    assert list(told(access, admin, who="local:root", action="data:read", what="dataset:adult")[0]) == ["terms"]


def test_somebody_who_must_wait_is_told_how_they_are_let_in(access, admin, settings):
    access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token, password=GOOD)
    asked = {"who": "person:ada", "action": "audit:read", "what": ""}
    assert told(access, admin, **asked)[0] == {}
    for _ in range(settings.sign_in_attempts + 2):
        with suppress(UnknownCredentialError, TooManyAttemptsError):
            access.accounts.sign_in("ada", "not this one", address="10.1.2.3")
    conditions, found = told(access, admin, **asked)
    assert conditions["wait"].is_met is False
    assert found.change[0] == "Let them in at once: `modelward users unlock ada`."
    access.accounts.unlock("ada", by=admin)
    assert told(access, admin, **asked)[0] == {}
