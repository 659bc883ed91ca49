# SPDX-License-Identifier: Apache-2.0
import random
import string
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.access import Role, UnknownCredentialError, WeakPasswordError, WrongPasswordError
from modelward.access.common_passwords import is_common
from modelward.access.password import Hasher, check_password

GOOD = "seven brass herons at dusk"
OTHER = "nine copper owls at dawn"
CHEAP = {"password_memory_kib": 19_456, "password_passes": 2, "password_lanes": 1}


@pytest.fixture
def settings(settings):
    return msgspec.structs.replace(settings, **CHEAP)


@pytest.fixture
def ada(access, admin):
    """A person with a password."""
    return access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token, password=GOOD).actor


def come_in(access, name="ada", password=GOOD, **options):
    return access.accounts.sign_in(name, password, **{"address": "192.0.2.1"} | options)


@pytest.mark.parametrize(
    "password",
    [
        *("aaaaaaaaaaaa", "abababababab", "abcabcabcabcabc", "qwertyuiop1234", "1234567890abc", "asdfghjklasdfgh", "0987654321098"),
        *(
            "Password1234!",
            "P@ssw0rd2024!",
            "Welcome12345!",
            "adminadmin123",
            "letmein letmein",
            "1q2w3e4r5t6y",
            "1qaz2wsx3edc4rfv",
        ),
        *(
            "Iloveyou2024",
            "Summer2025!!!",
            "abcdefghijklmnop",
            "superman123456",
            "correct horse 12",
            "Passwort-2024",
            "changeme!!!!",
        ),
    ],
)
def test_what_anybody_tries_first_is_no_password(password):
    assert is_common(password)
    with pytest.raises(WeakPasswordError, match="first that anybody tries") as caught:
        check_password(password, name="ada")
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    "password",
    [GOOD, OTHER, "x9#Lq2!vRt7&", "correct horse battery staple", "海纳百川有容乃大壁立千仞", "kvothe-arliden-9", "fm7p-q2xw-81ud"],
)
def test_what_somebody_chose_is_one(password):
    assert check_password(password, name="ada") == password


def test_a_drawn_password_is_hardly_ever_common():
    draw = random.Random(7)
    drawn = ["".join(draw.choice(string.ascii_letters + string.digits) for _ in range(16)) for _ in range(2000)]
    assert [each for each in drawn if is_common(each)] == []


@given(st.text(min_size=6, max_size=40))
def test_twice_the_same_text_is_always_common(text):
    assert is_common(text * 2)


@pytest.mark.parametrize(
    ("password", "told"), [("short", "fewer than 12"), ("x1y2" * 257, "more than 1024"), ("ada-ada-1815", "name")]
)
def test_a_password_is_neither_short_nor_endless_nor_the_name(password, told):
    with pytest.raises(WeakPasswordError, match=told):
        check_password(password, name="ada")
    assert check_password("a canada goose by the lake", name="ada")


def test_one_password_typed_on_two_keyboards_is_one(access, ada):
    composed, decomposed = "caf\u00e9 au lait at dusk", "cafe\u0301 au lait at dusk"
    access.accounts.change_password(GOOD, composed, by=ada)
    assert come_in(access, password=decomposed).actor.name == "ada"


def test_a_password_is_set_with_the_link_and_opens_from_then_on(access, admin, ledger):
    invited = access.add_user("ada", role=Role.AUDITOR, by=admin)
    access.sign_in(invited.token, password=GOOD)
    signed_in = come_in(access)
    assert access.actor_of_session(signed_in.session).id == "person:ada"
    assert come_in(access, name=" ADA ").actor.name == "ada"
    assert [each.entry.facts.get("means") for each in ledger.entries(event="session.opened")] == ["password", "password", "link"]
    assert len(ledger.entries(event="password.set")) == 1


def test_a_weak_password_leaves_the_link_as_good_as_it_was(access, admin, ledger):
    invited, size = access.add_user("ada", role=Role.AUDITOR, by=admin), ledger.head().size
    with pytest.raises(WeakPasswordError):
        access.sign_in(invited.token, password="Password1234!")
    assert ledger.head().size == size
    assert access.sign_in(invited.token, password=GOOD)


def test_unknown_removed_without_password_and_wrong_read_the_same_at_the_same_cost(access, admin, ada):
    access.add_user("bob", role=Role.AUDITOR, by=admin)
    access.sign_in(access.add_user("eve", role=Role.AUDITOR, by=admin).token, password=OTHER)
    access.remove_user("eve", by=admin)
    hasher, told, costs = access.accounts.hasher, set(), []
    for name, password in (
        ("ada", OTHER),
        ("nobody", GOOD),
        ("bob", GOOD),
        ("eve", OTHER),
        ("ada", ""),
        ("", ""),
        ("x" * 3000, "y" * 9000),
    ):
        before = hasher.calls
        with pytest.raises(UnknownCredentialError) as caught:
            come_in(access, name=name, password=password)
        told.add(str(caught.value))
        costs.append(hasher.calls - before)
    assert len(told) == 1
    assert costs == [1] * 7
    before = hasher.calls
    come_in(access)
    assert hasher.calls - before == 1, "a right one costs the same"


