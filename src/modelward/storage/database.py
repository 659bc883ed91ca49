# SPDX-License-Identifier: Apache-2.0
"""The database: rows of every room, one transaction for one change.

SQLite in one file, with a write-ahead log and `synchronous=FULL`, so that what a committed transaction wrote is on
the disk before anybody is told.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from modelward.errors import InvalidError
from modelward.storage.sqlite import DatabaseBusyError, meaning, prepare
from modelward.storage.turn import Turn

Connection = sa.Connection
RawConnection = sqlite3.Connection
SCHEMA = sa.MetaData()

PATIENCE_SECONDS = 30.0
_LOG_PAGES = 2000
_GLANCE_SECONDS = 0.05
_NOT_ERASED = (
    "What was deleted is in no row any more, but its bytes may still lie in a file of the database: somebody else reads or writes "
    "it for too long. Try again, or stop the servers of this home and try again."
)
_ONLY_SQLITE = (
    "The database URL {}. Rows lie in an SQLite file: set MODELWARD_DATABASE_URL to `sqlite:////path/to/file.db`, or unset it."
)


class InvalidDatabaseError(InvalidError):
    """The URL names no database that can be used."""


class Database:
    """Opens transactions. Stores receive a `Connection` and never commit; the service that opened it does, by leaving."""

    def __init__(self, url: str | sa.URL, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Over the SQLite file that `url` names. Who wants to write waits for others no longer than `patience_seconds`.

        Raises:
            InvalidDatabaseError: it names none.
        """
        found = _of_sqlite_file(url)
        self._patience_seconds = patience_seconds
        self._engine = sa.create_engine(found)
        sa.event.listen(self._engine, "connect", self._prepare)
        self._turn = Turn(Path(f"{found.database}-turn"))
        self._mine = threading.local()
        self._resting = deque[Connection]()
        self._is_closed = False
        self._writing: RawConnection | None = None
        self._tending: RawConnection | None = None

    @classmethod
    def in_file(cls, path: Path) -> Database:
        """SQLite in the file at `path`, whatever characters the path has: in a URL some of them mean something."""
        return cls(sa.URL.create("sqlite", database=str(path)))

    def create_tables(self) -> None:
        """Create what the stores declared in `SCHEMA` and is not there yet, indices of older tables too; several processes may do
        so at once.
        """
        indices = [index for table in SCHEMA.tables.values() for index in table.indexes]
        with self.look() as connection:
            present = set(connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars())
        if not present.issuperset([*SCHEMA.tables, *(index.name for index in indices)]):
            with self.change() as connection:
                SCHEMA.create_all(connection)
                for index in indices:
                    index.create(connection, checkfirst=True)

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """One write transaction: all of it, durable, or none. It takes the write lock at once, so two changes never interleave.

        Raises:
            DatabaseBusyError: the lock could not be had, or the disk is full; nothing was written. DatabaseDamagedError.
        """
        with _explained(), self._engine.connect() as connection:
            if not self._turn.take(patience_seconds=self._patience_seconds):
                raise DatabaseBusyError("Another change to the database takes too long. Nothing was written. Try again.")
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                self._mine.connection = connection
                try:
                    yield connection
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    connection.rollback()
                    raise
            finally:
                self._mine.connection = None
                self._turn.give_back()

    @contextmanager
    def same_change(self) -> Iterator[Connection]:
        """The `change` that this thread is within already, so that what is written stands or falls with it; else one of its own."""
        held: Connection | None = getattr(self._mine, "connection", None)
        if held is not None:
            yield held
            return
        with self.change() as connection:
            yield connection

    @contextmanager
    def quick_change(self) -> Iterator[RawConnection]:
        """`change` for who writes a hundred times a second: on one connection that is kept for it, without what SQLAlchemy adds.

        It waits as long as it takes, and does no housekeeping: have `tend` called regularly by another thread.

        Raises:
            DatabaseBusyError: another program held the lock, or the disk is full; nothing was written. DatabaseDamagedError.
        """
        with _explained():
            self._turn.take_in_line()
            try:
                connection = self._writing = self._writing or self._open()
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    # Whatever state it was left in, the next one begins afresh.
                    self._writing = None
                    connection.close()
                    raise
            finally:
                self._turn.give_back()

    def tend(self) -> None:
        """Copy the write-ahead log back into the file, so that it does not grow. For one thread, beside those that write.

        They go on meanwhile. Only when the log has grown long they wait, for the little that they added during the copying; then
        the log begins anew.

        Raises:
            DatabaseBusyError: the disk is full, for instance; nothing is lost. DatabaseDamagedError.
        """
        with _explained():
            connection = self._tending = self._tending or self._open()
            if _copy_back(connection) > _LOG_PAGES:
                self._turn.take_in_line()
                try:
                    _copy_back(connection)
                finally:
                    self._turn.give_back()

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """One consistent reading; writes are rolled back."""
        with _explained():
            connection = self._rested()
            try:
                # By the driver, as in `raw`: SQLAlchemy's own way takes longer, and most looks are short.
                driver = raw(connection)
                driver.execute("BEGIN")
                held = sys.getrefcount(driver)
                yield connection
                connection.rollback()
                driver.rollback()
            except BaseException:
                connection.close()
                raise
            # The next one need not ask the pool, which takes longer than a short look.
            if sys.getrefcount(driver) > held:
                # Whoever still holds a result that was not read to its end keeps the connection in the past.
                connection.invalidate()
            if self._resting or self._is_closed or connection.invalidated:
                connection.close()
            else:
                self._resting.append(connection)

    def _rested(self) -> Connection:
        """The connection of the look before, if that is over."""
        try:
            return self._resting.pop()
        except IndexError:
            return self._engine.connect()

    def copy_to(self, file: Path) -> None:
        """Write the rows as they stand at one moment into the new database `file`; nobody waits meanwhile. What was deleted is not
        in it, not even where its bytes lie in the file still.

        Raises:
            DatabaseBusyError: the disk is full, for instance. DatabaseDamagedError.
        """
        with _explained():
            connection = self._open()
            try:
                connection.execute("VACUUM INTO ?", (str(file),))
            finally:
                connection.close()

    def erase(self, traces: Collection[bytes] | None) -> None:
        """See to it that the files of the database hold none of `traces`, which no row has any more.

        The write-ahead log is emptied. Pages that were rearranged may keep what once stood in them: where one does, or where nobody
        knows what to look for (None), the file is written anew, which takes as much space again.

        Raises:
            DatabaseBusyError: somebody else reads or writes for too long, or the disk is full; call it again. DatabaseDamagedError.
        """
        with _explained():
            connection = self._open()
            try:
                self._empty_log(connection)
                if traces is None or self._keeps(traces):
                    connection.execute("VACUUM")
                    self._empty_log(connection)
                if self._keeps(traces or ()):
                    raise DatabaseBusyError(_NOT_ERASED)
            finally:
                connection.close()

    def _empty_log(self, connection: RawConnection) -> None:
        """Copy all of the write-ahead log into the file, and cut it off. Whoever reads the past is waited for."""
        give_up = time.monotonic() + self._patience_seconds
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > give_up:
                raise DatabaseBusyError(_NOT_ERASED)
            time.sleep(_GLANCE_SECONDS)

    def _keeps(self, traces: Collection[bytes]) -> bool:
        """Whether a file of the database has the bytes of one of `traces` in it."""
        for ending in ("", "-wal"):
            place = Path(f"{self._engine.url.database}{ending}")
            if place.exists() and place.stat().st_size:
                with place.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
                    if any(content.find(trace) >= 0 for trace in traces):
                        return True
        return False

    def close(self) -> None:
        """Close every connection."""
        self._is_closed = True
        while self._resting:
            self._resting.pop().close()
        self._engine.dispose()
        for connection in (self._writing, self._tending):
            if connection is not None:
                connection.close()
        self._writing = self._tending = None
        self._turn.close()

    def _open(self) -> RawConnection:
        pooled = self._engine.raw_connection()
        connection = cast(RawConnection, pooled.driver_connection)
        pooled.detach()
        return connection

    def _prepare(self, connection: RawConnection, _record: Any) -> None:
        # SQLite gives its other files the mode of this one.
        file = Path(str(self._engine.url.database))
        if file.stat().st_mode & 0o077:
            with suppress(PermissionError):
                file.chmod(0o600)
        prepare(connection, patience_seconds=self._patience_seconds)


