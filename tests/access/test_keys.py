# SPDX-License-Identifier: Apache-2.0
import hashlib
import hmac
import re
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.access import (
    Access,
    Actor,
    AlreadyEndedError,
    InvalidCredentialError,
    InvalidNameError,
    KeyMissingError,
    NameTakenError,
    NotPermittedError,
    Role,
    UnknownCredentialError,
)
from modelward.access.credential import draw_secret, has_shape, hash_secret
from modelward.access.seal import Seal
from modelward.access.store import keys as rows
from modelward.access.store import sealed
from modelward.audit import LedgerBrokenError
from modelward.errors import ConflictError, UnauthenticatedError
from modelward.storage import Database


def message_of_refusal(access, secret: str) -> str:
    with pytest.raises(UnknownCredentialError) as caught:
        access.authenticate(secret)
    assert isinstance(caught.value, UnauthenticatedError)
    return str(caught.value)


def expire_everything(database, keyring) -> None:
    """Let time pass: every key that has an end has reached it."""
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="microseconds")
    seal = Seal(keyring.secret("pepper"))
    with database.change() as connection:
        for key in rows.keys(connection, seal=seal):
            if key.expires:
                sealed.amend(connection, rows._KEYS, rows._KEYS.c.id == key.id, {"expires": past}, seal)


def test_a_key_opens_for_the_service_it_was_made_for(access, admin):
    issued = access.create_key("till", role=Role.CALLER, models=["income", "churn"], purpose="pre-screening", by=admin)
    actor = access.authenticate(issued.secret)
    assert actor == Actor("service:till", "till", Role.CALLER, ("churn", "income"), "pre-screening", issued.key.id)
    assert access.keys(by=admin) == [issued.key]


def test_a_secret_has_256_random_bits_and_the_id_of_its_key(access, admin):
    issued = access.create_key("till", role=Role.CALLER, by=admin)
    assert re.fullmatch(rf"mw_{issued.key.id}_[A-Za-z0-9_-]{{43}}", issued.secret)
    assert len({draw_secret("mw").text for _ in range(1000)}) == 1000


@given(st.text(max_size=80))
def test_what_is_no_secret_has_no_shape_of_one_and_still_a_hash(text):
    assert has_shape("mw", text) == bool(re.fullmatch(r"mw_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", text))
    assert len(hash_secret(b"pepper", text)) == 64


@pytest.mark.parametrize("kind", ["mw", "mwi", "mws"])
def test_a_secret_of_one_kind_is_none_of_another(kind):
    text = draw_secret(kind).text
    assert [other for other in ("mw", "mwi", "mws") if has_shape(other, text)] == [kind]
    assert not has_shape(kind, text + "\n")


def test_unknown_revoked_expired_and_broken_keys_read_the_same(access, admin, database, keyring):
    soon = datetime.now(UTC) + timedelta(hours=1)
    revoked = access.create_key("revoked", role=Role.CALLER, by=admin)
    expired = access.create_key("expired", role=Role.CALLER, expires=soon, by=admin)
    valid = access.create_key("valid", role=Role.CALLER, by=admin)
    assert access.authenticate(revoked.secret)
    assert access.authenticate(expired.secret)
    access.revoke_key(revoked.key.id, by=admin)
    expire_everything(database, keyring)
    others = [
        "",
        "x",
        "mw_",
        draw_secret("mw").text,
        valid.secret[:-1],
        valid.secret + "A",
        valid.secret.upper(),
        "mw_\udcff",
        "é" * 99,
    ]
    others += [f"mw_{valid.key.id}_" + "A" * 43, draw_secret("mws").text, " " + valid.secret]
    messages = {message_of_refusal(access, secret) for secret in [revoked.secret, expired.secret, *others]}
    assert len(messages) == 1
    assert access.authenticate(valid.secret).name == "valid"


