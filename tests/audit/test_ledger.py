# SPDX-License-Identifier: Apache-2.0
"""What is recorded stays, in order, in the caller's transaction, and can be found again."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import naive
from audit.opened import DONE, close, draft, law, open_ledger
from modelward.audit import (
    LEDGER_OPENED,
    Checkpoint,
    Draft,
    EntryUnreadableError,
    Ledger,
    LedgerMissingError,
    LoggedEntry,
    UnrecordableError,
    Verification,
    open_checkpoint,
)
from modelward.audit.checkpoint import VerifierKey
from modelward.storage import Database, FolderTakenError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def record(database, ledger, count=1, **given):
    with database.change() as connection:
        return [ledger.record(connection, DONE, **{"actor": "person:ada", "subject": "income:1"} | given) for _ in range(count)]


def test_a_new_ledger_holds_one_entry_that_says_so(ledger):
    (first,) = ledger.entries()
    assert (first.index, first.entry.event, first.entry.subject) == (0, LEDGER_OPENED.name, "modelward/test")
    assert first.entry.facts == {"public_key": ledger.public_key()}
    assert ledger.verify().is_sound


def test_a_look_into_the_ledger_leaves_its_connection_to_the_next_one(database, ledger):
    for look in (ledger.head, ledger.public_key, lambda: ledger.entries(event="ledger.opened")):
        database._resting.clear()
        assert look()
        assert len(database._resting) == 1, "to open another takes ten times as long as the look"


def test_a_ledger_is_begun_once(ledger):
    ledger.create("modelward/second")
    assert (ledger.head().size, ledger.head().origin) == (1, "modelward/test")


def test_without_a_ledger_nothing_is_recorded(database, keyring, home):
    database.create_tables()
    none = Ledger(database, keyring, anchor=home / "ledger.checkpoint")
    with pytest.raises(LedgerMissingError, match="modelward init"):
        none.commit(lambda: [draft(1)])
    assert not none.verify().is_sound
    assert not none.anchor_now()


def test_an_entry_is_recorded_with_its_change_or_not_at_all(database, ledger):
    def change_that_fails():
        with database.change() as connection:
            ledger.record(connection, DONE, actor="person:ada", subject="income:1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_that_fails()
    assert ledger.head().size == 1
    assert record(database, ledger) == [1]
    assert ledger.verify().is_sound


@settings(law, max_examples=30)
@given(st.lists(st.integers(1, 150), min_size=1, max_size=4))
def test_groups_of_any_size_make_the_log_of_the_definition(tmp_path_factory, sizes):
    ledger = open_ledger(tmp_path_factory.mktemp("groups"))
    expected = 1
    for size in sizes:
        group = [draft(number) for number in range(size)]
        assert ledger.commit(group.copy) == expected
        expected += size
    with ledger._database.look() as connection:
        stored = [row[0] for row in connection.exec_driver_sql("SELECT entry FROM ledger_entries ORDER BY idx")]
    assert ledger.head().root == naive.head(stored).hex()
    assert ledger.verify().is_sound
    close(ledger)


def test_each_entry_holds_the_leaf_hash_of_the_one_before(database, ledger):
    record(database, ledger, 5)
    logged = ledger.entries(newest_first=False)
    assert [one.entry.previous for one in logged] == ["", *(one.leaf for one in logged[:-1])]
    assert [one.entry.index for one in logged] == list(range(6))


def test_every_transaction_leaves_a_checkpoint_that_other_code_verifies(database, ledger):
    record(database, ledger, 3)
    head = ledger.head()
    assert naive.open_note(head.text, ledger.public_key())[:2] == ["modelward/test", "4"]
    assert open_checkpoint(head.text, VerifierKey.parse(ledger.public_key())) == head


def test_a_ledger_opened_again_goes_on(database, ledger, keyring, home):
    record(database, ledger)
    again = Ledger(Database(f"sqlite:///{home / 'modelward.db'}"), keyring, anchor=home / "ledger.checkpoint")
    assert again.commit(lambda: [draft(2)]) == 2
    again._database.close()
    assert record(database, ledger) == [3]
    assert ledger.verify().is_sound


def test_entries_are_found_by_what_they_say(database, ledger):
    record(database, ledger, 2, subject="income:1")
    record(database, ledger, 2, subject="income:2", request="r-1")
    record(database, ledger, 1, actor="service:till", subject="income:2")

    def found(**filters):
        return [one.index for one in ledger.entries(**filters)]

    assert found() == [5, 4, 3, 2, 1, 0]
    assert found(event=DONE.name, newest_first=False) == [1, 2, 3, 4, 5]
    assert found(subject="income:2") == [5, 4, 3]
    assert found(subject="income:2", actor="person:ada") == [4, 3]
    assert found(request="r-1") == [4, 3]
    assert found(since=4) == [5, 4]
    assert found(limit=2) == [5, 4]
    assert found(limit=-1) == found(limit=0) == found(actor="' OR 1=1") == []


@settings(law, max_examples=50)
@given(st.dictionaries(st.text(), JSON, max_size=5), st.text(), st.text())
def test_facts_come_back_as_they_were(tmp_path_factory, facts, actor, request_id):
    ledger = open_ledger(tmp_path_factory.mktemp("facts"))
    ledger.commit(lambda: [Draft(DONE, actor=actor, subject="s", facts=facts, request=request_id)])
    entry = ledger.entries(limit=1)[0].entry
    assert (entry.facts, entry.actor, entry.request) == (facts, actor, request_id)
    assert ledger.verify().is_sound
    close(ledger)


@pytest.mark.parametrize("facts", [{"x": object()}, {"x": "\ud800"}, {"x": "a" * (64 << 10)}], ids=["object", "surrogate", "large"])
def test_what_cannot_be_recorded_fails_before_anything_is_written(database, ledger, facts):
    with pytest.raises(UnrecordableError, match=DONE.name):
        record(database, ledger, facts=facts)
    assert ledger.head().size == 1


def test_an_unreadable_entry_is_not_shown_as_one(database, ledger):
    with database.change() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_entries_no_update")
        connection.exec_driver_sql("UPDATE ledger_entries SET entry = 'x'")
    with pytest.raises(EntryUnreadableError, match="audit verify"):
        ledger.entries()


def test_commitments_of_two_requests_do_not_tell_equal_payloads(ledger):
    assert ledger.request_key("r-1").commitment(b"yes") != ledger.request_key("r-2").commitment(b"yes")
    assert ledger.request_key("r-1").commitment(b"yes") == ledger.request_key("r-1").commitment(b"yes")
    assert len(ledger.request_key("r-1").secret) == 32


def test_a_key_derived_beforehand_leaves_the_same_entry(ledger):
    known = ledger.form(DONE, actor="a", subject="s", filled=(), fixed={}).draft("r-1", b"asked", b"answered")
    ledger.commit(lambda: [known, Draft(DONE, actor="a", subject="s", request="r-1"), Draft(DONE, actor="a", subject="s")])
    first, second, third = (one.entry for one in ledger.entries(since=1, newest_first=False))
    assert first.key == second.key == hashlib.sha256(ledger.request_key("r-1").secret).hexdigest()
    assert third.key == ""


def test_what_another_process_anchors_meanwhile_is_no_fault(database, keyring, ledger, home, caplog):
    other = Ledger(Database(f"sqlite:///{home / 'modelward.db'}"), keyring, anchor=home / "ledger.checkpoint")
    look = ledger._look

    def late():
        # The other one appends and anchors before this one looks, and after it has seen what was kept.
        with other._database.change() as connection:
            other.record(connection, DONE, actor="service:other", subject="x")
        assert other.anchor_now()
        return look()

    ledger._look = late
    assert ledger.anchor_now()
    assert not caplog.records
    assert ledger.verify().is_sound


def test_the_anchor_follows_the_ledger(database, ledger, home):
    anchor = home / "ledger.checkpoint"
    assert anchor.read_text() == ledger.head().text
    record(database, ledger)
    assert anchor.read_text() != ledger.head().text
    assert ledger.verify().is_sound
    assert ledger.anchor_now()
    assert anchor.read_text() == ledger.head().text
    record(database, ledger)
    ledger.anchor_when_due()
    assert anchor.read_text() != ledger.head().text, "at most once a second"


def test_the_nouns_travel_as_json(database, ledger):
    record(database, ledger, facts={"rows": 3})
    for noun in (ledger.head(), ledger.entries(limit=1)[0], ledger.verify()):
        assert msgspec.json.decode(msgspec.json.encode(noun), type=type(noun)) == noun
    assert isinstance(ledger.head(), Checkpoint)
    assert isinstance(ledger.verify(), Verification)
    assert isinstance(ledger.entries()[0], LoggedEntry)
    assert datetime.now(UTC) >= ledger.entries()[0].entry.at


def test_verification_tells_how_far_it_is(database, ledger):
    record(database, ledger, 9)
    seen = []
    ledger.verify(lambda done, total: seen.append((done, total)))
    assert seen == [(10, 10)]


def test_an_export_verifies_without_modelward(database, ledger, tmp_path):
    record(database, ledger, 20)
    folder = tmp_path / "evidence"
    assert ledger.export(folder) == 21
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "checkpoint.txt", "entries.jsonl", "public-key.txt"]
    lines = (folder / "entries.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["index"] for line in lines] == list(range(21))

    script = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]

    def verified():
        return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)

    assert verified().stdout == "21 entries verified\n"
    (folder / "entries.jsonl").write_bytes(b"\n".join([*lines[:5], lines[5].replace(b"ada", b"eve"), *lines[6:]]) + b"\n")
    assert "NOT GENUINE" in verified().stderr
    with pytest.raises(FolderTakenError):
        ledger.export(folder)


def test_an_export_that_is_cut_off_leaves_nothing_behind(database, ledger, tmp_path, monkeypatch):
    from modelward.audit import export

    record(database, ledger, 3)
    folder = tmp_path / "evidence"
    monkeypatch.setattr(export, "_HOW_TO_VERIFY", None)  # the last file cannot be written
    with pytest.raises(TypeError):
        ledger.export(folder)
    assert [path.name for path in tmp_path.iterdir() if "evidence" in path.name] == []
    monkeypatch.undo()
    folder.mkdir()
    assert ledger.export(folder) == 4
