# SPDX-License-Identifier: Apache-2.0
"""Somebody's rows are taken out for good: of the dataset, of its shards, of every file; the rest is there as before."""

import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from modelward.access import Actor, NotPermittedError, Role, TermsNotAcceptedError
from modelward.audit import ReasonError
from modelward.datasets import (
    ErasedMeanwhileError,
    InvalidFilterError,
    NotErasableError,
    NothingToEraseError,
    Seen,
    Sharding,
    fingerprint,
)
from modelward.digest import sha256_hex
from modelward.storage import DatabaseBusyError, NoSpaceError

REASON = "objection of 3 November"
CANARY = "Canaryville-on-Sea"


@pytest.fixture
def people(datasets, admin, declared, table, tmp_path):
    """200 people, of whom the last three live where nobody else does."""
    import polars as pl

    towns = [*table.get_column("town").to_list()[:-3], *[CANARY] * 3]
    path = tmp_path / "people.csv"
    table.with_columns(pl.Series("town", towns)).write_csv(path)
    datasets.add("people", [path], by=admin, **declared)
    path.unlink()
    return datasets


def erase(people, admin, rows=f'town == "{CANARY}"', **more):
    return people.erasing.erase("people", rows=rows, **{"reason": REASON, "by": admin} | more)


def wrapped_keys(home) -> list[bytes]:
    with sqlite3.connect(home / "modelward.db") as raw:
        found = [row[0] for row in raw.execute("SELECT wrapped FROM data_keys WHERE label LIKE 'dataset people%'")]
    raw.close()
    return found


def files_with(home, needle: bytes) -> list[str]:
    return [file.name for file in home.rglob("*") if file.is_file() and needle in file.read_bytes()]


def readable(people, vault, admin) -> list[str]:
    """Which of the sealed objects still open, and show the canary."""
    with people._database.look() as connection:
        named = people.sealed_objects(connection)
    return [label for digest, label in named.items() if CANARY.encode() in vault.read(digest, label=label)]


def test_the_rows_are_gone_and_all_others_are_as_they_were(people, admin, vault, home):
    before = people.table("people", by=admin)
    keys, objects = wrapped_keys(home), set(vault.digests())
    assert readable(people, vault, admin), "the canary is found while it is there"
    assert all(files_with(home, each) for each in keys)
    done = erase(people, admin)
    assert [(part.dataset, part.before, part.gone) for part in done.parts] == [("people", 200, 3)]
    after = people.table("people", by=admin)
    assert after.equals(before.head(197))
    assert done.parts[0].fingerprint == fingerprint(after) == people.show("people", by=admin).fingerprint
    assert readable(people, vault, admin) == []
    assert CANARY not in str(people.profile("people", by=admin))
    assert CANARY not in people.show("people", by=admin).column("town").categories
    assert [files_with(home, each) for each in keys] == [[]] * len(keys)
    assert not objects & set(vault.digests())
    assert [*done.keys] == [sha256_hex(id.encode()) for id in ids_destroyed(home)]


def ids_destroyed(home):
    with sqlite3.connect(home / "modelward.db") as raw:
        found = [row[0] for row in raw.execute("SELECT id FROM destroyed_data_keys ORDER BY label")]
    raw.close()
    return found


def test_what_was_declared_and_by_whom_stays(people, admin):
    before = people.show("people", by=admin)
    erase(people, admin)
    after = people.show("people", by=admin)
    for same in ("name", "target", "positive", "sensitive", "purpose", "owner", "registered", "by"):
        assert getattr(after, same) == getattr(before, same)
    assert (after.rows, after.column("town").kind) == (197, before.column("town").kind)


def test_the_ledger_says_who_why_and_how_many_and_never_what(people, admin, ledger):
    erase(people, admin)
    (entry,) = [found.entry for found in ledger.entries(event="dataset.erased")]
    assert (entry.actor, entry.subject, entry.facts["reason"]) == (admin.id, "people", REASON)
    assert (entry.facts["rows"], entry.facts["left"], entry.facts["columns"]) == (3, 197, ["town"])
    assert CANARY not in str(entry.facts)
    assert ledger.verify().is_sound


