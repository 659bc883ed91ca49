# SPDX-License-Identifier: Apache-2.0
"""A search finds what a look at every entry would find, however long the ledger is and whoever wrote it."""

import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.opened import DONE, close, law, open_ledger
from modelward.audit import Draft, Event
from modelward.audit.search import _search_changes

OTHER = Event("test.other", "Something else was done.")
RARE = Event("test.rare", "Something was done that hardly ever is.")
SIZE = 3500
OLD_INDEXES = ("event", "actor", "subject")


def some_entry(number):
    event = RARE if number in (1500, 3400) else OTHER if number % 7 == 0 else DONE
    # The people come one after the other, so that most blocks know few of them.
    actor, subject = f"person:{number // 400}", f"model:{number % 5}"
    return Draft(event, actor=actor, subject=subject, request="" if number % 3 else f"r-{number}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ledger of three complete blocks and a bit."""
    place = tmp_path_factory.mktemp("search")
    ledger = open_ledger(place)
    for start, stop in ((1, 1000), (1000, 1001), (1001, 2900), (2900, SIZE)):
        ledger.commit(lambda start=start, stop=stop: [some_entry(number) for number in range(start, stop)])
    close(ledger)
    return place


@pytest.fixture(scope="module")
def ledger(folder):
    opened = open_ledger(folder)
    yield opened
    close(opened)


@pytest.fixture(scope="module")
def everything(ledger):
    return ledger.entries(limit=10_000, newest_first=False)


def expected(everything, *, since, until, limit, newest_first, **wanted):
    """What a look at every entry finds."""
    found = [
        one
        for one in everything
        if since <= one.index < (len(everything) if until is None else until)
        and all(getattr(one.entry, name) == value for name, value in wanted.items() if value)
    ]
    return (found[::-1] if newest_first else found)[:limit]


@law
@given(
    event=st.sampled_from(["", DONE.name, OTHER.name, RARE.name, "test.never"]),
    actor=st.sampled_from(["", "person:0", "person:3", "person:8", "nobody"]),
    subject=st.sampled_from(["", "model:1", "model:9"]),
    request=st.sampled_from(["", "", "", "r-300", "r-3402", "r-no"]),
    since=st.one_of(st.just(0), st.integers(0, SIZE + 100)),
    until=st.one_of(st.none(), st.integers(0, SIZE + 100)),
    limit=st.one_of(st.just(10_000), st.integers(0, 200)),
    newest_first=st.booleans(),
)
def test_a_search_finds_what_a_look_at_every_entry_finds(ledger, everything, **asked):
    assert ledger.entries(**asked) == expected(everything, **asked)


def test_what_came_last_is_found_at_once(folder):
    ledger = open_ledger(folder)
    (found,) = ledger.entries(event=RARE.name, limit=1)
    assert found.index == 3400
    close(ledger)


def words(folder):
    raw = sqlite3.connect(folder / "modelward.db")
    found = raw.execute("SELECT word, block FROM ledger_words ORDER BY word, block").fetchall()
    raw.close()
    return found


def test_a_ledger_that_was_searched_by_indexes_is_searched_by_words_from_its_next_opening_on(folder, everything):
    before = words(folder)
    assert {block for _, block in before} == {0, 1, 2}
    old = sqlite3.connect(folder / "modelward.db")
    old.execute("DROP TABLE ledger_words")
    for column in OLD_INDEXES:
        old.execute(f"CREATE INDEX ix_ledger_entries_{column} ON ledger_entries ({column})")
    old.commit()
    old.close()
    again = open_ledger(folder)
    assert words(folder) == before
    raw = sqlite3.connect(folder / "modelward.db")
    names = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")}
    raw.close()
    assert "ix_ledger_entries_request" in names
    assert names.isdisjoint(f"ix_ledger_entries_{column}" for column in OLD_INDEXES)
    assert again.verify().is_sound
    assert [one.index for one in again.entries(event=RARE.name)] == [3400, 1500]
    close(again)


def test_words_that_were_taken_away_are_noticed(folder):
    ledger = open_ledger(folder)
    assert ledger.verify().is_sound
    raw = sqlite3.connect(folder / "modelward.db")
    raw.execute("DROP TRIGGER ledger_words_no_delete")
    kept = raw.execute("SELECT word, block FROM ledger_words WHERE word = ? AND block = 1", (f"event={RARE.name}",)).fetchall()
    raw.execute("DELETE FROM ledger_words WHERE word = ? AND block = 1", (f"event={RARE.name}",))
    raw.commit()
    # This is what the attack is for.
    assert [one.index for one in ledger.entries(event=RARE.name)] == [3400]
    (fault,) = ledger.verify().faults
    assert fault.index == 1024
    assert "1024 to 2047" in fault.what
    raw.executemany("INSERT INTO ledger_words VALUES (?, ?)", kept)
    raw.commit()
    raw.close()
    assert ledger.verify().is_sound
    close(ledger)


@pytest.mark.parametrize("statement", ["UPDATE ledger_words SET block = 9", "DELETE FROM ledger_words"])
def test_words_are_not_changed_by_mistake(tmp_path, statement):
    ledger = open_ledger(tmp_path)
    ledger.commit(lambda: [some_entry(number) for number in range(1, 1100)])
    raw = sqlite3.connect(tmp_path / "modelward.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute(statement)
    raw.close()
    close(ledger)


@pytest.mark.parametrize("names", [("event",), ("actor",), ("subject",), ("event", "subject")])
@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_changes_are_looked_up_from_where_the_search_begins_and_not_from_the_first(folder, ledger, names, order):
    place = dict.fromkeys(("event", "actor", "subject"), "any") | {"since": 3000, "until": 3400, "limit": 1}
    raw = sqlite3.connect(folder / "modelward.db")
    (step,) = raw.execute(f"EXPLAIN QUERY PLAN {_search_changes(names, order)}", place)
    raw.close()
    assert re.search(r"USING INDEX ix_ledger_changes_\w+ \(\w+=\? AND rowid>\? AND rowid<\?\)", step[-1])
