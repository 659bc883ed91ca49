# SPDX-License-Identifier: Apache-2.0
"""Who reads on from where they read to hears everything once, whatever somebody writes into the database between two looks."""

import sqlite3
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.opened import DONE, close, draft, law, open_ledger
from modelward.audit import Draft, EntryUnreadableError, Event, LedgerBrokenError, Tail

OTHER = Event("test.other", "Something else was done.")
COLUMNS = "entry, leaf, event, actor, subject, request"


class House:
    """A ledger, and somebody who may edit everything in its database, but has no key."""

    def __init__(self, folder):
        self.folder = folder
        self.ledger = open_ledger(folder)
        self.tail = Tail(self.ledger, DONE)
        self.numbers = 0

    def do(self, count=1, event=DONE):
        first = self.numbers + 1
        self.numbers += count
        drafts = [Draft(event, actor="a", subject="b", facts={"number": number}) for number in range(first, self.numbers + 1)]
        self.ledger.commit(drafts.copy)

    def hear(self, tail=None):
        return [each.entry.facts["number"] for each in (tail or self.tail).further()]

    def index_of(self, number):
        return next(each.index for each in self.ledger.every(event=DONE.name) if each.entry.facts["number"] == number)

    def edit(self, statement, *values):
        raw = sqlite3.connect(self.folder / "modelward.db")
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")  # names are ours
        found = raw.execute(statement, values).fetchall()
        raw.commit()
        raw.close()
        return found

    def forge(self, number, *, at):
        """A copy of an entry's row, far ahead of all that the ledger has."""
        self.edit(f"INSERT INTO ledger_entries SELECT ?, {COLUMNS} FROM ledger_entries WHERE idx = ?", at, self.index_of(number))

    @contextmanager
    def altered(self, number):
        """While this lasts, the entry says another number."""
        index = self.index_of(number)
        ((before,),) = self.edit("SELECT entry FROM ledger_entries WHERE idx = ?", index)
        self.edit("UPDATE ledger_entries SET entry = ? WHERE idx = ?", before.replace(b'"number":', b'"number":9'), index)
        yield
        self.edit("UPDATE ledger_entries SET entry = ? WHERE idx = ?", before, index)

    def kept(self):
        self.edit("VACUUM INTO ?", str(self.folder / "older.db"))

    def put_back(self):
        """All rows of the ledger as they were when it was `kept`: signed by its key, every one."""
        raw = sqlite3.connect(self.folder / "modelward.db")
        raw.execute("ATTACH ? AS older", (str(self.folder / "older.db"),))
        for (trigger,) in raw.execute("SELECT name FROM main.sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER main.{trigger}")  # names are ours
        for table in ("ledger_entries", "ledger_nodes", "ledger_head", "ledger_words"):
            raw.execute(f"DELETE FROM main.{table}")  # names are ours
            raw.execute(f"INSERT INTO main.{table} SELECT * FROM older.{table}")  # names are ours
        raw.commit()
        raw.close()


class Believing:
    """The broken twin of a ledger: it proves whatever it is asked."""

    def __init__(self, ledger):
        self.every = ledger.every

    def proves(self, logged):
        return True


@pytest.fixture
def house(tmp_path):
    opened = House(tmp_path)
    yield opened
    close(opened.ledger)


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000])
def test_all_of_one_event_is_told_once_however_many_entries_there_are(house, count):
    house.do(3, event=OTHER)
    house.do(count)
    assert len(list(house.ledger.every(event=DONE.name))) == count
    assert house.hear() == list(range(4, count + 4))
    assert house.hear() == []
    house.do(2, event=OTHER)
    house.do(2)
    assert house.hear() == [count + 6, count + 7]


@law
@given(st.lists(st.one_of(st.none(), st.tuples(st.sampled_from([DONE, OTHER]), st.integers(1, 5))), max_size=15))
def test_looks_together_tell_what_one_look_at_the_end_does(tmp_path_factory, steps):
    house = House(tmp_path_factory.mktemp("tail"))
    heard = []
    for step in steps:
        if step is None:
            heard += house.hear()
        else:
            house.do(step[1], event=step[0])
    heard += house.hear()
    assert heard == house.hear(Tail(house.ledger, DONE)) == sorted(set(heard))
    close(house.ledger)


