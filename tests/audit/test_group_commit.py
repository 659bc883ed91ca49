# SPDX-License-Identifier: Apache-2.0
"""Many wait for one transaction: each is told after it is durable, or told that it is not recorded."""

import sqlite3
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from audit.opened import Lone, close, draft, open_ledger
from modelward.audit import GroupCommit, LedgerBrokenError, WriterClosedError
from modelward.errors import UnavailableError


@pytest.fixture
def commits(ledger):
    opened = GroupCommit(ledger)
    opened.start()
    yield opened
    opened.close()


def wait_for(commits, numbers):
    """Submit all and return what each was told, in the order in which they were told."""
    told, all_told = [], threading.Event()

    def done(number, outcome):
        told.append((number, outcome))
        if len(told) == len(numbers):
            all_told.set()

    for number in numbers:
        commits.submit(Lone(draft(number), partial(done, number)))
    assert all_told.wait(30)
    return told


def test_everybody_is_told_the_index_of_their_entry(ledger, commits):
    told = wait_for(commits, range(500))
    assert [number for number, _ in told] == list(range(500))
    assert [outcome for _, outcome in told] == list(range(1, 501))
    by_index = {one.index: one.entry.facts["number"] for one in ledger.entries(since=1, limit=500)}
    assert by_index == {outcome: number for number, outcome in told}
    assert ledger.verify().is_sound