def test_secrets_lie_nowhere_and_are_shown_nowhere(access, admin, ledger, home, tmp_path):
    issued = access.create_key("till", role=Role.CALLER, by=admin)
    invited = access.add_user("ada", role=Role.AUDITOR, by=admin)
    signed_in = access.sign_in(invited.token)
    ledger.export(tmp_path / "export")
    for secret in (issued.secret, invited.token, signed_in.session):
        random_part = secret.split("_", 2)[2].encode()
        assert [str(file) for file in tmp_path.rglob("*") if file.is_file() and random_part in file.read_bytes()] == []
        shown = (
            repr(issued)
            + repr(invited)
            + repr(signed_in)
            + repr(access.keys(by=admin))
            + repr(access.credentials(access.changed_secrets().digests))
        )
        assert random_part.decode() not in shown
    (home / "planted").write_text(issued.secret)
    assert any(issued.secret.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_without_the_pepper_the_database_opens_nothing(access, admin, database, ledger, settings, tmp_path):
    from conftest import new_secrets
    from modelward.storage import Keyring

    issued = access.create_key("till", role=Role.CALLER, by=admin)
    other = Access(database, ledger, Keyring.create(tmp_path / "other.json", secrets=new_secrets()), settings=settings)
    assert access.authenticate(issued.secret)
    assert message_of_refusal(other, issued.secret)


def test_what_is_kept_of_a_secret_is_its_hash_under_the_pepper_alone(access, admin, keyring, home):
    """Who has the database can confirm no guess of a secret: a plain hash of it is not there."""
    issued = access.create_key("till", role=Role.CALLER, by=admin)
    keyed = hmac.new(keyring.secret("pepper"), issued.secret.encode(), hashlib.sha256).hexdigest()
    plain = hashlib.sha256(issued.secret.encode()).hexdigest()
    rows = b"".join(file.read_bytes() for file in home.glob("modelward.db*"))
    assert keyed.encode() in rows
    assert plain.encode() not in rows
    assert keyring.secret("pepper") not in rows


def test_a_name_is_given_to_one_key_for_ever(access, admin, database, keyring):
    till = access.create_key("till", role=Role.CALLER, by=admin)
    kiosk = access.create_key("kiosk", role=Role.CALLER, expires=datetime.now(UTC) + timedelta(hours=1), by=admin)
    with pytest.raises(NameTakenError, match="modelward keys list") as caught:
        access.create_key("till", role=Role.CALLER, by=admin)
    assert isinstance(caught.value, ConflictError)
    access.revoke_key(till.key.id, by=admin)
    expire_everything(database, keyring)
    for name in ("till", "kiosk"):
        with pytest.raises(NameTakenError, match=f"ledger still speaks of it. Choose another name, as `{name}-2`"):
            access.create_key(name, role=Role.CALLER, by=admin)
    assert [key.id for key in access.keys(by=admin)] == [till.key.id, kiosk.key.id]


def test_of_many_keys_the_newest_are_listed_and_others_are_found_by_how_their_name_begins(access, admin):
    for name in ("till-1", "till-2", "kiosk", "tillage", "till-3"):
        access.create_key(name, role=Role.CALLER, by=admin)

    def listed(**asked):
        return [key.name for key in access.keys(**asked, by=admin)]

    assert listed() == ["till-1", "till-2", "kiosk", "tillage", "till-3"]
    assert listed(limit=2) == ["tillage", "till-3"]
    assert listed(name="till-") == ["till-1", "till-2", "till-3"]
    assert listed(name="till", limit=3) == ["till-2", "tillage", "till-3"]
    assert listed(name="%") == listed(name="till-11") == []


def test_a_listed_key_tells_when_it_was_used_and_how_long_its_former_secret_opens_it(access, admin):
    till = access.create_key("till", role=Role.CALLER, by=admin)
    access.create_key("kiosk", role=Role.CALLER, by=admin)
    access.rotate_key(till.key.id, grace_seconds=3600, by=admin)
    access.note_uses({till.key.id: datetime.now(UTC)})
    (listed,) = access.keys(name="till", by=admin)
    assert listed.former_until is not None
    assert listed.last_used is not None
    assert listed == access.key(till.key.id, by=admin)


def test_a_key_is_revoked_once(access, admin):
    issued = access.create_key("till", role=Role.CALLER, by=admin)
    revoked = access.revoke_key(issued.key.id, by=admin)
    assert revoked.revoked is not None
    with pytest.raises(AlreadyEndedError, match="revoked on"):
        access.revoke_key(issued.key.id, by=admin)
    with pytest.raises(KeyMissingError, match="modelward keys list"):
        access.revoke_key("nobodys", by=admin)


@pytest.mark.parametrize("deed", ["key", "rotate_key", "revoke_key"])
def test_who_has_a_secret_in_their_hands_is_told_its_id_and_the_secret_is_not_said_again(access, admin, deed):
    """A key that leaked is found by its secret, and has to be ended at once."""
    issued = access.create_key("till", role=Role.CALLER, by=admin)
    for said in (issued.secret, issued.secret[:12], issued.secret[:30]):
        with pytest.raises(KeyMissingError) as refused:
            getattr(access, deed)(said, by=admin)
        assert issued.key.id in str(refused.value)
        assert issued.secret[11:] not in str(refused.value)
        assert issued.secret[:13] not in str(refused.value)


PAST = datetime(2020, 1, 1, tzinfo=UTC)
NAIVE = datetime(2090, 1, 1)
WRONG = [
    ({"expires": PAST}, InvalidCredentialError, "lies in the past"),
    ({"expires": NAIVE}, InvalidCredentialError, "no time zone"),
    ({"models": []}, InvalidCredentialError, "1 to 1000 models"),
    ({"models": ["../x"]}, InvalidNameError, "name of a model"),
    ({"models": ["m"] * 1001}, InvalidCredentialError, "1 to 1000 models"),
    ({"purpose": "x" * 501}, InvalidCredentialError, "500 characters"),
    ({"purpose": "two\nlines"}, InvalidCredentialError, "one line"),
    ({"purpose": " ; . "}, InvalidCredentialError, "names no purpose"),
]


@pytest.mark.parametrize(("terms", "error", "message"), WRONG)
def test_a_key_that_cannot_be_is_refused_and_nothing_is_written(access, admin, ledger, terms, error, message):
    size, revision = ledger.head().size, access.revision()
    with pytest.raises(error, match=message):
        access.create_key("till", role=Role.CALLER, **terms, by=admin)
    assert (access.keys(by=admin), ledger.head().size, access.revision()) == ([], size, revision)


def test_an_expiry_is_kept_in_utc(access, admin):
    from datetime import timezone

    expires = datetime(2090, 1, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    key = access.create_key("till", role=Role.CALLER, expires=expires, by=admin).key
    assert key.expires == expires
    assert key.expires.isoformat() == "2090-01-01T04:00:00+00:00"
    assert access.keys(by=admin) == [key]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_nobody_but_an_administrator_manages_keys(access, admin, ledger, role):
    issued = access.create_key("till", role=Role.CALLER, by=admin)
    size = ledger.head().size
    who = Actor("person:eve", "eve", role)
    for attempt in (
        lambda: access.create_key("mine", role=Role.ADMINISTRATOR, by=who),
        lambda: access.keys(by=who),
        lambda: access.revoke_key(issued.key.id, by=who),
    ):
        with pytest.raises(NotPermittedError, match="keys:manage"):
            attempt()
    assert access.keys(by=admin) == [issued.key]
    assert ledger.head().size == size


def test_a_limited_administrator_cannot_make_an_unlimited_one(access, admin):
    issued = access.create_key("limited", role=Role.ADMINISTRATOR, models=["income"], by=admin)
    limited = access.authenticate(issued.secret)
    with pytest.raises(NotPermittedError, match="limited to income"):
        access.create_key("unlimited", role=Role.ADMINISTRATOR, by=limited)
    with pytest.raises(NotPermittedError, match="limited to income"):
        access.add_user("eve", role=Role.ADMINISTRATOR, by=limited)


def test_a_change_and_its_entry_are_written_together_or_not_at_all(access, admin, home):
    before = access.create_key("before", role=Role.CALLER, by=admin)
    with sqlite3.connect(home / "modelward.db") as raw:
        raw.execute("UPDATE ledger_head SET checkpoint = 'forged'")
    raw.close()
    with pytest.raises(LedgerBrokenError):
        access.create_key("after", role=Role.CALLER, by=admin)
    with pytest.raises(LedgerBrokenError):
        access.revoke_key(before.key.id, by=admin)
    assert access.keys(by=admin) == [before.key]


def test_every_change_of_a_key_is_in_the_ledger(access, admin, ledger):
    issued = access.create_key("till", role=Role.CALLER, models=["income"], purpose="p", by=admin)
    access.revoke_key(issued.key.id, by=admin)
    created, revoked = (entry.entry for entry in ledger.entries(subject="key till", newest_first=False))
    assert (created.event, created.actor) == ("key.created", admin.id)
    assert created.facts == {"key": issued.key.id, "role": "caller", "models": ["income"], "purpose": "p", "expires": None}
    assert (revoked.event, revoked.actor, revoked.facts) == ("key.revoked", admin.id, {"key": issued.key.id})
    assert ledger.verify().is_sound


def test_a_server_that_keeps_credentials_learns_what_changed(access, admin, home, ledger, keyring, settings):
    elsewhere = Access(Database(f"sqlite:///{home / 'modelward.db'}"), ledger, keyring, settings=settings)
    revisions = [elsewhere.revision()]
    issued = access.create_key("till", role=Role.CALLER, expires=datetime.now(UTC) + timedelta(hours=1), by=admin)
    revisions.append(elsewhere.revision())
    held = elsewhere.credentials(elsewhere.changed_secrets().digests)
    assert held[elsewhere.credential_hash(issued.secret)].actor == access.authenticate(issued.secret)
    assert held[elsewhere.credential_hash(issued.secret)].expires == issued.key.expires
    assert elsewhere.credential_hash("mw_guess") not in held
    access.revoke_key(issued.key.id, by=admin)
    revisions.append(elsewhere.revision())
    assert elsewhere.credentials(elsewhere.changed_secrets().digests) == {}
    assert revisions == sorted(set(revisions))
    elsewhere._database.close()


def test_an_expired_key_is_no_credential(access, admin, database, keyring):
    access.create_key("till", role=Role.CALLER, expires=datetime.now(UTC) + timedelta(hours=1), by=admin)
    assert len(access.credentials(access.changed_secrets().digests)) == 1
    expire_everything(database, keyring)
    assert access.credentials(access.changed_secrets().digests) == {}
