# SPDX-License-Identifier: Apache-2.0
"""Roles and sessions of people."""

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from access.test_passwords import CHEAP, GOOD, come_in
from modelward.access import (
    Access,
    Actor,
    AlreadyEndedError,
    LastAdministratorError,
    NotPermittedError,
    Role,
    SessionMissingError,
    UnknownCredentialError,
    UserMissingError,
)


@pytest.fixture
def settings(settings):
    return msgspec.structs.replace(settings, **CHEAP)


@pytest.fixture
def ada(access, admin):
    return access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token, password=GOOD).actor


def is_open(access, session: str) -> bool:
    try:
        access.actor_of_session(session)
    except UnknownCredentialError:
        return False
    return True


def test_a_role_changes_on_record_and_sessions_end(access, admin, ada, ledger):
    session = come_in(access).session
    assert access.accounts.change_role("ada", Role.OPERATOR, by=admin).role is Role.OPERATOR
    assert not is_open(access, session)
    assert come_in(access).actor.role is Role.OPERATOR
    facts = ledger.entries(event="user.role-changed")[0].entry.facts
    assert (facts["before"], facts["role"]) == ("auditor", "operator")
    size = ledger.head().size
    access.accounts.change_role("ada", Role.OPERATOR, by=admin)
    assert ledger.head().size == size, "the role they have is no change"


def test_the_last_administrator_stays_one(access, admin):
    access.add_user("ada", role=Role.ADMINISTRATOR, by=admin)
    for attempt in (
        lambda: access.remove_user("ada", by=admin),
        lambda: access.accounts.change_role("ada", Role.AUDITOR, by=admin),
    ):
        with pytest.raises(LastAdministratorError, match="last administrator"):
            attempt()
    access.add_user("bob", role=Role.ADMINISTRATOR, by=admin)
    access.remove_user("ada", by=admin)
    with pytest.raises(LastAdministratorError):
        access.remove_user("bob", by=admin)


