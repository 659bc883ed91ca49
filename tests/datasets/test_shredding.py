# SPDX-License-Identifier: Apache-2.0
"""A dataset that was shredded is gone for everybody, and its end is on record."""

import sqlite3

import pytest

from modelward.access import Actor, NotPermittedError, Role, TermsNotAcceptedError
from modelward.audit import ReasonError
from modelward.datasets import DatasetChangedError, DatasetExistsError, DatasetShreddedError, Sharding, Split
from modelward.digest import sha256_hex
from modelward.storage import DatabaseBusyError

REASON = "the consent ended"


@pytest.fixture
def people(datasets, admin, declared, csv_file):
    datasets.add("people", [csv_file], by=admin, **declared)
    return datasets


def wrapped_keys(home) -> list[bytes]:
    with sqlite3.connect(home / "modelward.db") as raw:
        found = [row[0] for row in raw.execute("SELECT wrapped FROM data_keys WHERE label LIKE 'dataset people%'")]
    raw.close()
    return found


def files_with(home, needle: bytes) -> list[str]:
    return [file.name for file in home.rglob("*") if file.is_file() and needle in file.read_bytes()]


def test_nothing_of_it_opens_again_and_no_file_holds_its_keys(people, home, admin, vault):
    (wrapped, *more), objects = wrapped_keys(home), set(vault.digests())
    assert files_with(home, wrapped), "they are found while they are there"
    gone = people.shredding.shred("people", reason=REASON, by=admin)
    assert [files_with(home, each) for each in (wrapped, *more)] == [[]] * (1 + len(more))
    assert objects
    assert set(vault.digests()) == set()
    for use in (
        lambda: people.profile("people", by=admin),
        lambda: people.table("people", by=admin),
        lambda: people.columns("people", by=admin),
        lambda: people.split("people", Split(), by=admin),
        lambda: people.shard("people", Sharding(parts=2, by="random"), by=admin),
        lambda: people.grants.grant("income", "people", purpose="p", by=admin),
        lambda: people.grants.opened("income", "people", use="train", by=admin),
    ):
        with pytest.raises(DatasetShreddedError, match=r"was shredded on .* by person:root: 'the consent ended'"):
            use()
    assert gone.dataset == "people"


def test_what_is_left_is_its_name_and_that_it_was_shredded(people, admin):
    before = people.show("people", by=admin)
    gone = people.shredding.shred("people", reason=f" {REASON} ", by=admin)
    shown = people.show("people", by=admin)
    assert (shown.shredded, shown.columns, shown.purpose, shown.rows) == (gone, (), before.purpose, before.rows)
    assert (gone.reason, gone.by) == (REASON, admin.id)
    assert [each.shredded for each in people.list(by=admin)] == [gone]


def test_its_name_is_not_given_again(people, admin, declared, csv_file):
    people.shredding.shred("people", reason=REASON, by=admin)
    with pytest.raises(DatasetExistsError, match="was shredded"):
        people.add("people", [csv_file], by=admin, **declared)
    assert people.add("people-again", [csv_file], by=admin, **declared).shredded is None


def test_the_ledger_says_who_why_and_which_keys(people, ledger, admin):
    ids = [key.id for key in people.shredding.keys("people", by=admin)]
    assert all(key.destroyed is None for key in people.shredding.keys("people", by=admin))
    people.shredding.shred("people", reason=REASON, by=admin)
    (entry,) = [found.entry for found in ledger.entries(event="dataset.shredded")]
    assert (entry.actor, entry.subject, entry.facts["reason"]) == (admin.id, "people", REASON)
    assert sorted(entry.facts["keys"]) == sorted(sha256_hex(id.encode()) for id in ids)
    keys = people.shredding.keys("people", by=admin)
    assert sorted(key.id for key in keys) == sorted(ids)
    assert all(key.destroyed and not key.master for key in keys)
    assert ledger.verify().is_sound


