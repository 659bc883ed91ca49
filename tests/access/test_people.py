# SPDX-License-Identifier: Apache-2.0
import sqlite3
import threading

import msgspec
import pytest

from modelward.access import (
    Access,
    Actor,
    AlreadyEndedError,
    InvalidNameError,
    NameTakenError,
    NotPermittedError,
    Role,
    UnknownCredentialError,
    UserMissingError,
)
from modelward.access.credential import draw_secret
from modelward.settings import Settings


@pytest.fixture
def hasty(database, ledger, keyring, home, access):
    """Access in which a link or a session is over as soon as it is made."""
    return Access(database, ledger, keyring, settings=Settings(home=home, session_seconds=0, invitation_seconds=0))


def refusal(verb, secret: str) -> str:
    with pytest.raises(UnknownCredentialError) as caught:
        verb(secret)
    return str(caught.value)


def rows(home) -> dict[str, int]:
    raw = sqlite3.connect(home / "modelward.db")
    try:
        tables = ("access_sessions", "access_invitations")
        return {table: raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    finally:
        raw.close()


def test_a_person_signs_in_with_their_link(access, admin):
    invited = access.add_user("ada", role=Role.RISK_OFFICER, by=admin)
    signed_in = access.sign_in(invited.token)
    actor = access.actor_of_session(signed_in.session)
    assert actor == signed_in.actor
    assert (actor.id, actor.name, actor.role, actor.models) == ("person:ada", "ada", Role.RISK_OFFICER, None)
    assert actor.credential
    assert actor.credential in signed_in.session
    assert access.users(by=admin) == [invited.user]


def test_a_link_works_once(access, admin):
    invited = access.add_user("ada", role=Role.AUDITOR, by=admin)
    assert access.is_invitation(invited.token)
    assert access.sign_in(invited.token).actor.name == "ada"
    assert not access.is_invitation(invited.token)
    with pytest.raises(UnknownCredentialError):
        access.sign_in(invited.token)


def test_of_many_who_use_one_link_at_once_one_gets_in(access, admin):
    invited, outcomes = access.add_user("ada", role=Role.AUDITOR, by=admin), []

    def attempt() -> None:
        try:
            outcomes.append(access.sign_in(invited.token).actor.id)
        except UnknownCredentialError:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["person:ada"] + ["refused"] * 7


def test_unknown_used_and_expired_links_read_the_same(access, hasty, admin):
    used = access.add_user("used", role=Role.AUDITOR, by=admin).token
    access.sign_in(used)
    expired = hasty.add_user("expired", role=Role.AUDITOR, by=admin).token
    replaced = access.add_user("replaced", role=Role.AUDITOR, by=admin).token
    access.invite("replaced", by=admin)
    removed = access.add_user("removed", role=Role.AUDITOR, by=admin).token
    access.remove_user("removed", by=admin)
    key = access.create_key("till", role=Role.CALLER, by=admin).secret
    tokens = ["", "mwi_", draw_secret("mwi").text, used, expired, replaced, removed, key]
    assert len({refusal(access.sign_in, token) for token in tokens}) == 1


def test_a_guess_writes_nothing(access, ledger):
    size, revision = ledger.head().size, access.revision()
    refusal(access.sign_in, draw_secret("mwi").text)
    assert (ledger.head().size, access.revision()) == (size, revision)


def test_a_person_may_have_several_sessions_and_ends_one(access, admin):
    first = access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token)
    second = access.sign_in(access.invite("ada", by=admin).token)
    access.sign_out(first.session)
    refusal(access.actor_of_session, first.session)
    assert access.actor_of_session(second.session).id == "person:ada"


def test_signing_out_twice_or_without_a_session_is_no_error(access, admin, ledger):
    session = access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token).session
    access.sign_out(session)
    size = ledger.head().size
    for again in (session, draw_secret("mws").text, "", "nonsense"):
        access.sign_out(again)
    assert ledger.head().size == size


def test_unknown_ended_and_expired_sessions_read_the_same(access, hasty, admin):
    ended = access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token).session
    access.sign_out(ended)
    # The next sign-in would sweep an expired session away, so this one is the last.
    expired = hasty.sign_in(access.invite("ada", by=admin).token).session
    key = access.create_key("till", role=Role.CALLER, by=admin).secret
    assert len({refusal(access.actor_of_session, session) for session in ("", expired, ended, draw_secret("mws").text, key)}) == 1