@contextmanager
def _explained() -> Iterator[None]:
    """Raises what SQLite complains of as the error of ours that it means; a fault in a statement as it is."""
    try:
        yield
    except sa.exc.TimeoutError as fault:
        raise DatabaseBusyError("Every connection to the database is in use. Nothing was written. Try again.") from fault
    except (sa.exc.DatabaseError, sqlite3.DatabaseError) as fault:
        said = str(fault.orig if isinstance(fault, sa.exc.DatabaseError) else fault)
        error = meaning(said, is_operational=isinstance(fault, sa.exc.OperationalError | sqlite3.OperationalError))
        if error is None:
            raise
        raise error from fault


def raw(connection: Connection) -> RawConnection:
    """The driver's own connection under `connection`, for statements of which there are many."""
    return cast(RawConnection, connection.connection.driver_connection)


class _Lent:
    """Hands statements on to the driver's connection and does not hold it: a look that finds it held is not followed quickly."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, *asked: Any) -> sqlite3.Cursor:
        """See `sqlite3.Connection.execute`."""
        return raw(self._connection).execute(*asked)


def lent(connection: Connection) -> RawConnection:
    """As `raw`, for who may name it still when the look is over."""
    return cast(RawConnection, _Lent(connection))


def _copy_back(connection: RawConnection) -> int:
    """Copy what can be copied now, and tell how many pages the write-ahead log has."""
    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages)


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
