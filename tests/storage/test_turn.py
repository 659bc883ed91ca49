# SPDX-License-Identifier: Apache-2.0
"""Who writes takes turns, between threads and between processes; the dead and the stubborn keep nobody from it."""

import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from modelward.storage import Database, DatabaseBusyError
from modelward.storage.turn import Turn

HOLDING = """
import sys, time
from pathlib import Path
from modelward.storage.turn import Turn
Turn(Path(sys.argv[1])).take_in_line()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def turn(tmp_path):
    made = Turn(tmp_path / "turn")
    yield made
    made.close()


@pytest.fixture
def holder(tmp_path):
    """Another process that has the turn and keeps it."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path / "turn")], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate(timeout=30)


def test_one_thread_at_a_time_has_the_turn(turn):
    inside, most, lock = 0, [0], threading.Lock()

    def work(take) -> None:
        nonlocal inside
        for _ in range(200):
            take()
            with lock:
                inside += 1
                most[0] = max(most[0], inside)
            with lock:
                inside -= 1
            turn.give_back()

    takes = [turn.take_in_line, lambda: turn.take(patience_seconds=30)] * 2
    threads = [threading.Thread(target=work, args=(take,)) for take in takes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_thread_that_keeps_the_turn_is_not_waited_for_beyond_patience(turn):
    turn.take_in_line()
    told = []
    thread = threading.Thread(target=lambda: told.append(turn.take(patience_seconds=0.01)))
    thread.start()
    thread.join()
    assert told == [False]
    turn.give_back()


def test_who_waits_in_line_gets_the_turn_when_its_holder_dies(turn, holder):
    threading.Timer(0.05, holder.send_signal, [signal.SIGKILL]).start()
    turn.take_in_line()
    assert holder.wait(30) == -signal.SIGKILL
    turn.give_back()


def test_a_process_that_keeps_the_turn_is_passed_over_when_patience_ends(turn, holder):
    assert turn.take(patience_seconds=0.02)
    turn.give_back()
    assert holder.poll() is None


def test_where_no_file_can_be_made_there_is_no_waiting_in_line(tmp_path):
    turn = Turn(tmp_path / "no such folder" / "turn")
    turn.take_in_line()
    turn.give_back()
    assert turn.take(patience_seconds=0)
    turn.give_back()


def test_who_knows_of_no_turns_is_waited_for_all_the_same(tmp_path):
    """SQLite's own lock decides: a program that only knows SQLite keeps us out, and is told apart from a fault."""
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", patience_seconds=0)
    with database.change() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (value)")
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusyError, match="locked"), database.change():
        pass
    with pytest.raises(DatabaseBusyError, match="locked"), database.quick_change():
        pass
    other.execute("COMMIT")
    with database.quick_change() as connection:
        connection.execute("INSERT INTO counter VALUES (1)")
    assert other.execute("SELECT value FROM counter").fetchall() == [(1,)]
    other.close()
    database.close()
