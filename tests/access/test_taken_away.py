# SPDX-License-Identifier: Apache-2.0
"""Who deletes a row takes no protection away, nor who puts an older one back: the ledger, or whoever counted, knows better."""

import base64
import sqlite3

import msgspec
import pytest

from access.test_altered import edit
from access.test_attempts import ELSEWHERE, HERE, LONGEST, NOW, elapse, fail
from access.test_passwords import CHEAP, GOOD, come_in
from access.test_second_factor import enrol, now_step
from modelward.access import (
    Access,
    AlteredRowError,
    Role,
    TermsNotAcceptedError,
    TooManyAttemptsError,
    UnknownCredentialError,
)
from modelward.access.attempt import Remembered, failed_again
from modelward.access.credential import KEY_REVOKED
from modelward.access.ended_on_record import EndedOnRecord
from modelward.access.second_factor import code_at
from modelward.audit import LedgerBrokenError

TEXT = "Nothing that this model says leaves the department."


@pytest.fixture
def settings(settings):
    return msgspec.structs.replace(settings, **CHEAP)


@pytest.fixture
def ada(access, admin):
    return access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token, password=GOOD).actor


@pytest.fixture
def till(access, admin):
    return access.authenticate(access.create_key("till", role=Role.CALLER, by=admin).secret)


def rows_of(home, table: str) -> list[tuple]:
    with sqlite3.connect(home / "modelward.db") as raw:
        found = raw.execute(f"SELECT * FROM {table}").fetchall()  # names are ours
    raw.close()
    return found


def put_back(home, table: str, rows: list[tuple]) -> None:
    with sqlite3.connect(home / "modelward.db") as raw:
        raw.execute(f"DELETE FROM {table}")  # names are ours
        for row in rows:
            raw.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # names are ours
    raw.close()


# Second factors


@pytest.mark.parametrize("is_put_back", [False, True])
def test_a_second_factor_whose_row_is_gone_or_unconfirmed_again_lets_nobody_in(access, ada, home, is_put_back):
    told = access.accounts.begin_second_factor(GOOD, by=ada)
    begun = rows_of(home, "access_second_factors")
    assert come_in(access), "what is not confirmed asks nothing of anybody"
    _confirm(access, told, ada)
    put_back(home, "access_second_factors", begun if is_put_back else [])
    with pytest.raises(UnknownCredentialError):
        come_in(access)
    assert access.altered() == ["second factor 'ada'"]


def test_whose_second_factor_is_gone_sets_no_other_up_before_an_administrator_lets_them(access, admin, ada, home):
    enrol(access, ada)
    edit(home, "DELETE FROM access_second_factors")
    with pytest.raises(AlteredRowError, match="modelward users invite ada"):
        access.accounts.begin_second_factor(GOOD, by=ada)
    again = access.sign_in(access.invite("ada", by=admin).token, password=GOOD).actor
    assert access.altered() == []
    assert come_in(access)
    secret, _ = enrol(access, again)
    assert come_in(access, code=code_at(secret, now_step()))


def test_a_second_factor_that_its_owner_ended_is_over(access, ada):
    enrol(access, ada)
    access.accounts.end_second_factor(GOOD, by=ada)
    assert come_in(access)
    assert access.altered() == []


def test_an_entry_that_somebody_wrote_into_the_ledger_ends_no_second_factor(access, ada, home, ledger):
    enrol(access, ada)
    (set_up,) = ledger.entries(event="second-factor.set")
    edit(home, "DELETE FROM access_second_factors")
    entry = "CAST(replace(CAST(entry AS TEXT), 'second-factor.set', 'second-factor.ended') AS BLOB)"
    forged = f"{entry}, leaf, 'second-factor.ended', actor, subject, request"
    edit(home, f"INSERT INTO ledger_entries SELECT idx + 1000, {forged} FROM ledger_entries WHERE idx = {set_up.index}")  # ours
    with pytest.raises(UnknownCredentialError):
        come_in(access)


# Keys


