# SPDX-License-Identifier: Apache-2.0
"""How every connection to the SQLite file is set up, and what the faults of SQLite mean."""

from __future__ import annotations

import sqlite3
import time

from modelward.errors import RefusedError, UnavailableError

# Whoever serves copies the write-ahead log back all the time. These are for who does not, and for a reader that was in the way.
_LOG_PAGES = 16_000
_LOG_BYTES_KEPT = 64 << 20
_PASSING = ("locked", "busy", "full", "disk I/O", "unable to open", "readonly", "connection")
_DAMAGED = ("malformed", "not a database")


class DatabaseBusyError(UnavailableError):
    """Another process held the database for too long, it cannot be reached, or the disk is full."""


class DatabaseDamagedError(RefusedError):
    """What lies where the database should is none, or a broken one."""


def prepare(connection: sqlite3.Connection, *, patience_seconds: float) -> None:
    """Make `connection` one whose commits are on the disk, and which waits for others so long."""
    # The driver must not open transactions on its own: whoever holds the connection does.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={round(patience_seconds * 1000)}")
    try:
        _write_ahead(connection, patience_seconds)
    except UnicodeDecodeError as damage:
        # The driver cannot read SQLite's own complaint, for it quotes a list of tables that is no text any more.
        raise sqlite3.DatabaseError("malformed database schema") from damage
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # What is deleted is overwritten, not only left out.
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit={_LOG_BYTES_KEPT}")


def meaning(said: str, *, is_operational: bool) -> DatabaseBusyError | DatabaseDamagedError | None:
    """What SQLite's complaint means for whoever wanted something of the database; None where a statement is at fault."""
    if any(word in said for word in _DAMAGED):
        return DatabaseDamagedError(f"The database said: {said}. Restore it from a backup.")
    if is_operational and any(word in said for word in _PASSING):
        return DatabaseBusyError(f"The database said: {said}. Nothing was written. Free some space or try again.")
    return None


def _write_ahead(connection: sqlite3.Connection, patience_seconds: float) -> None:
    # The one statement that SQLite does not wait for: of two processes that open a new file at once, one is told "locked".
    give_up = time.monotonic() + patience_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return