def test_a_person_changes_their_password_with_the_old_one_and_every_session_ends(access, ada, ledger):
    first, second = come_in(access), come_in(access)
    with pytest.raises(WrongPasswordError):
        access.accounts.change_password(OTHER, OTHER, by=first.actor)
    with pytest.raises(WeakPasswordError):
        access.accounts.change_password(GOOD, "ada-ada-1815", by=first.actor)
    assert access.actor_of_session(second.session)
    renewed = access.accounts.change_password(GOOD, OTHER, by=first.actor)
    assert access.actor_of_session(renewed.session).id == "person:ada"
    assert renewed.session not in {first.session, second.session}
    for ended in (first, second):
        with pytest.raises(UnknownCredentialError):
            access.actor_of_session(ended.session)
    with pytest.raises(UnknownCredentialError):
        come_in(access)
    assert come_in(access, password=OTHER)


def test_who_came_by_a_link_sets_a_first_password_without_an_old_one(access, admin):
    signed_in = access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token)
    access.accounts.change_password("", GOOD, by=signed_in.actor)
    assert come_in(access)
    with pytest.raises(WrongPasswordError):
        access.accounts.change_password("", OTHER, by=come_in(access).actor)


def test_a_new_invitation_ends_the_password_and_the_sessions_that_rested_on_it(access, admin, ada):
    session, token = come_in(access).session, access.invite("ada", by=admin).token
    with pytest.raises(UnknownCredentialError):
        come_in(access)
    with pytest.raises(UnknownCredentialError):
        access.actor_of_session(session)
    assert access.sign_in(token, password=OTHER)


def test_a_new_password_ends_an_unused_link(access, admin):
    token = access.add_user("ada", role=Role.AUDITOR, by=admin).token
    access.accounts.set_password("ada", GOOD, by=admin)
    assert not access.is_invitation(token)
    assert come_in(access)


def test_a_removed_persons_password_is_gone(access, admin, ada, database):
    access.remove_user("ada", by=admin)
    with pytest.raises(UnknownCredentialError):
        come_in(access)
    with database.look() as connection:
        assert connection.exec_driver_sql("select count(*) from access_passwords").scalar() == 0


def test_the_row_of_a_password_cannot_be_swapped(access, admin, ada, database):
    """Who writes into the database puts what was kept of a password that they know in place of another's."""
    access.sign_in(access.add_user("eve", role=Role.AUDITOR, by=admin).token, password=OTHER)
    with database.change() as connection:
        statement = "update access_passwords set kept = (select kept from access_passwords where user = 'eve') where user = 'ada'"
        connection.exec_driver_sql(statement)
    assert access.altered() == ["password 'ada'"]
    for password in (GOOD, OTHER):
        with pytest.raises(UnknownCredentialError):
            come_in(access, password=password)
    assert come_in(access, name="eve", password=OTHER)


def test_a_dump_of_the_database_opens_nothing(access, admin, ada, database, settings):
    """Neither a password nor its hash without the pepper, nor any secret, can be read or used; the pepper is in the keyring."""
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    token, session = access.add_user("bob", role=Role.AUDITOR, by=admin).token, come_in(access).session
    key = access.create_key("till", role=Role.CALLER, by=admin).secret
    with database.look() as connection:
        dump = "\n".join(connection.connection.iterdump())
        kept = connection.exec_driver_sql("select kept from access_passwords").scalar()
    assert not [secret for secret in (GOOD, token, session, key) if secret in dump]
    assert kept in dump, "the dump holds what is kept"
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(kept, GOOD)
    elsewhere = Hasher(b"another pepper", settings=settings)
    assert not elsewhere.fits(kept, GOOD)
    for found in (kept, *(word for word in dump.replace("'", " ").split() if len(word) == 64)):
        with pytest.raises(UnknownCredentialError):
            access.actor_of_session(found)


def test_what_cost_less_is_made_anew_at_the_next_sign_in(access, database, ledger, keyring, settings, ada):
    from modelward.access import Access

    def kept() -> str:
        with database.look() as connection:
            return connection.exec_driver_sql("select kept from access_passwords").scalar()

    before = kept()
    come_in(access)
    assert kept() == before
    dearer = Access(database, ledger, keyring, settings=msgspec.structs.replace(settings, password_passes=3))
    come_in(dearer)
    assert "t=3" in kept()
    after = kept()
    come_in(access)
    assert kept() == after, "never made cheaper"


def test_nobody_but_a_manager_sets_the_password_of_another(access, ada, admin):
    from modelward.access import NotPermittedError

    access.add_user("bob", role=Role.AUDITOR, by=admin)
    with pytest.raises(NotPermittedError):
        access.accounts.set_password("bob", OTHER, by=ada)
    with pytest.raises(NotPermittedError):
        access.accounts.set_password("ada", OTHER, by=replace(ada, id="service:ada"))