def test_one_that_is_tried_says_what_would_go_and_changes_nothing(people, admin, ledger, vault):
    size, objects = ledger.head().size, set(vault.digests())
    told = erase(people, admin, is_trial=True, reason="")
    assert [(part.dataset, part.before, part.gone) for part in told.parts] == [("people", 200, 3)]
    assert told.erased is None
    (entry,) = [each.entry for each in ledger.entries(event="dataset.traced")]
    assert (entry.actor, entry.facts["rows"], entry.facts["columns"]) == (admin.id, 3, ["town"])
    assert (ledger.head().size, set(vault.digests())) == (size + 1, objects)
    erase(people, admin)
    with pytest.raises(NothingToEraseError):
        erase(people, admin, is_trial=True, reason="")


@pytest.mark.parametrize("is_trial", [True, False])
@pytest.mark.parametrize("rows", [f'town == "{CANARY}"', 'town == "Nowhere"', "age >= 0"], ids=["some", "none", "all"])
def test_nothing_is_told_of_the_rows_who_did_not_accept_the_terms(people, admin, access, ledger, rows, is_trial):
    terms = access.terms.put("dataset:people", "Keep it to yourself.", by=admin)
    size = ledger.head().size
    with pytest.raises(TermsNotAcceptedError) as refused:
        erase(people, admin, rows=rows, is_trial=is_trial, reason="" if is_trial else REASON)
    assert "rows" not in str(refused.value)
    assert (ledger.head().size, people.show("people", by=admin).rows) == (size, 200), "nothing was looked at or done"
    access.terms.accept("dataset:people", digest=terms.digest, by=admin)
    assert erase(people, admin).gone == 3


@pytest.mark.parametrize("is_trial", [True, False])
def test_of_a_shard_with_terms_of_its_own_nothing_is_told_who_did_not_accept_them(people, admin, access, is_trial):
    people.shard("people", Sharding(parts=2, by="random"), by=admin)
    terms = access.terms.put("dataset:people-2", "Keep it to yourself.", by=admin)
    with pytest.raises(TermsNotAcceptedError, match="people-2"):
        erase(people, admin, is_trial=is_trial)
    assert people.show("people", by=admin).rows == 200
    access.terms.accept("dataset:people-2", digest=terms.digest, by=admin)
    done = erase(people, admin)
    assert [part.dataset for part in done.parts] == ["people", "people-1", "people-2"]
    access.terms.put("dataset:people-2", "Keep it to yourself and us.", by=admin)
    with pytest.raises(TermsNotAcceptedError, match="people-2"):
        erase(people, admin)


REFUSED = {
    'town == "Nowhere"': (0, NothingToEraseError),
    "age >= 0": (200, NotErasableError),
    'label == "no"': (None, NotErasableError),
}


@pytest.mark.parametrize("is_trial", [True, False])
@pytest.mark.parametrize("rows", REFUSED)
def test_who_learns_by_an_erasure_that_is_refused_whether_somebody_is_there_is_on_record(people, admin, ledger, rows, is_trial):
    count, refusal = REFUSED[rows]
    with pytest.raises(refusal):
        erase(people, admin, rows=rows, is_trial=is_trial)
    (entry,) = [each.entry for each in ledger.entries(event="dataset.traced")]
    assert (entry.actor, entry.subject) == (admin.id, "people")
    assert entry.facts["rows"] == (count if count is not None else int((people.table("people", by=admin)["label"] == "no").sum()))
    assert not any(value in str(entry.facts) for value in ("Nowhere", "age >=", 'no"'))
    assert list(ledger.entries(event="dataset.erased")) == []
    assert ledger.verify().is_sound


def test_what_is_erased_is_on_record_as_looked_for_and_as_erased_by_the_same_digest(people, admin, ledger):
    erase(people, admin)
    erase(people, admin)
    (done,) = [each.entry.facts for each in ledger.entries(event="dataset.erased")]
    looked = [each.entry.facts for each in ledger.entries(event="dataset.traced")]
    assert sorted(each["rows"] for each in looked) == [0, 3]
    assert {each["digest"] for each in looked} == {done["digest"]}