@pytest.fixture
def revoked(access, admin, home):
    """A key that was revoked, and whose row is again what it was before."""
    made = access.create_key("desk", role=Role.CALLER, by=admin)
    before = rows_of(home, "access_keys")
    access.revoke_key(made.key.id, by=admin)
    put_back(home, "access_keys", before)
    return made


def test_a_revoked_key_whose_older_row_is_put_back_whole_opens_nothing_and_is_named(access, admin, till, home, revoked):
    with pytest.raises(UnknownCredentialError):
        access.authenticate(revoked.secret)
    assert access.credentials([access.credential_hash(revoked.secret)]) == {}
    assert access.altered() == [f"key {revoked.key.id!r}"]
    other = access.create_key("other", role=Role.CALLER, by=admin)
    assert access.authenticate(other.secret).name == "other", "and hides no other"
    access.revoke_key(revoked.key.id, by=admin)
    assert access.altered() == [], "revoking it once more mends it"


def test_a_process_that_begins_later_knows_revoked_keys_as_well(database, ledger, keyring, settings, revoked):
    with pytest.raises(UnknownCredentialError):
        Access(database, ledger, keyring, settings=settings).authenticate(revoked.secret)


def test_the_ledger_is_asked_once_for_each_change_and_after_a_moment_whatever_the_rows_say(access, admin, ledger, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("modelward.access.ended_on_record.time.monotonic", lambda: clock[0])
    keys = [access.create_key(name, role=Role.CALLER, by=admin).key.id for name in ("one", "two", "three")]
    ended = EndedOnRecord(ledger, KEY_REVOKED, id_of=lambda entry: str(entry.facts["key"]))
    assert ended.among(keys, revision=1) == set()
    access.revoke_key(keys[0], by=admin)
    assert ended.among(keys, revision=1) == set(), "as if the number of changes had been put back at once"
    assert ended.among(keys, revision=2) == {keys[0]}
    access.revoke_key(keys[1], by=admin)
    clock[0] += 0.5
    assert ended.among(keys, revision=2) == {keys[0], keys[1]}
    access.revoke_key(keys[2], by=admin)
    assert ended.among(keys) == {*keys}


def test_without_the_ledgers_word_it_would_open_again(access, revoked, monkeypatch):
    """What the tests above are worth."""
    monkeypatch.setattr(access._revoked, "among", lambda _ids, **_: set())
    assert access.authenticate(revoked.secret).name == "desk"


def test_a_revocation_that_is_taken_out_of_the_ledger_as_well_opens_nothing_in_a_process_that_heard_it(
    access, home, ledger, revoked, monkeypatch
):
    monkeypatch.setattr("modelward.access.ended_on_record._GOOD_SECONDS", 0)
    with pytest.raises(UnknownCredentialError):
        access.authenticate(revoked.secret)
    with sqlite3.connect(home / "modelward.db") as raw:
        raw.execute("DROP TRIGGER ledger_entries_no_delete")
    raw.close()
    edit(home, "DELETE FROM ledger_entries WHERE event = 'key.revoked'")
    monkeypatch.undo()
    for _ in range(3):
        # A look that failed is good for nothing, not even for a moment.
        with pytest.raises(LedgerBrokenError, match="modelward audit verify"):
            access.authenticate(revoked.secret)
    assert not ledger.verify().is_sound


# People


@pytest.fixture
def removed(access, admin, home):
    """The session and the password of somebody who was removed, and all of whose rows are again what they were before."""
    signed_in = access.sign_in(access.add_user("eve", role=Role.AUDITOR, by=admin).token, password=GOOD)
    tables = [name for kind, name, *_ in rows_of(home, "sqlite_master") if kind == "table" and name.startswith("access_")]
    before = {table: rows_of(home, table) for table in tables}
    access.remove_user("eve", by=admin)
    for table, rows in before.items():
        put_back(home, table, rows)
    return signed_in


def test_who_was_removed_comes_in_by_no_older_row(access, ada, home, removed):
    with pytest.raises(UnknownCredentialError):
        access.actor_of_session(removed.session)
    with pytest.raises(UnknownCredentialError):
        come_in(access, name="eve")
    assert access.altered() == ["user 'eve'"]
    assert come_in(access), "and nobody else is kept out"


def test_who_is_removed_once_more_is_mended(access, admin, removed):
    access.remove_user("eve", by=admin)
    assert access.altered() == []


def test_without_the_ledgers_word_they_would_come_in(access, removed, monkeypatch):
    """What the tests above are worth."""
    monkeypatch.setattr(access._sessions._removed, "among", lambda _names, **_: set())
    assert access.actor_of_session(removed.session).name == "eve"
    assert come_in(access, name="eve")


# Terms


def test_terms_whose_row_is_gone_let_nobody_through_until_they_are_put_again(access, admin, till, home):
    put = access.terms.put("model:income", TEXT, by=admin)
    access.terms.accept("model:income", by=till)
    assert access.terms.require("model:income", till) == put.digest
    edit(home, "DELETE FROM access_terms")
    with pytest.raises(AlteredRowError, match="modelward terms put model:income FILE"):
        access.terms.require("model:income", till)
    assert access.terms.in_force() == {"model:income": ""}
    assert access.altered() == ["terms 'model:income'"]
    access.terms.put("model:income", TEXT, by=admin)
    assert access.terms.require("model:income", till) == put.digest, "who accepted that text has accepted it"
    assert access.altered() == []


def test_older_terms_that_are_put_back_are_not_those_in_place(access, admin, till, home):
    access.terms.put("model:income", TEXT, by=admin)
    access.terms.accept("model:income", by=till)
    old = rows_of(home, "access_terms")
    access.terms.put("model:income", f"{TEXT} At all.", by=admin)
    with pytest.raises(TermsNotAcceptedError):
        access.terms.require("model:income", till)
    put_back(home, "access_terms", old)
    with pytest.raises(AlteredRowError):
        access.terms.require("model:income", till)
    assert access.terms.in_force() == {"model:income": ""}


def test_a_process_that_begins_later_sees_it_as_well(access, admin, till, home, database, ledger, keyring, settings):
    access.terms.put("model:income", TEXT, by=admin)
    edit(home, "DELETE FROM access_terms")
    later = Access(database, ledger, keyring, settings=settings)
    with pytest.raises(AlteredRowError):
        later.terms.require("model:income", till)


def test_an_entry_that_somebody_wrote_into_the_ledger_puts_no_older_terms_in_place(access, admin, till, home, ledger):
    access.terms.put("model:income", TEXT, by=admin)
    access.terms.accept("model:income", by=till)
    (first,) = ledger.entries(event="terms.put")
    old = rows_of(home, "access_terms")
    access.terms.put("model:income", f"{TEXT} At all.", by=admin)
    copy = f"SELECT idx + 1000, entry, leaf, event, actor, subject, request FROM ledger_entries WHERE idx = {first.index}"  # ours
    edit(home, f"INSERT INTO ledger_entries {copy}")
    put_back(home, "access_terms", old)
    with pytest.raises(AlteredRowError):
        access.terms.require("model:income", till)


def test_who_takes_the_ledgers_word_away_as_well_opens_nothing_in_a_process_that_heard_it(
    access, admin, till, home, database, ledger, keyring, settings
):
    access.terms.put("model:income", TEXT, by=admin)
    access.terms.accept("model:income", by=till)
    with sqlite3.connect(home / "modelward.db") as raw:
        raw.execute("DROP TRIGGER ledger_entries_no_delete")
    raw.close()
    edit(home, "DELETE FROM access_terms")
    edit(home, "DELETE FROM ledger_entries WHERE event = 'terms.put'")
    with pytest.raises(LedgerBrokenError, match="modelward audit verify"):
        access.terms.require("model:income", till)
    later = Access(database, ledger, keyring, settings=settings)
    assert later.terms.require("model:income", till) == "", "who begins later has `audit verify` alone"
    assert not ledger.verify().is_sound


def test_what_has_no_terms_needs_none_still(access, admin, till):
    access.terms.put("model:income", TEXT, by=admin)
    assert access.terms.require("model:other", till) == ""
    assert "model:other" not in access.terms.in_force()


def test_terms_that_were_tampered_with_hide_no_others_and_are_named(access, admin, home):
    for name in ("income", "other", "third"):
        access.terms.put(f"model:{name}", f"{TEXT} {name}", by=admin)
        access.terms.accept(f"model:{name}", by=admin)
    edit(home, "UPDATE access_terms SET \"by\" = 'person:eve' WHERE subject = 'model:other'")
    edit(home, "DELETE FROM access_terms WHERE subject = 'model:third'")
    whole, *broken = access.terms.list(by=admin)
    assert (whole.terms.subject, whole.fault, bool(whole.accepted)) == ("model:income", "", True)
    assert [(each.terms.subject, each.terms.text, each.accepted) for each in broken] == [
        ("model:other", "", None),
        ("model:third", "", None),
    ]
    assert "model:other" in broken[0].fault
    assert "modelward terms put model:third" in broken[1].fault
    assert broken[0].terms.by == admin.id, "who put them is said by the ledger"
    for name in ("other", "third"):
        access.terms.put(f"model:{name}", f"{TEXT} {name}", by=admin)
    assert [bool(each.accepted) for each in access.terms.list(by=admin)] == [True] * 3


def test_an_altered_acceptance_is_none_and_can_be_given_again(access, admin, till, home):
    access.terms.put("model:income", TEXT, by=admin)
    access.terms.accept("model:income", by=till)
    edit(home, "UPDATE access_acceptances SET mac = ''")
    (shown,) = access.terms.list(by=till)
    assert (shown.terms.text, shown.accepted) == (TEXT, None)
    assert "altered" in shown.fault
    access.terms.accept("model:income", by=till)
    assert access.terms.list(by=till)[0].accepted
    assert access.altered() == []


# Attempts


@pytest.mark.parametrize("is_put_back", [False, True])
def test_a_wait_is_not_over_because_its_rows_are_gone_or_older_ones_are_back(access, ada, home, is_put_back):
    fail(access, 1)
    before = rows_of(home, "access_attempts")
    fail(access, 4)
    put_back(home, "access_attempts", before if is_put_back else [])
    with pytest.raises(TooManyAttemptsError):
        come_in(access, address=HERE)


def test_without_a_memory_it_would_be(access, ada, home):
    """What the test above is worth: a process that begins anew goes by the rows alone."""
    fail(access, 5)
    put_back(home, "access_attempts", [])
    access.accounts._attempts._remembered = Remembered()
    assert come_in(access, address=HERE)


def test_what_another_process_forgave_is_forgiven(access, admin, ada, database, ledger, keyring, settings):
    other = Access(database, ledger, keyring, settings=settings)
    fail(access, 5)
    other.accounts.unlock("ada", by=admin)
    assert come_in(access, address=HERE)
    fail(access, 4)
    elapse(database, other, 0)
    assert come_in(other, address=HERE)
    assert fail(access, 5) == [UnknownCredentialError] * 5, "coming in elsewhere in the house forgave what was before"


def test_who_comes_in_does_not_forgive_what_others_failed_at_their_address(access, admin, ada, home):
    access.sign_in(access.add_user("bob", role=Role.AUDITOR, by=admin).token, password=GOOD)
    fail(access, 4, address=ELSEWHERE)
    kept = {row[0]: row for row in rows_of(home, "access_attempts")}
    come_in(access, name="bob", address=ELSEWHERE)
    after = {row[0]: row for row in rows_of(home, "access_attempts")}
    assert sorted(row[2] for key, row in after.items() if key in kept) == sorted(row[2] for row in kept.values())


def test_only_so_many_counts_are_remembered():
    held = Remembered(most=2)
    count = failed_again(None, "pair", free=5, longest=LONGEST, now=NOW)
    for key in "abc":
        held.keep(key, count)
    assert [held.newest(key, None) for key in "abc"] == [None, count, count]


def _confirm(access, told, who):
    return access.accounts.confirm_second_factor(code_at(base64.b32decode(told.secret), now_step() - 1), by=who)