def test_shards_of_it_are_named_for_they_hold_its_rows(people, admin):
    people.shard("people", Sharding(parts=2, by="random"), by=admin)
    assert people.shredding.shred("people", reason=REASON, by=admin).shards == ("people-1", "people-2")
    assert people.table("people-1", by=admin).height


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_without_a_reason_nothing_is_shredded(people, admin, reason):
    with pytest.raises(ReasonError, match="1 to 500"):
        people.shredding.shred("people", reason=reason, by=admin)
    assert people.table("people", by=admin).height == 200


@pytest.mark.parametrize("role", [Role.DATA_SCIENTIST, Role.RISK_OFFICER, Role.AUDITOR, Role.OPERATOR, Role.CALLER])
def test_others_shred_nothing(people, admin, role):
    with pytest.raises(NotPermittedError):
        people.shredding.shred("people", reason=REASON, by=Actor("person:eve", "eve", role))
    assert people.table("people", by=admin).height == 200


def test_a_data_owner_may_and_so_may_who_registered_it(datasets, declared, csv_file, home):
    owner, scientist = Actor("person:dora", "dora", Role.DATA_OWNER), Actor("person:sam", "sam", Role.DATA_SCIENTIST)
    datasets.add("first", [csv_file], by=scientist, **declared)
    datasets.add("second", [csv_file], by=owner, **declared)
    with pytest.raises(NotPermittedError):
        datasets.shredding.shred("second", reason=REASON, by=scientist)
    with sqlite3.connect(home / "modelward.db") as raw:
        raw.execute("UPDATE datasets SET by = 'person:sam'")
    raw.close()
    with pytest.raises(Exception, match="not what was sealed with it"):
        datasets.shredding.shred("second", reason=REASON, by=scientist)
    datasets.shredding.shred("first", reason=REASON, by=scientist)
    datasets.shredding.shred("second", reason=REASON, by=owner)


def test_who_was_cut_off_after_the_keys_were_destroyed_finishes_by_doing_it_again(
    people, admin, vault, database, home, monkeypatch
):
    wrapped = wrapped_keys(home)

    def cut_off(_traces):
        raise DatabaseBusyError("Somebody reads.")

    with monkeypatch.context() as cut:
        cut.setattr(database, "erase", cut_off)
        with pytest.raises(DatabaseBusyError):
            people.shredding.shred("people", reason=REASON, by=admin)
    with pytest.raises(DatasetShreddedError):
        people.table("people", by=admin)
    assert list(vault.digests()), "its objects are there still"
    again = people.shredding.shred("people", reason="again", by=admin)
    assert again.reason == REASON
    assert list(vault.digests()) == []
    assert [files_with(home, each) for each in wrapped] == [[]] * len(wrapped)


@pytest.mark.parametrize("deed", ["shred", "erase"])
def test_to_do_it_again_and_again_keeps_nobody_waiting(people, admin, cleared, deed):
    def do():
        if deed == "shred":
            return people.shredding.shred("people", reason=REASON, by=admin)
        return people.erasing.erase("people", rows="age < 30", reason=REASON, by=admin)

    first = do()
    before = len(cleared())
    assert before, "the files were looked at and cut when it was done"
    assert [do() for _ in range(3)] == [first] * 3 if deed == "shred" else [do().keys for _ in range(3)] == [first.keys] * 3
    assert len(cleared()) == before


@pytest.mark.parametrize("deed", ["shred", "erase"])
def test_who_was_cut_off_has_it_done_once_by_doing_it_again(people, admin, database, home, monkeypatch, cleared, deed):
    def do():
        if deed == "shred":
            return people.shredding.shred("people", reason=REASON, by=admin)
        return people.erasing.erase("people", rows="age < 30", reason=REASON, by=admin)

    def cut_off(_traces):
        raise DatabaseBusyError("Somebody reads.")

    wrapped = wrapped_keys(home)
    with monkeypatch.context() as cut:
        cut.setattr(database, "erase", cut_off)
        with pytest.raises(DatabaseBusyError):
            do()
    for _ in range(3):
        do()
        assert cleared().count("VACUUM") == 1
    assert [files_with(home, each) for each in wrapped] == [[]] * len(wrapped)