def test_a_removed_person_acts_no_more(access, admin, ledger):
    session = access.sign_in(access.add_user("ada", role=Role.OPERATOR, by=admin).token).session
    assert access.actor_of_session(session)
    removed = access.remove_user("ada", by=admin)
    assert removed.removed is not None
    refusal(access.actor_of_session, session)
    assert access.users(by=admin) == [removed]


def test_nothing_that_could_open_is_left_of_a_removed_person(access, admin, ledger, home):
    access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token)
    access.sign_in(access.invite("ada", by=admin).token)
    access.invite("ada", by=admin)
    assert rows(home) == {"access_sessions": 2, "access_invitations": 1}
    access.remove_user("ada", by=admin)
    assert rows(home) == {"access_sessions": 0, "access_invitations": 0}
    assert ledger.entries(event="user.removed")[0].entry.facts == {"sessions_ended": 2}


def test_a_sign_in_sweeps_expired_sessions_away(access, hasty, admin, home):
    hasty.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token)
    hasty.sign_in(access.invite("ada", by=admin).token)
    assert rows(home)["access_sessions"] == 1


def test_a_person_is_removed_once(access, admin):
    access.add_user("ada", role=Role.AUDITOR, by=admin)
    access.remove_user("ada", by=admin)
    for verb in (access.remove_user, access.invite):
        with pytest.raises(AlreadyEndedError, match="removed on"):
            verb("ada", by=admin)
        with pytest.raises(UserMissingError, match="modelward users list"):
            verb("bob", by=admin)


def test_a_name_is_given_to_one_person_for_ever(access, admin):
    access.add_user("ada", role=Role.AUDITOR, by=admin)
    with pytest.raises(NameTakenError, match="is a user already"):
        access.add_user("ada", role=Role.AUDITOR, by=admin)
    access.remove_user("ada", by=admin)
    with pytest.raises(NameTakenError, match="ledger still speaks of them"):
        access.add_user("ada", role=Role.AUDITOR, by=admin)
    with pytest.raises(InvalidNameError):
        access.add_user("Ada Example", role=Role.AUDITOR, by=admin)
    assert [user.name for user in access.users(by=admin)] == ["ada"]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_nobody_but_an_administrator_manages_people(access, admin, ledger, role):
    access.add_user("ada", role=Role.AUDITOR, by=admin)
    size, who = ledger.head().size, Actor("person:eve", "eve", role)
    for attempt in (
        lambda: access.add_user("mallory", role=Role.ADMINISTRATOR, by=who),
        lambda: access.invite("ada", by=who),
        lambda: access.remove_user("ada", by=who),
        lambda: access.users(by=who),
    ):
        with pytest.raises(NotPermittedError, match="users:manage"):
            attempt()
    assert ledger.head().size == size


def test_every_change_of_a_person_is_in_the_ledger_and_moves_the_revision(access, admin, ledger):
    start, revisions = ledger.head().size, [access.revision()]

    def noted(value):
        revisions.append(access.revision())
        return value

    noted(access.add_user("ada", role=Role.AUDITOR, by=admin))
    invited = noted(access.invite("ada", by=admin))
    signed_in = noted(access.sign_in(invited.token))
    noted(access.sign_out(signed_in.session))
    noted(access.remove_user("ada", by=admin))
    told = [(entry.entry.event, entry.entry.actor) for entry in ledger.entries(since=start, newest_first=False)]
    assert told == [
        ("user.added", admin.id),
        ("user.invited", admin.id),
        ("session.opened", "person:ada"),
        ("session.closed", "person:ada"),
        ("user.removed", admin.id),
    ]
    assert revisions == sorted(set(revisions))
    assert ledger.verify().is_sound


def test_a_form_token_belongs_to_its_session(access, admin):
    first = access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token).session
    second = access.sign_in(access.invite("ada", by=admin).token).session
    assert access.csrf_of(first) == access.csrf_of(first)
    assert len({access.csrf_of(first), access.csrf_of(second), access.csrf_of(""), access.credential_hash(first)}) == 4


def test_what_services_answer_travels_as_json(access, admin):
    invited = access.add_user("ada", role=Role.AUDITOR, by=admin)
    issued = access.create_key("till", role=Role.CALLER, models=["income"], by=admin)
    for noun in (invited, issued, access.sign_in(invited.token).actor.whoami, access.authenticate(issued.secret).whoami):
        assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(noun)), type(noun)) == noun
