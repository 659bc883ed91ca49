# SPDX-License-Identifier: Apache-2.0
"""An outage of the ledger is seen, costs little while it lasts, and ends by itself."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest

from modelward.audit import Ledger
from modelward.serving import LedgerUnavailableError, Meters, OverloadedError
from modelward.serving.outage import Outage
from modelward.storage import Database


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path):
    return tmp_path / "modelward.db"


@pytest.fixture
def books(file, keyring):
    """A ledger whose database waits for nobody."""
    database = Database(f"sqlite:///{file}", patience_seconds=0.01)
    database.create_tables()
    ledger = Ledger(database, keyring, anchor=file.with_name("anchor"))
    ledger.create("modelward/test")
    yield database, ledger
    database.close()


@pytest.fixture
def meters():
    return Meters()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outage(books, meters, clock):
    database, ledger = books
    return Outage(database, ledger, meters=meters, actor="service:test", clock=clock)


@contextmanager
def held(file):
    """Nobody else can write."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def events(books) -> list[str]:
    return [found.entry.event for found in books[1].entries(newest_first=False)]


def test_while_answers_are_put_on_record_nothing_is_tried(outage, books, meters, clock):
    for fault in (None, OverloadedError("x", retry_after_seconds=1), ValueError("x")):
        if fault is not None:
            meters.note_rejection(fault)
        clock.now += 10
        assert outage.is_over()
    assert events(books) == ["ledger.opened"]


def test_an_answer_that_could_not_be_put_on_record_begins_one_and_the_next_that_could_ends_it(outage, books, meters, file):
    meters.note_rejection(LedgerUnavailableError("x"))
    with held(file):
        assert not outage.is_over()
        meters.note_commit(0.001, 1)
        assert outage.is_over()
    assert events(books) == ["ledger.opened"]


def test_it_ends_without_a_question_once_an_entry_can_be_written_which_is_tried_once_a_second(outage, books, meters, clock, file):
    meters.note_rejection(LedgerUnavailableError("x"))
    with held(file):
        assert not outage.is_over()
    # Nothing hinders it any more, but it was tried just now.
    clock.now += 0.9
    assert not outage.is_over()
    assert events(books) == ["ledger.opened"]
    clock.now += 0.2
    assert outage.is_over()
    clock.now += 10
    assert outage.is_over()
    assert events(books) == ["ledger.opened", "ledger.resumed"]
    assert books[1].verify().is_sound


def test_of_many_who_ask_at_once_one_tries_and_the_others_are_told_at_once(books, meters, clock, file):
    database = Database(f"sqlite:///{file}", patience_seconds=20)
    outage = Outage(database, books[1], meters=meters, actor="service:test", clock=clock)
    meters.note_rejection(LedgerUnavailableError("x"))
    told = []
    with held(file):
        first = threading.Thread(target=lambda: told.append(outage.is_over()))
        first.start()
        while not outage._trying.locked():
            pass
        assert [outage.is_over() for _ in range(5)] == [False] * 5
        assert told == []
    first.join()
    database.close()
    assert told == [True]
    assert events(books) == ["ledger.opened", "ledger.resumed"]
