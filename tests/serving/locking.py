# SPDX-License-Identifier: Apache-2.0
"""A ledger that nobody can write to, for somebody else does."""

import sqlite3
from contextlib import closing, contextmanager


@contextmanager
def locked(home):
    """Until this is left."""
    with closing(sqlite3.connect(home / "modelward.db", isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
