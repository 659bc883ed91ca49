# SPDX-License-Identifier: Apache-2.0
"""A key may be for less than its role may, for so much a minute, and gets new secrets without a gap."""

from datetime import UTC, datetime, timedelta

import pytest

from access.test_altered import edit
from access.test_keys import message_of_refusal
from modelward.access import (
    AlreadyEndedError,
    AlteredRowError,
    InvalidCredentialError,
    InvalidQuotaError,
    KeyMissingError,
    NotPermittedError,
    Permission,
    Quota,
    Role,
)
from modelward.access.seal import Seal
from modelward.access.store import keys as rows
from modelward.access.store import sealed

QUOTA = Quota(requests_per_minute=60, rows_per_day=10_000)


def test_a_key_with_a_scope_may_what_is_in_it_and_nothing_else_of_its_role(access, admin):
    made = access.create_key("till", role=Role.CALLER, scope=[Permission.MODELS_PREDICT], by=admin)
    till = access.authenticate(made.secret)
    assert till.may(Permission.MODELS_PREDICT, model="income")
    assert not till.may(Permission.MODELS_EXPLAIN)
    with pytest.raises(NotPermittedError, match=r"service:till lacks models:explain: its key is for models:predict alone"):
        till.require(Permission.MODELS_EXPLAIN, model="income")
    assert till.whoami.scope == (Permission.MODELS_PREDICT,)


def test_a_scope_is_a_cap_whatever_the_site_permits(access, admin):
    access.policies.put("generous", "permit(principal, action, resource);", by=admin)
    made = access.create_key("till", role=Role.CALLER, scope=[Permission.MODELS_PREDICT], by=admin)
    till = access.authenticate(made.secret)
    assert till.may(Permission.MODELS_PREDICT)
    assert not till.may(Permission.AUDIT_READ)
    assert not till.may(Permission.MODELS_READ)


@pytest.mark.parametrize(
    ("role", "scope", "reason"),
    [
        (Role.CALLER, [Permission.AUDIT_READ], "no audit:read to be limited to"),
        (Role.CALLER, [], "at least one permission"),
        (Role.ADMINISTRATOR, [Permission.KEYS_MANAGE], "hands out credentials"),
        (Role.ADMINISTRATOR, [Permission.USERS_MANAGE, Permission.DATA_READ], "hands out credentials"),
    ],
)
def test_a_scope_is_never_more_than_the_role_nor_one_that_could_be_shed(access, admin, role, scope, reason):
    with pytest.raises(InvalidCredentialError, match=reason):
        access.create_key("till", role=role, scope=scope, by=admin)
    assert access.keys(by=admin) == []


@pytest.mark.parametrize("limit", [0, -1, 10**12 + 1])
def test_a_quota_of_nothing_or_of_anything_is_none(access, admin, limit):
    with pytest.raises(InvalidQuotaError, match=f"not {limit}"):
        access.create_key("till", role=Role.CALLER, quota=Quota(rows_per_day=limit), by=admin)


def test_limits_are_kept_shown_and_on_record(access, admin, ledger):
    scope = [Permission.MODELS_PREDICT, Permission.MODELS_READ]
    made = access.create_key("till", role=Role.CALLER, scope=scope, quota=QUOTA, by=admin)
    assert access.keys(by=admin) == [made.key]
    assert access.key(made.key.id, by=admin) == made.key
    assert access.authenticate(made.secret).quota == QUOTA
    assert made.secret.startswith(made.key.prefix)
    created = ledger.entries(event="key.created")[0].entry.facts
    assert created["scope"] == ["models:read", "models:predict"]
    assert created["quota"] == "60 requests a minute, 10000 rows a day"


LIMIT_EDITS = [
    "DELETE FROM access_key_limits",
    "UPDATE access_key_limits SET scope = NULL",
    'UPDATE access_key_limits SET scope = \'["models:read", "models:predict"]\'',
    "UPDATE access_key_limits SET requests_per_minute = '1000000'",
    "UPDATE access_key_limits SET rows_per_day = NULL",
    "UPDATE access_key_limits SET key = 'another1'",
]


@pytest.mark.parametrize("change", LIMIT_EDITS)
def test_who_takes_limits_away_takes_the_key_away(access, admin, home, change):
    till = access.create_key("till", role=Role.CALLER, scope=[Permission.MODELS_PREDICT], quota=QUOTA, by=admin)
    desk = access.create_key("desk", role=Role.CALLER, by=admin)
    assert access.authenticate(till.secret).quota == QUOTA
    assert access.altered() == []
    edit(home, change)
    message_of_refusal(access, till.secret)
    assert access.keys(by=admin) == [desk.key]
    assert access.authenticate(desk.secret).name == "desk"
    assert any(till.key.id in row or "another1" in row for row in access.altered())
    with pytest.raises(AlteredRowError, match="modelward doctor"):
        access.revoke_key(till.key.id, by=admin)


def test_limits_of_another_key_are_not_put_in_the_place_of_its_own(access, admin, home):
    till = access.create_key("till", role=Role.CALLER, quota=Quota(rows_per_day=1), by=admin)
    wide = access.create_key("wide", role=Role.CALLER, quota=Quota(rows_per_day=10**9), by=admin)
    edit(home, f"DELETE FROM access_key_limits WHERE key = '{till.key.id}'")
    edit(home, f"UPDATE access_key_limits SET key = '{till.key.id}'")
    for made in (till, wide):
        message_of_refusal(access, made.secret)