def test_a_value_stays_in_no_description_of_a_shard_of_a_shard_without_such_rows(people, admin, vault):
    people.shard("people", Sharding(parts=5, by="random"), by=admin)
    towns = {f"people-{part}": people.table(f"people-{part}", by=admin).get_column("town") for part in range(1, 6)}
    clear = next(name for name, town in towns.items() if CANARY not in town.to_list())
    people.shard(clear, Sharding(parts=2, by="random"), by=admin)
    assert [label for label in readable(people, vault, admin) if label.startswith(f"dataset {clear}-")]
    erase(people, admin)
    assert readable(people, vault, admin) == []


def test_every_shard_and_its_shards_lose_the_rows_too_and_still_know_where_they_are_from(people, admin, vault):
    people.shard("people", Sharding(parts=2, by="random"), by=admin)
    people.shard("people-1", Sharding(parts=2, by="random"), by=admin)
    names = ("people", "people-1", "people-2", "people-1-1", "people-1-2")
    before = {name: people.table(name, by=admin) for name in names}
    done = erase(people, admin)
    assert readable(people, vault, admin) == []
    for name in names:
        left = before[name].filter(before[name].get_column("town").ne_missing(CANARY))
        assert people.table(name, by=admin).equals(left)
    gone = {part.dataset: part.gone for part in done.parts}
    assert gone["people-1"] + gone["people-2"] == gone["people"] == 3
    for name, parent in (("people-1", "people"), ("people-2", "people")):
        assert people.show(name, by=admin).shard.fingerprint == people.show(parent, by=admin).fingerprint
    if gone["people-1"]:
        assert people.show("people-1-1", by=admin).shard.fingerprint == people.show("people-1", by=admin).fingerprint


def test_a_shard_is_erased_from_where_it_was_divided(people, admin):
    people.shard("people", Sharding(parts=2, by="random"), by=admin)
    with pytest.raises(NotErasableError, match="data erase people "):
        people.erasing.erase("people-1", rows=f'town == "{CANARY}"', reason=REASON, by=admin)
    people.shredding.shred("people", reason=REASON, by=admin)
    for name in ("people-1", "people-2"):
        count = int((people.table(name, by=admin).get_column("town") == CANARY).sum())
        if count:
            assert people.erasing.erase(name, rows=f'town == "{CANARY}"', reason=REASON, by=admin).gone == count


def test_what_is_left_must_be_a_dataset(people, admin, ledger):
    with pytest.raises(NotErasableError, match="data shred people"):
        erase(people, admin, rows="age >= 0")
    with pytest.raises(NotErasableError, match="data shred people"):
        erase(people, admin, rows='label == "no"')
    with pytest.raises(NothingToEraseError):
        erase(people, admin, rows='town == "Nowhere"')
    size = ledger.head().size
    with pytest.raises(InvalidFilterError):
        erase(people, admin, rows="tonw is missing")
    with pytest.raises(ReasonError):
        erase(people, admin, reason=" ")
    assert ledger.head().size == size, "no value was looked for"
    assert list(ledger.entries(event="dataset.erased")) == []


@pytest.mark.parametrize("role", [Role.DATA_SCIENTIST, Role.RISK_OFFICER, Role.AUDITOR, Role.OPERATOR, Role.CALLER])
def test_others_erase_nothing_not_even_for_trial(people, admin, role):
    for is_trial in (True, False):
        with pytest.raises(NotPermittedError):
            erase(people, admin, by=Actor("person:eve", "eve", role), is_trial=is_trial)
    assert people.table("people", by=admin).height == 200


def test_a_data_owner_may(people, admin):
    assert erase(people, admin, by=Actor("person:dora", "dora", Role.DATA_OWNER)).gone == 3


def test_who_was_cut_off_before_the_change_has_the_dataset_as_it_was(people, admin, database, vault, monkeypatch):
    before = people.table("people", by=admin)

    def full(*_given, **_more):
        raise NoSpaceError("No space is left.")

    with monkeypatch.context() as cut:
        cut.setattr(type(vault), "shred", full)
        with pytest.raises(NoSpaceError):
            erase(people, admin)
    assert people.table("people", by=admin).equals(before)
    assert erase(people, admin).gone == 3


