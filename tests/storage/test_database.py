# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import sqlalchemy as sa

from modelward.errors import RefusedError, UnavailableError
from modelward.storage import Database, DatabaseBusyError, DatabaseDamagedError, InvalidDatabaseError


class Counter:
    """A database of one row with a number, as a store would use it; its table is outside `SCHEMA`, which all tests share."""

    def __init__(self, path) -> None:
        self.path = path
        self.database = Database(f"sqlite:///{path}")

    def create(self) -> None:
        with self.database.change() as connection:
            connection.exec_driver_sql("CREATE TABLE counter (value INTEGER CHECK (value < 1000000))")
            connection.exec_driver_sql("INSERT INTO counter VALUES (0)")

    def add(self, connection: sa.Connection, amount: int = 1) -> None:
        connection.exec_driver_sql(f"UPDATE counter SET value = value + {amount}")

    def change(self, *statements: str, fault: BaseException | None = None) -> None:
        """One change of these statements, which then fails where a fault is given."""
        with self.database.change() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            if fault:
                raise fault

    def value(self) -> int:
        with self.database.look() as connection:
            return connection.exec_driver_sql("SELECT value FROM counter").scalar_one()


@pytest.fixture
def counter(tmp_path):
    made = Counter(tmp_path / "counter.db")
    made.create()
    yield made
    made.database.close()


def test_a_change_is_written(counter):
    with counter.database.change() as connection:
        counter.add(connection)
    assert counter.value() == 1


ADD = "UPDATE counter SET value = value + 1"


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_change_that_fails_leaves_nothing(counter, fault):
    with pytest.raises(fault):
        counter.change(ADD, fault=fault())
    assert counter.value() == 0
    counter.change(ADD)
    assert counter.value() == 1


def test_a_broken_constraint_leaves_nothing_of_its_change(counter):
    with pytest.raises(sa.exc.IntegrityError):
        counter.change(ADD, "UPDATE counter SET value = 2000000")
    assert counter.value() == 0


def test_a_change_of_the_schema_is_part_of_the_transaction(counter):
    with pytest.raises(ValueError, match="stop"):
        counter.change("CREATE TABLE half (x)", fault=ValueError("stop"))
    with counter.database.look() as connection:
        assert sa.inspect(connection).get_table_names() == ["counter"]


def test_a_look_writes_nothing(counter):
    with counter.database.look() as connection:
        counter.add(connection)
    assert counter.value() == 0


def test_a_look_sees_one_moment(counter):
    with counter.database.look() as looking:
        before = looking.exec_driver_sql("SELECT value FROM counter").scalar_one()
        with counter.database.change() as connection:
            counter.add(connection)
        assert looking.exec_driver_sql("SELECT value FROM counter").scalar_one() == before == 0
    assert counter.value() == 1


def test_what_a_change_has_not_finished_nobody_sees(counter):
    with counter.database.change() as connection:
        counter.add(connection)
        assert counter.value() == 0
    assert counter.value() == 1


def test_a_committed_change_is_on_the_disk(counter):
    with counter.database.look() as connection:
        pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_foreign_keys_are_kept(counter):
    with counter.database.change() as connection:
        connection.exec_driver_sql("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE child (parent INTEGER REFERENCES parent (id))")
    with pytest.raises(sa.exc.IntegrityError), counter.database.change() as connection:
        connection.exec_driver_sql("INSERT INTO child VALUES (7)")


def test_no_count_is_lost_between_threads(counter):
    def count() -> None:
        for _ in range(25):
            with counter.database.change() as connection:
                value = connection.exec_driver_sql("SELECT value FROM counter").scalar_one()
                connection.exec_driver_sql(f"UPDATE counter SET value = {value + 1}")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counter.value() == 100


COUNTING = """
import sys
from modelward.storage import Database
database = Database(sys.argv[1])
for _ in range(25):
    with database.change() as connection:
        value = connection.exec_driver_sql("SELECT value FROM counter").scalar_one()
        connection.exec_driver_sql(f"UPDATE counter SET value = {value + 1}")
"""


def test_no_count_is_lost_between_processes(counter):
    command = [sys.executable, "-c", COUNTING, f"sqlite:///{counter.path}"]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert counter.value() == 50