def test_a_sweep_removes_the_objects_of_what_was_shredded(people, admin, vault, database, monkeypatch):
    monkeypatch.setattr(vault, "discard", lambda _digest: None)
    people.shredding.shred("people", reason=REASON, by=admin)
    monkeypatch.undo()
    assert vault.sweep(named=people.sealed_objects, idle_seconds=0).objects == 2


def test_shards_are_theirs_who_registered_the_whole_also_once_that_was_shredded(datasets, declared, csv_file, ledger, home):
    sam, eve = (Actor(f"person:{name}", name, Role.DATA_SCIENTIST) for name in ("sam", "eve"))
    datasets.add("people", [csv_file], by=sam, **declared)
    datasets.shard("people", Sharding(parts=2, by="random"), by=eve)
    datasets.shard("people-1", Sharding(parts=2, by="random"), by=eve)

    def may(actor, name):
        grants, erasing, shredding = datasets.grants, datasets.erasing, datasets.shredding
        return [room(name, by=actor) for room in (grants.may_grant, erasing.may_erase, shredding.may_shred)]

    names = ("people", "people-2", "people-1-1")
    assert [(may(sam, name), may(eve, name)) for name in names] == [([True] * 3, [False] * 3)] * 3
    for gone in ("people", "people-1"):
        datasets.shredding.shred(gone, reason=REASON, by=sam)
    with sqlite3.connect(home / "modelward.db") as raw:
        raw.execute("UPDATE datasets SET by = 'person:eve' WHERE name = 'people'")
    raw.close()
    assert [(may(sam, name), may(eve, name)) for name in names[1:]] == [([True] * 3, [False] * 3)] * 2
    with pytest.raises(NotPermittedError):
        datasets.erasing.erase("people-1-1", rows="age < 30", reason=REASON, by=eve)
    assert datasets.erasing.erase("people-1-1", rows="age < 30", reason=REASON, by=sam).gone
    datasets.grants.grant("income", "people-2", purpose="tests", by=sam)
    datasets.shredding.shred("people-2", reason=REASON, by=sam)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger_entries WHERE event = 'dataset.registered' AND subject = 'people-1'",
        "UPDATE ledger_entries SET event = 'dataset.other' WHERE event = 'dataset.registered' AND subject = 'people-1'",
        'UPDATE ledger_entries SET entry = CAST(replace(entry, \'"dataset":"people"\', \'"dataset":""\') AS BLOB) '
        "WHERE event = 'dataset.registered' AND subject = 'people-1'",
    ],
    ids=["gone", "under another name", "rewritten"],
)
def test_terms_of_the_whole_bind_what_is_left_of_a_shredded_part_whatever_becomes_of_its_entry(
    people, admin, access, home, statement
):
    people.shard("people", Sharding(parts=2, by="random"), by=admin)
    people.shard("people-1", Sharding(parts=2, by="random"), by=admin)
    people.shredding.shred("people-1", reason=REASON, by=admin)
    access.terms.put("dataset:people", "Keep it to yourself.", by=admin)
    with pytest.raises(TermsNotAcceptedError):
        people.table("people-1-1", by=admin)
    with sqlite3.connect(home / "modelward.db") as raw:
        for verb in ("update", "delete"):
            raw.execute(f"DROP TRIGGER ledger_entries_no_{verb}")  # names are ours
        assert raw.execute(statement).rowcount == 1
    raw.close()
    with pytest.raises(DatasetChangedError, match=r"'people-1' is a shard of.*modelward audit verify"):
        people.table("people-1-1", by=admin)
    with pytest.raises(TermsNotAcceptedError):
        people.table("people-2", by=admin)