def test_who_was_cut_off_after_the_change_finishes_by_doing_it_again(people, admin, database, vault, home, monkeypatch):
    keys = wrapped_keys(home)

    def cut_off(_traces):
        raise DatabaseBusyError("Somebody reads.")

    with monkeypatch.context() as cut:
        cut.setattr(database, "erase", cut_off)
        with pytest.raises(DatabaseBusyError):
            erase(people, admin)
    assert people.table("people", by=admin).height == 197
    again = erase(people, admin)
    assert (again.gone, again.parts[0].before, again.reason) == (3, 200, REASON)
    assert [files_with(home, each) for each in keys] == [[]] * len(keys)
    assert vault.sweep(named=people.sealed_objects, idle_seconds=0).objects == 0, "what nothing opens any more is gone, too"


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_the_trial_the_deed_and_the_same_again_tell_the_same_and_leave_no_object(
    people, admin, database, vault, monkeypatch, is_cut_off
):
    people.shard("people", Sharding(parts=5, by="random"), by=admin)
    people.grants.grant("careful", "people", purpose="tests", rows=f'town != "{CANARY}"', by=admin)
    seen = Seen(grant="", fingerprint="f", split="s", train=1, validation=0, test=2, outside=0)
    tried = erase(people, admin, is_trial=True, reason="", witness=lambda _: {"people": [seen]})
    before = set(vault.digests())

    def cut_off(_traces):
        raise DatabaseBusyError("Somebody reads.")

    with monkeypatch.context() as cut:
        if is_cut_off:
            cut.setattr(database, "erase", cut_off)
        with suppress(DatabaseBusyError):
            done = erase(people, admin, witness=lambda _: {"people": [seen]})
            assert not is_cut_off
    assert bool(before & set(vault.digests())) == is_cut_off
    again = erase(people, admin, witness=lambda _: {})
    assert [replace(part, fingerprint="") for part in again.parts] == [*tried.parts]
    assert [part.fingerprint for part in again.parts] == [people.show(part.dataset, by=admin).fingerprint for part in again.parts]
    assert (again.parts[0].seen, len(again.parts[0].kept_out), len(again.parts)) == ((seen,), 1, 6)
    if not is_cut_off:
        assert again.parts == done.parts
    with people._database.look() as connection:
        assert set(vault.digests()) == set(people.sealed_objects(connection))


def test_two_at_once_take_it_out_once(people, admin):
    def meanwhile(_records):
        erase(people, admin, rows="age < 25")
        return {}

    with pytest.raises(ErasedMeanwhileError):
        erase(people, admin, witness=meanwhile)
    assert CANARY in people.table("people", by=admin).get_column("town").to_list()


def test_it_is_known_which_grants_had_left_the_rows_out(people, admin, ledger):
    grants = people.grants
    grants.grant("whole", "people", purpose="planning of courses", by=admin)
    kept = grants.grant("without", "people", purpose="planning of courses", rows=f'town != "{CANARY}"', by=admin)
    grants.grant("some", "people", purpose="planning of courses", rows="age > 18", by=admin)
    erase(people, admin)
    (found,) = people.erasing.recorded("people")
    assert found.kept_out == {kept.id}


def test_what_was_shown_with_the_rows_is_on_record_and_what_was_shown_without_them_or_since_is_not(people, admin):
    def shown(model):
        view = people.grants.opened(model, "people", use="training", by=admin)
        return view.grant.id, view.dataset.fingerprint, "s"

    def concerns(division):
        return [each.gone for each in people.erasing.teller("people")(datetime.now(UTC), division)]

    for model, rows in (("some", "age > 18"), ("without", f'town != "{CANARY}"')):
        people.grants.grant(model, "people", purpose="planning of courses", rows=rows, by=admin)
    divisions = [shown(model) for model in ("some", "without", "whole")]
    erase(people, admin)
    assert [concerns(each) for each in divisions] == [[3], [], [3]]
    assert [concerns((f"g-{place}", *each[1:])) for place, each in enumerate(divisions)] == [[3], [], [3]], (
        "under other grants, too"
    )
    people.grants.grant("without", "people", purpose="planning of courses", rows=f'town != "{CANARY}" and age > 0', by=admin)
    assert [concerns(shown(model)) for model in ("some", "without", "whole")] == [[], [], []]