@pytest.mark.parametrize("how", ["remove", "change role"])
def test_of_two_administrators_who_put_each_other_out_at_once_one_remains(access, admin, how):
    people = {name: access.sign_in(access.add_user(name, role=Role.ADMINISTRATOR, by=admin).token).actor for name in ("ann", "bob")}
    outcomes, start = [], threading.Barrier(2)

    def put_out(name: str, by: Actor) -> None:
        start.wait()
        try:
            if how == "remove":
                access.remove_user(name, by=by)
            else:
                access.accounts.change_role(name, Role.AUDITOR, by=by)
            outcomes.append("out")
        except LastAdministratorError:
            outcomes.append("refused")

    pairs = (("ann", people["bob"]), ("bob", people["ann"]))
    threads = [threading.Thread(target=put_out, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["out", "refused"]
    left = [each for each in access.users(by=admin) if each.role is Role.ADMINISTRATOR and not each.removed]
    assert len(left) == 1


def test_a_person_sees_and_ends_their_own_sessions_alone(access, admin, ada):
    first, second = come_in(access), come_in(access)
    standing = access.accounts.standing("ada", by=first.actor)
    assert [each.means for each in standing.sessions] == ["password", "password", "link"]
    assert (standing.has_password, standing.has_second_factor) == (True, False)
    access.accounts.end_sessions("ada", second.actor.credential, by=first.actor)
    assert (is_open(access, first.session), is_open(access, second.session)) == (True, False)
    with pytest.raises(SessionMissingError):
        access.accounts.end_sessions("ada", second.actor.credential, by=first.actor)
    bob = access.sign_in(access.add_user("bob", role=Role.AUDITOR, by=admin).token)
    for attempt in (access.accounts.end_sessions, access.accounts.standing):
        with pytest.raises(NotPermittedError):
            attempt("ada", by=bob.actor)
    with pytest.raises(SessionMissingError):
        access.accounts.end_sessions("bob", first.actor.credential, by=bob.actor)


def test_an_administrator_ends_the_sessions_of_others(access, admin, ada, ledger):
    session = come_in(access).session
    assert access.accounts.end_sessions("ada", by=admin) == 2
    assert not is_open(access, session)
    assert ledger.entries(event="session.ended")[0].entry.facts["sessions_ended"] == 2


def test_a_session_left_alone_ends_and_one_in_use_does_not(access, admin, ada, database, ledger, keyring, settings):
    from modelward.access.store import sessions as rows

    brief = Access(database, ledger, keyring, settings=msgspec.structs.replace(settings, session_idle_seconds=60))
    used, left = come_in(brief), come_in(brief)

    def age(signed_in, seconds: int) -> None:
        with database.change() as connection:
            moment = datetime.now(UTC) - timedelta(seconds=seconds)
            rows.note_use(connection, signed_in.actor.credential, now=moment, seal=access._seal)

    for _ in range(3):
        age(used, 40)
        assert is_open(brief, used.session), "and its use is noted"
    age(left, 61)
    assert not is_open(brief, left.session)
    assert is_open(brief, used.session)
    assert left.actor.credential not in {each.id for each in brief.accounts.standing("ada", by=admin).sessions}


@pytest.mark.parametrize("table", ["access_session_uses", "access_sessions"])
def test_a_session_whose_rows_were_edited_opens_nothing(access, ada, database, table):
    session = come_in(access).session
    column = "seen" if table == "access_session_uses" else "expires"
    with database.change() as connection:
        connection.exec_driver_sql(f"update {table} set {column} = '2999-01-01T00:00:00.000000+00:00'")
    assert not is_open(access, session)
    assert access.altered()


def test_a_session_of_before_without_its_use_opens_nothing(access, ada, database):
    session = come_in(access).session
    with database.change() as connection:
        connection.exec_driver_sql("delete from access_session_uses")
    assert not is_open(access, session)


def test_every_sign_in_has_a_session_of_its_own(access, ada):
    assert len({come_in(access).session for _ in range(3)}) == 3


def test_standings_are_for_who_manages_people(access, admin, ada):
    access.add_user("bob", role=Role.CALLER, by=admin)
    access.remove_user("bob", by=admin)
    access.add_user("eve", role=Role.CALLER, by=admin)
    assert [(each.name, each.invited_until is not None) for each in access.accounts.standings(by=admin)] == [
        ("ada", False),
        ("eve", True),
    ]
    with pytest.raises(NotPermittedError):
        access.accounts.standings(by=ada)


def test_nobody_unknown_or_removed_has_an_account(access, admin, ada):
    access.remove_user("ada", by=admin)
    for name, error in (("ada", AlreadyEndedError), ("bob", UserMissingError)):
        for attempt in (
            lambda: access.accounts.change_role(name, Role.CALLER, by=admin),  # noqa: B023
            lambda: access.accounts.end_sessions(name, by=admin),  # noqa: B023
            lambda: access.accounts.unlock(name, by=admin),  # noqa: B023
            lambda: access.accounts.standing(name, by=admin),  # noqa: B023
            lambda: access.accounts.set_password(name, GOOD, by=admin),  # noqa: B023
        ):
            with pytest.raises(error):
                attempt()


def test_services_and_the_owner_of_the_home_have_no_account(access, admin):
    service = access.authenticate(access.create_key("ada", role=Role.ADMINISTRATOR, by=admin).secret)
    for who in (service, admin):
        with pytest.raises(UserMissingError, match="no account"):
            access.accounts.change_password("", GOOD, by=who)


def test_a_home_of_before_opens_and_its_people_set_passwords(tmp_path):
    """Only tables are new: those of an older home stay as they are."""
    from modelward.app import create_home, open_platform
    from modelward.settings import Settings

    settings = Settings(home=tmp_path / "home", **CHEAP)
    made = create_home(settings)
    platform = open_platform(settings)
    new = ("passwords", "second_factors", "recovery_codes", "attempts", "known_places", "session_uses")
    with platform.database.change() as connection:
        for table in new:
            connection.exec_driver_sql(f"drop table access_{table}")
    platform.close()
    platform = open_platform(settings)
    try:
        platform.access.sign_in(made.invitation.read_text().strip(), password=GOOD)
        assert is_open(platform.access, come_in(platform.access, name="admin").session)
        assert platform.access.altered() == []
    finally:
        platform.close()
