# SPDX-License-Identifier: Apache-2.0
"""Who edits the database changes nobody's access: an altered row opens nothing, is named, and hides no other."""

import sqlite3

import pytest

from modelward.access import AlteredRowError, Role, UnknownCredentialError


def edit(home, statement: str) -> None:
    with sqlite3.connect(home / "modelward.db") as raw:
        raw.execute(statement)
    raw.close()


EDITS = [
    "role = 'administrator'",
    "role = 'nobody'",
    "models = NULL",
    "expires = NULL",
    "revoked = NULL",
    "name = 'desk'",
    "purpose = 'anything'",
    "purpose = x'ff'",
    "purpose = 1",
    "created = '2020-01-01T00:00:00.000000+00:00'",
    "mac = ''",
    "mac = 'é'",
    "mac = 7",
]


@pytest.mark.parametrize("change", EDITS)
def test_a_key_that_was_edited_opens_nothing_and_hides_no_other(access, admin, home, change):
    from datetime import UTC, datetime, timedelta

    ends = datetime.now(UTC) + timedelta(hours=1)
    till = access.create_key("till", role=Role.CALLER, models=["income"], expires=ends, by=admin)
    other = access.create_key("other", role=Role.CALLER, by=admin)
    assert access.authenticate(till.secret)
    if "revoked" in change:
        access.revoke_key(till.key.id, by=admin)
    assert access.altered() == []
    edit(home, f"UPDATE access_keys SET {change} WHERE name = 'till'")
    with pytest.raises(UnknownCredentialError):
        access.authenticate(till.secret)
    assert [one.actor.name for one in access.credentials(access.changed_secrets().digests).values()] == ["other"]
    assert access.keys(by=admin) == [other.key]
    assert access.authenticate(other.secret).name == "other"
    assert access.altered() == [f"key {till.key.id!r}"]
    with pytest.raises(AlteredRowError, match="modelward doctor"):
        access.revoke_key(till.key.id, by=admin)


def test_the_mac_of_another_row_fits_no_row(access, admin, home):
    till = access.create_key("till", role=Role.CALLER, by=admin)
    access.create_key("chief", role=Role.ADMINISTRATOR, by=admin)
    edit(home, "UPDATE access_keys SET role = 'administrator', mac = (SELECT mac FROM access_keys WHERE name = 'chief')")
    with pytest.raises(UnknownCredentialError):
        access.authenticate(till.secret)


@pytest.mark.parametrize("change", ["role = 'administrator'", "removed = created", "\"by\" = 'person:eve'"])
def test_a_person_whose_row_was_edited_acts_no_more(access, admin, home, change):
    ada = access.add_user("ada", role=Role.AUDITOR, by=admin)
    bob = access.add_user("bob", role=Role.AUDITOR, by=admin)
    session = access.sign_in(ada.token).session
    again = access.invite("ada", by=admin).token
    edit(home, f"UPDATE access_users SET {change} WHERE name = 'ada'")
    for verb, secret in ((access.actor_of_session, session), (access.sign_in, again)):
        with pytest.raises(UnknownCredentialError):
            verb(secret)
    assert access.users(by=admin) == [bob.user]
    assert access.altered() == ["user 'ada'"]
    for verb in (access.invite, access.remove_user):
        with pytest.raises(AlteredRowError, match="'ada'"):
            verb("ada", by=admin)


def test_a_removed_person_is_not_brought_back(access, admin, home):
    access.add_user("ada", role=Role.AUDITOR, by=admin)
    access.remove_user("ada", by=admin)
    edit(home, "UPDATE access_users SET removed = NULL WHERE name = 'ada'")
    with pytest.raises(AlteredRowError):
        access.invite("ada", by=admin)


def test_a_session_or_a_link_is_not_turned_into_somebody_elses(access, admin, home):
    access.add_user("chief", role=Role.ADMINISTRATOR, by=admin)
    session = access.sign_in(access.add_user("eve", role=Role.AUDITOR, by=admin).token).session
    link = access.invite("eve", by=admin).token
    edit(home, "DELETE FROM access_invitations WHERE user = 'chief'")
    for table in ("access_sessions", "access_invitations"):
        edit(home, f"UPDATE {table} SET user = 'chief' WHERE user = 'eve'")
    for verb, secret in ((access.actor_of_session, session), (access.sign_in, link)):
        with pytest.raises(UnknownCredentialError):
            verb(secret)
    access.sign_out(session)
    assert len(access.altered()) == 2