def test_a_key_gets_a_new_secret_and_the_old_one_opens_it_for_a_while(access, admin, database, keyring, ledger):
    made = access.create_key("till", role=Role.CALLER, models=["income"], quota=QUOTA, by=admin)
    rotated = access.rotate_key(made.key.id, grace_seconds=3600, by=admin)
    assert rotated.secret != made.secret
    assert rotated.secret.startswith(made.key.prefix)
    for secret in (made.secret, rotated.secret):
        assert access.authenticate(secret) == made.key.actor
    assert timedelta(0) < rotated.key.former_until - datetime.now(UTC) <= timedelta(hours=1)
    assert ledger.entries(event="key.rotated")[0].entry.facts == {"key": made.key.id, "grace_seconds": 3600}
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="microseconds")
    with database.change() as connection:
        sealed.amend(connection, rows._FORMER, rows._FORMER.c.key == made.key.id, {"until": past}, Seal(keyring.secret("pepper")))
    message_of_refusal(access, made.secret)
    assert access.authenticate(rotated.secret).name == "till"


def test_a_secret_whose_key_was_rotated_knows_in_memory_when_it_ends(access, admin):
    made = access.create_key("till", role=Role.CALLER, by=admin)
    seen = access.changed_secrets().revision
    rotated = access.rotate_key(made.key.id, grace_seconds=60, by=admin)
    changed = access.changed_secrets(seen)
    old, new = (access.credential_hash(secret) for secret in (made.secret, rotated.secret))
    assert changed.digests == {old, new}
    held = access.credentials(changed.digests)
    assert (held[old].expires, held[new].expires) == (rotated.key.former_until, None)


def test_without_grace_the_old_secret_ends_at_once(access, admin):
    made = access.create_key("till", role=Role.CALLER, by=admin)
    rotated = access.rotate_key(made.key.id, grace_seconds=0, by=admin)
    message_of_refusal(access, made.secret)
    assert access.authenticate(rotated.secret).name == "till"


def test_a_revoked_key_ends_with_all_its_secrets_and_gets_no_other(access, admin):
    made = access.create_key("till", role=Role.CALLER, by=admin)
    rotated = access.rotate_key(made.key.id, by=admin)
    access.revoke_key(made.key.id, by=admin)
    for secret in (made.secret, rotated.secret):
        message_of_refusal(access, secret)
    with pytest.raises(AlreadyEndedError, match="keys create"):
        access.rotate_key(made.key.id, by=admin)


@pytest.mark.parametrize("seconds", [-1, 30 * 86_400 + 1])
def test_a_time_of_grace_has_an_end(access, admin, seconds):
    made = access.create_key("till", role=Role.CALLER, by=admin)
    with pytest.raises(InvalidCredentialError, match=f"not {seconds}"):
        access.rotate_key(made.key.id, grace_seconds=seconds, by=admin)


@pytest.mark.parametrize("change", ["until = '2099-01-01T00:00:00.000000+00:00'", "key = 'another1'", "mac = ''"])
def test_a_former_secret_that_was_edited_opens_nothing(access, admin, home, change):
    made = access.create_key("till", role=Role.CALLER, by=admin)
    access.rotate_key(made.key.id, by=admin)
    assert access.authenticate(made.secret)
    edit(home, f"UPDATE access_former_secrets SET {change}")
    message_of_refusal(access, made.secret)
    assert len(access.altered()) == 1


def test_when_a_key_was_used_last_is_known(access, admin, ledger):
    made = access.create_key("till", role=Role.CALLER, by=admin)
    assert access.key(made.key.id, by=admin).last_used is None
    revision, size = access.revision(), ledger.head().size
    access.note_use(access.authenticate(made.secret))
    assert access.key(made.key.id, by=admin).last_used == made.key.created, "known to the hour, and not before there was the key"
    late, early = datetime(2099, 11, 23, 8, tzinfo=UTC), datetime(2099, 11, 23, 7, tzinfo=UTC)
    for used in (late, early):
        access.note_uses({made.key.id: used})
    assert access.key(made.key.id, by=admin).last_used == late
    assert (access.revision(), ledger.head().size) == (revision, size), "it is no change of access"


def test_only_who_manages_keys_looks_at_them_or_changes_them(access, admin):
    made = access.create_key("till", role=Role.OPERATOR, by=admin)
    operator = access.authenticate(made.secret)
    for attempt in (access.key, access.rotate_key):
        with pytest.raises(NotPermittedError, match="keys:manage"):
            attempt(made.key.id, by=operator)
        with pytest.raises(KeyMissingError, match="The key named till has the id"):
            attempt("till", by=admin)


def test_what_is_known_of_uses_is_not_written_again_and_many_are_told_at_once(access, admin, monkeypatch):
    used = datetime(2026, 11, 23, 8, tzinfo=UTC)
    uses = {f"k{number:07}": used for number in range(2500)}
    access.note_uses(uses)
    made = access.create_key("till", role=Role.CALLER, by=admin)
    access.note_use(access.authenticate(made.secret))
    last = access.key(made.key.id, by=admin).last_used
    assert made.key.created <= last <= datetime.now(UTC)
    written = []
    change = access._database.change
    monkeypatch.setattr(access._database, "change", lambda: written.append(1) or change())
    access.note_uses(uses)
    access.note_use(access.authenticate(made.secret))
    assert written == []
    access.note_uses(uses | {"k0000007": used + timedelta(hours=1)})
    assert written == [1]