def test_a_large_table_is_erased_in_its_pieces(people, admin, monkeypatch, vault):
    from modelward.datasets import pieces

    monkeypatch.setattr(pieces, "PIECE_BYTES", 100)
    monkeypatch.setattr(pieces.pieces_of, "__kwdefaults__", {"piece_bytes": 100})
    done = erase(people, admin)
    assert done.gone == 3
    assert people.table("people", by=admin).height == 197
    with people._database.look() as connection:
        assert len(people.sealed_objects(connection)) > 2
    assert erase(people, admin, rows="age < 25").gone
    assert readable(people, vault, admin) == []


def test_a_dataset_that_is_divided_meanwhile_keeps_the_rows_in_no_shard(people, admin, vault):
    def meanwhile(_records):
        people.shard("people", Sharding(parts=2, by="random"), by=admin)
        return {}

    with pytest.raises(ErasedMeanwhileError, match="people-1"):
        erase(people, admin, witness=meanwhile)
    assert people.table("people", by=admin).height == 200
    assert erase(people, admin).gone == 3
    assert readable(people, vault, admin) == []


@pytest.mark.parametrize("deed", ["erase", "shred"])
def test_shards_of_rows_that_went_meanwhile_are_not_registered(people, admin, vault, monkeypatch, deed):
    from modelward.datasets import service

    described = service.described_shards

    def meanwhile(*given, **more):
        made = described(*given, **more)
        erase(people, admin) if deed == "erase" else people.shredding.shred("people", reason=REASON, by=admin)
        return made

    monkeypatch.setattr(service, "described_shards", meanwhile)
    with pytest.raises(ErasedMeanwhileError):
        people.shard("people", Sharding(parts=2, by="random"), by=admin)
    assert [each.name for each in people.list(by=admin)] == ["people"]


@pytest.mark.parametrize(
    "read",
    [
        lambda people, admin: people.table("people", by=admin),
        lambda people, admin: people.grants.opened("model", "people", use="training", by=admin),
    ],
)
def test_rows_that_went_while_they_were_read_are_read_by_nobody_and_no_reading_is_on_record(
    people, admin, ledger, monkeypatch, read
):
    rows = type(people._shelf).rows

    def read_and_then_erased(self, found):
        table = rows(self, found)
        monkeypatch.setattr(type(people._shelf), "rows", rows)
        erase(people, admin)
        return table

    with monkeypatch.context() as once:
        once.setattr(type(people._shelf), "rows", read_and_then_erased)
        with pytest.raises(ErasedMeanwhileError):
            read(people, admin)
    assert [each.entry.facts for each in ledger.entries(event="dataset.read")] == []
    assert people.table("people", by=admin).height == 197


def test_a_dataset_that_changed_while_it_was_being_shredded_keeps_no_key_that_nobody_knows_of(people, admin, vault, monkeypatch):
    kind = type(people.shredding)
    shards = kind._shards

    def meanwhile(self, found):
        with monkeypatch.context() as once:
            once.setattr(kind, "_shards", shards)
            erase(people, admin)
        return shards(self, found)

    with monkeypatch.context() as once:
        once.setattr(kind, "_shards", meanwhile)
        with pytest.raises(ErasedMeanwhileError):
            people.shredding.shred("people", reason=REASON, by=admin)
    assert people.show("people", by=admin).shredded is None
    people.shredding.shred("people", reason=REASON, by=admin)
    assert all(each.destroyed for each in people.shredding.keys("people", by=admin))


def test_a_shard_that_cannot_be_read_is_not_passed_over(people, admin, ledger, home):
    people.shard("people", Sharding(parts=2, by="random"), by=admin)
    with people._database.look() as connection:
        (described,) = [
            digest for digest, label in people.sealed_objects(connection).items() if "people-1" in label and "desc" in label
        ]
    (file,) = [each for each in home.rglob(f"*{described[-20:]}*") if each.is_file()]
    kept, size = file.read_bytes(), ledger.head().size
    file.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    for is_trial in (True, False):
        with pytest.raises(NotErasableError, match="data shred people-1"):
            erase(people, admin, is_trial=is_trial)
    assert ledger.head().size == size + 2, "that rows are meant was learned, and is on record"
    file.write_bytes(kept)
    assert erase(people, admin).gone == 3