KILLED = """
import os, signal, sys
from modelward.storage import Database
with Database(sys.argv[1]).change() as connection:
    connection.exec_driver_sql("UPDATE counter SET value = 7")
    if sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("moment", "value"), [("before", 0), ("after", 7)])
def test_a_kill_leaves_all_of_a_change_or_none(counter, moment, value):
    command = [sys.executable, "-c", KILLED, f"sqlite:///{counter.path}", moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert counter.value() == value


CREATING = """
import sys
import sqlalchemy as sa
from modelward.storage import Database, SCHEMA
for number in range(20):
    sa.Table(f"t{number}", SCHEMA, sa.Column("id", sa.Integer, primary_key=True))
for attempt in range(5):
    print("ready", flush=True)
    input()
    Database(f"{sys.argv[1]}/{attempt}.db").create_tables()
"""


def test_several_processes_may_create_the_tables_at_once(tmp_path):
    command = [sys.executable, "-c", CREATING, f"sqlite:///{tmp_path}"]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for _ in range(5):
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0, 0]
    for attempt in range(5):
        with sqlite3.connect(tmp_path / f"{attempt}.db") as raw:
            assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name GLOB 't[0-9]*'").fetchone() == (20,)
        raw.close()


def test_a_full_disk_is_told_and_nothing_is_written(counter):
    with counter.database.look() as connection:
        size = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    full = Counter(counter.path)
    sa.event.listen(full.database._engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {size}"))
    with pytest.raises(DatabaseBusyError, match="full") as caught:
        full.change(ADD, "CREATE TABLE large (data)", "INSERT INTO large VALUES (zeroblob(1000000))")
    assert isinstance(caught.value, UnavailableError)
    full.database.close()
    assert counter.value() == 0


def test_a_database_held_too_long_is_told(counter):
    impatient = Database(f"sqlite:///{counter.path}", patience_seconds=0)
    with counter.database.change() as holding:
        counter.add(holding)
        with pytest.raises(DatabaseBusyError, match="locked"), impatient.change():
            pass
    with impatient.change() as connection:
        counter.add(connection)
    impatient.close()
    assert counter.value() == 2


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "x.db").write_bytes(b"not a database at all " * 500)
    with pytest.raises(DatabaseDamagedError, match="backup") as caught, Database(f"sqlite:///{tmp_path / 'x.db'}").look():
        pass
    assert isinstance(caught.value, RefusedError)


def test_a_database_that_cannot_be_reached_is_told(tmp_path):
    with pytest.raises(DatabaseBusyError, match="unable to open"), Database(f"sqlite:///{tmp_path / 'no' / 'x.db'}").look():
        pass


def test_a_copy_of_the_closed_file_is_whole(counter, tmp_path):
    with counter.database.change() as connection:
        counter.add(connection, 3)
    counter.database.close()
    shutil.copy(counter.path, tmp_path / "copy.db")
    copy = Counter(tmp_path / "copy.db")
    assert copy.value() == 3
    copy.database.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("here", "is no URL"),
        ("", "is no URL"),
        ("postgresql://ada:secret@host/house", "is for 'postgresql'"),
        ("sqlite+aiosqlite:///house.db", "is for 'sqlite.aiosqlite'"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://host:port/x", "is no URL"),
    ],
)
def test_a_url_of_anything_else_than_an_sqlite_file_is_refused(url, words):
    with pytest.raises(InvalidDatabaseError, match=words) as refused:
        Database(url)
    assert "secret" not in str(refused.value)


PAGES = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) INSERT INTO large SELECT randomblob(4000) FROM n"
)


def test_a_quick_change_is_written_whole_or_not_at_all(counter):
    with counter.database.quick_change() as connection:
        connection.execute(ADD)
    assert counter.value() == 1

    def change_and_fail() -> None:
        with counter.database.quick_change() as connection:
            connection.execute(ADD)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert counter.value() == 1
    with counter.database.quick_change() as connection:
        connection.execute(ADD)
    assert counter.value() == 2


def test_no_count_is_lost_between_quick_changes_and_others(counter):
    def count(change) -> None:
        for _ in range(25):
            with change() as connection:
                execute = getattr(connection, "exec_driver_sql", None) or connection.execute
                (value,) = execute("SELECT value FROM counter").fetchone()
                execute(f"UPDATE counter SET value = {value + 1}")

    threads = [
        threading.Thread(target=count, args=(change,)) for change in (counter.database.change, counter.database.quick_change) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counter.value() == 100


def test_a_log_that_is_tended_does_not_grow_however_much_is_written(counter):
    log = counter.path.with_name(counter.path.name + "-wal")
    counter.change("CREATE TABLE large (data)")

    def written() -> int:
        with counter.database.quick_change() as connection:
            connection.execute(PAGES.format(500))
        return log.stat().st_size

    untended = [written() for _ in range(4)]
    assert untended == sorted(set(untended))
    tended = []
    for _ in range(20):
        counter.database.tend()
        tended.append(written())
    assert max(tended) <= untended[-1]


def test_a_long_log_begins_anew_though_others_write_all_the_time(counter):
    log, stop, written = counter.path.with_name(counter.path.name + "-wal"), threading.Event(), [0]
    counter.change("CREATE TABLE large (data)")

    def write() -> None:
        while not stop.is_set():
            with counter.database.quick_change() as connection:
                connection.execute(PAGES.format(100))
            written[0] += 100

    thread = threading.Thread(target=write)
    thread.start()
    sizes = []
    while written[0] < 20_000:
        counter.database.tend()
        sizes.append(log.stat().st_size)
    stop.set()
    thread.join()
    assert written[0] * 4000 > 2 * max(sizes)


def test_a_log_that_nobody_tends_is_bounded_too(counter):
    counter.change("CREATE TABLE large (data)")
    for _ in range(25):
        with counter.database.quick_change() as connection:
            connection.execute(PAGES.format(1000))
    assert counter.path.with_name(counter.path.name + "-wal").stat().st_size < 80_000_000


def test_a_log_is_not_tended_where_it_cannot_be(counter):
    counter.change(ADD)
    counter.database.close()
    counter.path.write_bytes(b"not a database at all " * 500)
    with pytest.raises(DatabaseDamagedError):
        counter.database.tend()


def test_its_files_are_for_nobody_else_whatever_the_umask_says(tmp_path):
    before = os.umask(0)
    try:
        opened = Database.in_file(tmp_path / "rows.db")
        with opened.change() as writing:
            writing.exec_driver_sql("CREATE TABLE counter (value INTEGER)")
        with opened.look() as looking:
            files = [file for file in tmp_path.iterdir() if file.name.startswith("rows.db")]
            assert {file.name for file in files} >= {"rows.db", "rows.db-wal", "rows.db-shm"}
            assert {file.name: oct(file.stat().st_mode & 0o077) for file in files if file.stat().st_mode & 0o077} == {}
            assert not looking.closed
        opened.close()
    finally:
        os.umask(before)


def test_a_look_that_fails_or_is_one_of_many_leaves_nothing_behind(counter):
    def look_within_a_look(_):
        with counter.database.look() as one, counter.database.look() as another:
            assert one is not another
            assert [each.exec_driver_sql("SELECT value FROM counter").scalar() for each in (one, another)] == [0, 0]

    for _ in range(20):
        with suppress(ZeroDivisionError), counter.database.look() as connection:
            connection.exec_driver_sql(ADD)
            raise ZeroDivisionError
        with counter.database.look() as connection:
            connection.exec_driver_sql(ADD)
        assert counter.value() == 0, "what a look wrote is rolled back"
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(look_within_a_look, range(40)))
    assert counter.database._engine.pool.checkedout() <= 4, "at most those that rest"
    counter.database.close()
    assert counter.database._engine.pool.checkedout() == 0


def test_a_result_that_is_still_held_keeps_no_later_look_in_the_past(counter):
    with counter.database.change() as connection:
        connection.exec_driver_sql("CREATE TABLE many (value INTEGER)")
        connection.exec_driver_sql("INSERT INTO many VALUES (1), (2), (3)")
    with counter.database.look() as connection:
        held = connection.exec_driver_sql("SELECT value FROM many")
        assert held.fetchone() == (1,)
    counter.change(ADD)
    assert counter.value() == 1


def test_a_look_that_outlasts_the_database_leaves_no_connection(counter):
    with counter.database.look():
        counter.database.close()
    assert not counter.database._resting
