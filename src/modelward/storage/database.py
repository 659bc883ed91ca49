# SPDX-License-Identifier: Apache-2.0
"""The database: rows of every room, one transaction for one change.

SQLite in the home by default, with a write-ahead log and `synchronous=FULL`, so that what a committed transaction wrote is on
the disk before anybody is told.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from modelward.errors import UnavailableError

Connection = sa.Connection
SCHEMA = sa.MetaData()


class DatabaseBusyError(UnavailableError):
    """Another process held the database for too long, or the disk is full."""


class Database:
    """Opens transactions. Stores receive a `Connection` and never commit; the service that opened it does, by leaving."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)

    def create_tables(self) -> None:
        """Create what the stores declared in `SCHEMA` and is not there yet."""
        with self._engine.connect() as connection:
            SCHEMA.create_all(connection)
            connection.commit()

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """One write transaction: all of it, durable, or none. It takes the write lock at once, so two changes never interleave.

        Raises:
            DatabaseBusyError: the lock could not be had, or the disk is full; nothing was written.
        """
        with self._mend(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE") if self._engine.dialect.name == "sqlite" else connection.begin()
            try:
                yield connection
                connection.exec_driver_sql("COMMIT") if self._engine.dialect.name == "sqlite" else connection.commit()
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """One consistent reading; writes are rolled back."""
        with self._mend(), self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
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
        except sa.exc.OperationalError as fault:
            if any(word in str(fault.orig) for word in ("locked", "busy", "full", "disk I/O")):
                raise DatabaseBusyError(
                    f"The database said: {fault.orig}. Nothing was written. Free some space or try again."
                ) from fault
            raise


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not open transactions on its own: `change` and `look` do.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")
