# SPDX-License-Identifier: Apache-2.0
"""The database: rows of every room, one transaction for one change.

SQLite in one file, with a write-ahead log and `synchronous=FULL`, so that what a committed transaction wrote is on
the disk before anybody is told.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from modelward.errors import InvalidError, RefusedError, UnavailableError

Connection = sa.Connection
SCHEMA = sa.MetaData()

_PASSING = ("locked", "busy", "full", "disk I/O", "unable to open", "readonly", "connection")
_PATIENCE_SECONDS = 30
_ONLY_SQLITE = (
    "The database URL {}. Rows lie in an SQLite file: set MODELWARD_DATABASE_URL to `sqlite:////path/to/file.db`, or unset it."
)
_DAMAGED = ("malformed", "not a database")


class InvalidDatabaseError(InvalidError):
    """The URL names no database that can be used."""


class DatabaseBusyError(UnavailableError):
    """Another process held the database for too long, it cannot be reached, or the disk is full."""


class DatabaseDamagedError(RefusedError):
    """What lies where the database should is none, or a broken one."""


class Database:
    """Opens transactions. Stores receive a `Connection` and never commit; the service that opened it does, by leaving."""

    def __init__(self, url: str | sa.URL) -> None:
        """Over the SQLite file that `url` names.

        Raises:
            InvalidDatabaseError: it names none.
        """
        self._engine = sa.create_engine(_of_sqlite_file(url))
        sa.event.listen(self._engine, "connect", _prepare)

    @classmethod
    def in_file(cls, path: Path) -> Database:
        """SQLite in the file at `path`, whatever characters the path has: in a URL some of them mean something."""
        return cls(sa.URL.create("sqlite", database=str(path)))

    def create_tables(self) -> None:
        """Create what the stores declared in `SCHEMA` and is not there yet; several processes may do so at once."""
        with self.look() as connection:
            present = set(sa.inspect(connection).get_table_names())
        if not present.issuperset(SCHEMA.tables):
            with self.change() as connection:
                SCHEMA.create_all(connection)

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """One write transaction: all of it, durable, or none. It takes the write lock at once, so two changes never interleave.

        Raises:
            DatabaseBusyError: the lock could not be had, or the disk is full; nothing was written. DatabaseDamagedError.
        """
        with self._mend(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """One consistent reading; writes are rolled back."""
        with self._mend(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @staticmethod
    @contextmanager
    def _mend() -> Iterator[None]:
        try:
            yield
        except sa.exc.TimeoutError as fault:
            raise DatabaseBusyError("Every connection to the database is in use. Nothing was written. Try again.") from fault
        except sa.exc.DatabaseError as fault:
            said = str(fault.orig)
            if any(word in said for word in _DAMAGED):
                raise DatabaseDamagedError(f"The database said: {said}. Restore it from a backup.") from fault
            if isinstance(fault, sa.exc.OperationalError) and any(word in said for word in _PASSING):
                raise DatabaseBusyError(f"The database said: {said}. Nothing was written. Free some space or try again.") from fault
            raise


def _of_sqlite_file(url: str | sa.URL) -> sa.URL:
    try:
        found = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as wrong:
        # The text is not repeated: a URL may hold a password.
        raise InvalidDatabaseError(_ONLY_SQLITE.format("is no URL")) from wrong
    if found.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise InvalidDatabaseError(_ONLY_SQLITE.format(f"is for {found.drivername[:40]!r}"))
    if not found.database or found.database == ":memory:":
        raise InvalidDatabaseError(_ONLY_SQLITE.format("names no file"))
    return found


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not open transactions on its own: `change` and `look` do.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_PATIENCE_SECONDS * 1000}")
    try:
        _write_ahead(connection)
    except UnicodeDecodeError as damage:
        # The driver cannot read SQLite's own complaint, for it quotes a list of tables that is no text any more.
        raise sqlite3.DatabaseError("malformed database schema") from damage
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _write_ahead(connection: sqlite3.Connection) -> None:
    # The one statement that SQLite does not wait for: of two processes that open a new file at once, one is told "locked".
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return