def test_many_threads_lose_nothing(ledger, commits):
    told = []
    threads = [threading.Thread(target=lambda: told.extend(wait_for(commits, range(50)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome for _, outcome in told) == list(range(1, 401))
    assert ledger.verify().is_sound


def test_nobody_is_told_before_the_entry_is_durable(home, commits):
    """Another connection, which sees committed rows only, sees the entry at the moment of the telling."""
    seen, all_told = [], threading.Event()

    def done(outcome):
        other = sqlite3.connect(home / "modelward.db")
        seen.append(other.execute("SELECT COUNT(*) FROM ledger_entries WHERE idx = ?", (outcome,)).fetchone()[0])
        other.close()
        if len(seen) == 40:
            all_told.set()

    for number in range(40):
        commits.submit(Lone(draft(number), done))
    assert all_told.wait(30)
    assert seen == [1] * 40


def test_when_the_commit_fails_everybody_is_told_and_nothing_is_recorded(home, ledger, commits):
    other = sqlite3.connect(home / "modelward.db")
    other.execute("CREATE TRIGGER full BEFORE INSERT ON ledger_entries BEGIN SELECT RAISE(ABORT, 'no more'); END")
    other.commit()
    told = wait_for(commits, range(20))
    assert all(isinstance(outcome, Exception) for _, outcome in told)
    assert len(told) == 20
    assert ledger.head().size == 1
    other.execute("DROP TRIGGER full")
    other.commit()
    other.close()
    assert [outcome for _, outcome in wait_for(commits, range(3))] == [1, 2, 3]
    assert ledger.verify().is_sound


def test_a_broken_ledger_takes_nothing(home, commits):
    other = sqlite3.connect(home / "modelward.db")
    other.execute("UPDATE ledger_head SET last = zeroblob(32)")
    other.commit()
    other.close()
    assert all(isinstance(outcome, LedgerBrokenError) for _, outcome in wait_for(commits, range(5)))


def test_closing_writes_what_waits_and_anchors_it(ledger, home):
    commits, told = GroupCommit(ledger), []
    commits.start()
    for number in range(300):
        commits.submit(Lone(draft(number), told.append))
    commits.close()
    assert told == list(range(1, 301))
    assert (home / "ledger.checkpoint").read_text() == ledger.head().text
    with pytest.raises(WriterClosedError) as refused:
        commits.submit(Lone(draft(1), told.append))
    assert isinstance(refused.value, UnavailableError)
    commits.close()


def test_a_writer_that_was_not_started_takes_nothing(ledger):
    with pytest.raises(WriterClosedError):
        GroupCommit(ledger).submit(Lone(draft(1)))


def test_a_teller_that_fails_does_not_stop_the_others(ledger, commits, caplog):
    commits.submit(Lone(draft(0), lambda outcome: 1 / 0))
    assert len(wait_for(commits, range(10))) == 10
    assert "could not be told" in caplog.text


def test_two_writers_in_one_process_share_the_ledger(tmp_path):
    first, second = open_ledger(tmp_path), open_ledger(tmp_path)
    writers = [GroupCommit(first), GroupCommit(second)]
    for writer in writers:
        writer.start()
    told = [outcome for writer in writers for _, outcome in wait_for(writer, range(50))]
    for writer in writers:
        writer.close()
    assert sorted(told) == list(range(1, 101))
    assert first.verify().is_sound
    close(first)
    close(second)


class Several:
    """Some drafts handed in together; `told` is what they were told."""

    def __init__(self, *drafts):
        self.wanted = list(drafts)
        self.told = []
        self.together = []

    def drafts(self):
        if ZeroDivisionError in self.wanted:
            raise ZeroDivisionError
        return self.wanted

    def done(self, first, entries):
        self.told.append(first)
        self.together.append(entries)


def test_what_nobody_waits_for_any_more_is_not_recorded(database, ledger):
    commits, first, second, third = GroupCommit(ledger), Several(draft(1), draft(2)), Several(draft(3)), Several(draft(4))
    commits.start()
    before = ledger.head().size
    with database.change():
        for bunch in (first, second, third):
            commits.submit(bunch)
        # The writer waits for the lock that this transaction holds; meanwhile callers give up.
        del first.wanted[0]
        second.wanted.clear()
    commits.close()
    assert (first.told, second.told, third.told) == ([before], [before + 1], [before + 1])
    assert first.together == second.together == third.together == [2]
    assert [one.entry.facts["number"] for one in ledger.entries(since=before, newest_first=False)] == [2, 4]
    assert ledger.verify().is_sound


def test_a_bunch_is_told_the_index_of_its_first_entry_and_the_others_follow(ledger, commits):
    bunches = [Several(*(draft(10 * size + place) for place in range(size))) for size in (3, 0, 1, 1500, 2)]
    for bunch in bunches:
        commits.submit(bunch)
    commits.close()
    numbers = {one.index: one.entry.facts["number"] for one in ledger.entries(limit=10_000) if one.index}
    for size, bunch in zip((3, 0, 1, 1500, 2), bunches, strict=True):
        (first,) = bunch.told
        assert [numbers[first + place] for place in range(size)] == [10 * size + place for place in range(size)]
    assert sorted(numbers) == list(range(1, 1507))
    assert ledger.verify().is_sound


def test_a_bunch_that_cannot_say_what_it_wants_harms_no_other(ledger, commits):
    before, broken, after = Several(draft(1)), Several(ZeroDivisionError), Several(draft(2))
    for bunch in (before, broken, after):
        commits.submit(bunch)
    commits.close()
    assert (before.told, after.told) == ([1], [2])
    assert [type(fault) for fault in broken.told] == [ZeroDivisionError]
    assert ledger.verify().is_sound


def test_each_commit_is_told_with_its_time_and_its_entries(ledger):
    commits = []
    writer = GroupCommit(ledger, on_commit=lambda seconds, entries: commits.append((seconds, entries)))
    writer.start()
    for number in range(50):
        writer.submit(Several(draft(number), draft(number)))
    writer.submit(Several())
    writer.close()
    assert sum(entries for _, entries in commits) == 100
    assert all(seconds > 0 and entries > 0 for seconds, entries in commits)


def test_a_counter_that_fails_does_not_stop_the_writer(ledger, caplog):
    writer = GroupCommit(ledger, on_commit=lambda seconds, entries: 1 / 0)
    writer.start()
    assert [outcome for _, outcome in wait_for(writer, range(3))] == [1, 2, 3]
    assert [outcome for _, outcome in wait_for(writer, range(3))] == [4, 5, 6]
    writer.close()
    assert "could not be told" in caplog.text


def test_the_anchor_follows_while_the_writer_runs(ledger, home, commits):
    """Nothing else is written and nobody closes the writer; the anchor comes by itself, in the end."""
    before = (home / "ledger.checkpoint").read_text()
    assert wait_for(commits, range(3))
    give_up = time.monotonic() + 30
    while (home / "ledger.checkpoint").read_text() == before and time.monotonic() < give_up:
        time.sleep(0.01)
    assert (home / "ledger.checkpoint").read_text() == ledger.head().text != before


FULL = """
import resource, signal, sys, threading
from pathlib import Path
from opened import Lone, draft, open_ledger
from modelward.audit import GroupCommit
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
home = Path(sys.argv[1])
ledger = open_ledger(home)
commits = GroupCommit(ledger)
commits.start()
def hand_in(count):
    told, all_told = [], threading.Event()
    def done(outcome):
        told.append(outcome if isinstance(outcome, int) else type(outcome).__name__)
        if len(told) == count:
            all_told.set()
    for number in range(count):
        commits.submit(Lone(draft(number), done))
    assert all_told.wait(30)
    return told
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
print(hand_in(20)[-1])
resource.setrlimit(resource.RLIMIT_FSIZE, ((home / "modelward.db-wal").stat().st_size, hard))
outcomes = hand_in(500)
recorded = [outcome for outcome in outcomes if isinstance(outcome, int)]
print(len(outcomes), set(outcomes) - set(recorded), recorded == list(range(21, 21 + len(recorded))))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(hand_in(5) == list(range(21 + len(recorded), 26 + len(recorded))))
commits.close()
print(ledger.head().size == 26 + len(recorded), ledger.verify().faults)
"""


def test_on_a_full_disk_everybody_is_told_and_entries_are_taken_again_once_there_is_room(tmp_path):
    """The disk is played by a limit on the size of the process's files."""
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent, timeout=120)
    assert told.stdout.splitlines() == ["20", "500 {'DatabaseBusyError'} True", "True", "True ()"]