def test_who_stops_in_the_middle_hears_it_all_again(house):
    house.do(3)
    assert next(house.tail.further()).entry.facts["number"] == 1
    assert house.hear() == [1, 2, 3]


def test_every_entry_of_one_subject_is_told(house):
    house.ledger.commit(lambda: [draft(number) for number in range(10)])
    assert [each.entry.facts["number"] for each in house.ledger.every(event=DONE.name, subject="model:2")] == [2, 7]
    assert [each.index for each in house.ledger.every(event=DONE.name, since=9)] == [9, 10]


def test_a_row_that_was_written_far_ahead_hides_nothing_that_comes_before_it(house):
    house.do(2)
    twin = Tail(Believing(house.ledger), DONE)
    house.forge(1, at=10**6)
    assert house.hear() == house.hear(twin) == [1, 2, 1]
    assert house.hear() == [1], "what nobody proves is told at every look"
    house.do()
    assert house.hear() == [3, 1]
    assert house.hear(twin) == [], "this is what such a row is for: who believes it hears nothing more"
    house.edit("DELETE FROM ledger_entries WHERE idx = 1000000")
    house.do()
    assert house.hear() == [4]


def test_an_entry_that_says_something_else_for_a_while_is_told_again_as_it_was(house):
    house.do(1)
    assert house.hear() == [1]
    house.do(2)
    twin = Tail(Believing(house.ledger), DONE)
    with house.altered(3):
        assert house.hear() == house.hear(twin)[1:] == [2, 93]
    assert house.hear() == [3]
    with pytest.raises(LedgerBrokenError):
        house.hear(twin)


def test_an_entry_that_cannot_be_read_stops_the_look_and_hides_nothing(house):
    house.do(2)
    index = house.index_of(2)
    ((before,),) = house.edit("SELECT entry FROM ledger_entries WHERE idx = ?", index)
    house.edit("UPDATE ledger_entries SET entry = 'nothing' WHERE idx = ?", index)
    with pytest.raises(EntryUnreadableError):
        house.hear()
    house.edit("UPDATE ledger_entries SET entry = ? WHERE idx = ?", before, index)
    assert house.hear() == [1, 2]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger_entries WHERE idx = ?",
        "UPDATE ledger_entries SET event = 'test.other' WHERE idx = ?",
        """UPDATE ledger_entries SET entry = CAST(replace(entry, '"number":3', '"number":4') AS BLOB) WHERE idx = ?""",
        "UPDATE ledger_entries SET leaf = zeroblob(32) WHERE idx = ?",
    ],
    ids=["gone", "under another name", "rewritten", "without its leaf"],
)
def test_nothing_is_told_once_what_was_read_last_is_gone_or_another(house, statement):
    house.do(3)
    assert house.hear() == [1, 2, 3]
    house.edit(statement, house.index_of(3))
    house.do(1, event=OTHER)
    for _ in range(2):
        with pytest.raises(LedgerBrokenError, match=r"entry 3, which was read as 'test\.done', is gone or another.*audit verify"):
            house.hear()


@pytest.mark.parametrize("grown", [0, 1, 4, 6])
def test_nothing_is_told_of_a_ledger_that_shrank_however_long_it_has_become_again(house, grown):
    house.do(2)
    house.kept()
    house.do(4)
    assert len(house.hear()) == 6
    house.put_back()
    if grown:
        house.do(grown)
    with pytest.raises(LedgerBrokenError):
        house.hear()
    by_number_alone = [each.index for each in house.ledger.every(event=DONE.name, since=7)]
    assert by_number_alone == ([7, 8] if grown == 6 else []), "who reads on by the number alone misses what took the old places"


def test_a_ledger_that_is_put_back_to_what_was_read_is_read_on(house):
    """Nobody here has read what is gone: `verify` and the anchor know of it."""
    house.do(2)
    assert house.hear() == [1, 2]
    house.kept()
    house.do(2)
    house.put_back()
    house.do(1)
    assert house.hear() == [5]
