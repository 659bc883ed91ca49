# SPDX-License-Identifier: Apache-2.0
"""What a destroyed key was wrapped as lies in no file of the database in the end, and the file is not written anew for nothing."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from io import BytesIO

import pytest

from modelward.storage import DatabaseBusyError

LABEL = "dataset people"


@pytest.fixture
def wrapped(home):
    """What the key of an object is wrapped as."""

    def find(digest):
        with closing(sqlite3.connect(home / "modelward.db")) as raw:
            return raw.execute("SELECT wrapped FROM data_keys WHERE object = ?", (digest,)).fetchone()[0]

    return find


def shred(vault, database, digest):
    with database.change() as connection:
        return vault.shred(connection, {digest: LABEL})


def is_in_a_file(home, trace):
    return any(trace in file.read_bytes() for file in home.glob("modelward.db*"))


def leave(home, trace):
    """Have the file keep it in a page that no row uses, as rearranging does."""
    with closing(sqlite3.connect(home / "modelward.db")) as raw:
        raw.execute("PRAGMA secure_delete=OFF")
        raw.execute("CREATE TABLE IF NOT EXISTS passing (trace BLOB)")
        raw.executemany("INSERT INTO passing VALUES (?)", [(bytes([number]) * 300 + trace,) for number in range(50)])
        raw.commit()
        raw.execute("DELETE FROM passing")
        raw.commit()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_in_a_fresh_home_there_is_nothing_to_do_and_nothing_is_done(vault, cleared):
    vault.put(BytesIO(b"records"), label=LABEL)
    assert (vault.clear(), cleared()) == (False, [])


def test_once_it_is_done_it_is_not_done_again(vault, database, cleared):
    digest = vault.put(BytesIO(b"records"), label=LABEL)
    traces = shred(vault, database, digest)
    assert vault.clear(traces)
    assert "PRAGMA wal_checkpoint(TRUNCATE)" in cleared(), "it is seen where it is done"
    before = len(cleared())
    assert [vault.clear() for _ in range(3)] == [False] * 3
    assert len(cleared()) == before


def test_what_was_never_done_is_done_by_who_begins_again_and_once(vault, database, home, wrapped, cleared):
    digest = vault.put(BytesIO(b"records"), label=LABEL)
    trace = wrapped(digest)
    shred(vault, database, digest)
    leave(home, trace)
    assert is_in_a_file(home, trace)
    assert vault.clear()
    assert (cleared().count("VACUUM"), is_in_a_file(home, trace)) == (1, False)
    assert (vault.clear(), cleared().count("VACUUM")) == (False, 1)


def test_who_does_their_own_leaves_that_of_others_to_be_done(vault, database, home, wrapped, cleared):
    theirs, mine = (vault.put(BytesIO(content), label=LABEL) for content in (b"theirs", b"mine"))
    trace = wrapped(theirs)
    shred(vault, database, theirs)
    leave(home, trace)
    assert vault.clear(shred(vault, database, mine))
    assert is_in_a_file(home, trace)
    assert vault.clear()
    assert not is_in_a_file(home, trace)
    assert not vault.clear()


def test_who_could_not_do_it_finds_it_still_to_be_done(vault, database, monkeypatch):
    traces = shred(vault, database, vault.put(BytesIO(b"records"), label=LABEL))

    def busy(_traces):
        raise DatabaseBusyError("Somebody reads.")

    with monkeypatch.context() as reading:
        reading.setattr(database, "erase", busy)
        for given in (traces, None):
            with pytest.raises(DatabaseBusyError):
                vault.clear(given)
    assert vault.clear()
    assert not vault.clear()


def test_a_change_that_was_taken_back_leaves_nothing_to_do(vault, database):
    digest = vault.put(BytesIO(b"records"), label=LABEL)
    with suppress(ZeroDivisionError), database.change() as connection:
        vault.shred(connection, {digest: LABEL})
        raise ZeroDivisionError
    assert not vault.clear()


def test_no_trace_is_kept_in_clear_to_know_what_is_to_be_done(vault, database, home, wrapped):
    digest = vault.put(BytesIO(b"records"), label=LABEL)
    trace = wrapped(digest)
    shred(vault, database, digest)
    with closing(sqlite3.connect(home / "modelward.db")) as raw:
        kept = [row[0] for row in raw.execute("SELECT trace FROM uncleared_data_keys")]
    assert sorted(map(len, kept)) == [len("since"), 64]
    assert not any(trace.hex() in each or str(trace) in each for each in kept)


def test_a_home_of_an_older_version_that_destroyed_keys_is_cleared_once(vault, database, home, wrapped, cleared):
    digest = vault.put(BytesIO(b"records"), label=LABEL)
    trace = wrapped(digest)
    vault.clear(shred(vault, database, digest))
    with closing(sqlite3.connect(home / "modelward.db")) as raw:
        raw.execute("DROP TABLE uncleared_data_keys")
        raw.commit()
    database.create_tables()
    leave(home, trace)
    assert vault.clear(shred(vault, database, vault.put(BytesIO(b"others"), label=LABEL)))
    assert is_in_a_file(home, trace)
    assert (vault.clear(), cleared().count("VACUUM"), is_in_a_file(home, trace)) == (True, 1, False)
    assert (vault.clear(), cleared().count("VACUUM")) == (False, 1)


CUT_OFF = """
import os, signal, sys
from pathlib import Path
from modelward.storage import OBJECT_STORES, Database, Keyring, Vault

home, digest, label = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
database = Database(f"sqlite:///{home / 'modelward.db'}")
vault = Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), Keyring.open(home / "keys.json"), database)
with database.change() as connection:
    vault.shred(connection, {digest: label})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_somebody_left_who_was_killed_before_it_was_done_is_done_by_the_next(vault, home, wrapped, cleared):
    digest = vault.put(BytesIO(b"records"), label=LABEL)
    trace = wrapped(digest)
    given = [sys.executable, "-c", CUT_OFF, str(home), digest, LABEL]
    assert subprocess.run(given, check=False).returncode == -signal.SIGKILL
    leave(home, trace)
    assert is_in_a_file(home, trace), "it lies there still"
    assert vault.clear()
    assert (cleared().count("VACUUM"), is_in_a_file(home, trace)) == (1, False)
    assert (vault.clear(), cleared().count("VACUUM")) == (False, 1)