ERASE = """
import os, signal, sys
from pathlib import Path
from modelward.access import Actor, Role
from modelward.audit import Ledger
from modelward.datasets import Datasets
from modelward.settings import Settings
from modelward.storage import OBJECT_STORES, Database, Keyring, Vault

home, moment, rows, reason = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]


def dying(verb, *, times=1):
    left = [times]
    def act(*given, **more):
        made = verb(*given, **more)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return made
    return act


keyring = Keyring.open(home / "keys.json")
database = Database(f"sqlite:///{home / 'modelward.db'}")
vault = Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), keyring, database)
ledger = Ledger(database, keyring, anchor=home / "ledger.checkpoint")
shelf = Datasets(database, vault, ledger, keyring, settings=Settings(home=home))
if moment == "after one object is sealed":
    vault._seal = dying(vault._seal)
if moment == "after a key is destroyed in the change":
    vault.shred = dying(vault.shred, times=2)
if moment == "before the change is committed":
    ledger.record = dying(ledger.record, times=2)
if moment == "after the change, before it is overwritten":
    database.erase = lambda _: os.kill(os.getpid(), signal.SIGKILL)
if moment == "while objects are removed":
    vault.discard = dying(vault.discard)
actor = Actor(id="person:ada", name="ada", role=Role.DATA_OWNER)
shelf.erasing.erase("people", rows=rows, reason=reason, by=actor)
"""
BEFORE = ["after one object is sealed", "after a key is destroyed in the change", "before the change is committed"]
AFTER = ["after the change, before it is overwritten", "while objects are removed"]


@pytest.mark.parametrize("moment", [*BEFORE, *AFTER])
def test_a_kill_at_any_moment_leaves_all_of_the_old_or_all_of_the_new(people, admin, ledger, vault, home, moment):
    people.shard("people", Sharding(parts=2, by="random"), by=admin)
    names = ("people", "people-1", "people-2")
    before = {name: people.table(name, by=admin) for name in names}
    keys, objects = wrapped_keys(home), set(vault.digests())
    given = [sys.executable, "-c", ERASE, str(home), moment, f'town == "{CANARY}"', REASON]
    assert subprocess.run(given, check=False).returncode == -signal.SIGKILL
    if moment in BEFORE:
        assert all(people.table(name, by=admin).equals(before[name]) for name in names)
        assert list(ledger.entries(event="dataset.erased")) == []
    assert erase(people, admin).gone == 3
    for name in names:
        assert people.table(name, by=admin).equals(before[name].filter(before[name].get_column("town").ne_missing(CANARY)))
    assert readable(people, vault, admin) == []
    assert [files_with(home, each) for each in keys] == [[]] * len(keys)
    assert len([each for each in ledger.entries(event="dataset.erased") if each.entry.subject == "people"]) == 1
    assert not objects & set(vault.digests()), "no object of before is left"
    assert ledger.verify().is_sound


@contextmanager
def no_file_longer_than(size_bytes):
    """As a full disk: nobody can write more into a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    held = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, held)


@pytest.mark.parametrize("fits", ["none", "for the objects alone"])
def test_a_full_disk_changes_nothing_and_the_same_again_finishes(people, admin, ledger, vault, home, fits):
    before, objects = people.table("people", by=admin), set(vault.digests())
    longest = max(file.stat().st_size for file in (home / "objects").rglob("*") if file.is_file())
    with no_file_longer_than(10 if fits == "none" else longest), pytest.raises((NoSpaceError, DatabaseBusyError, OSError)):
        erase(people, admin)
    assert people.table("people", by=admin).equals(before)
    assert set(vault.digests()) >= objects
    assert list(ledger.entries(event="dataset.erased")) == []
    assert erase(people, admin).gone == 3
    assert readable(people, vault, admin) == []
    assert ledger.verify().is_sound
