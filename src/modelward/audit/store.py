# SPDX-License-Identifier: Apache-2.0
"""The ledger's rows: entries, the words they are searched by, roots of complete blocks, and the head that is appended to.

Indexes of every answer would cost more than the answers' entries themselves. So changes, which belong to no request, have indexes;
each complete block of 1024 entries is entered once under the words that occur in its other entries, and a search reads the blocks
of its words; and what came since is looked through.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa

from modelward.storage import SCHEMA, RawConnection

_INDEX = sa.Integer()

# event, actor, subject and request repeat what the entry says, for searching; `verify` holds them against the entry.
_ENTRIES = sa.Table(
    "ledger_entries",
    SCHEMA,
    sa.Column("idx", _INDEX, primary_key=True, autoincrement=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
)
SEARCHED = ("event", "actor", "subject")
BLOCK = 1024
"""How many entries are searched together."""

sa.Index("ix_ledger_entries_request", _ENTRIES.c.request, sqlite_where=_ENTRIES.c.request != "")
for _column in SEARCHED:
    sa.Index(f"ix_ledger_changes_{_column}", _ENTRIES.c[_column], sqlite_where=_ENTRIES.c.request == "")
_NODES = sa.Table(
    "ledger_nodes",
    SCHEMA,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("idx", _INDEX, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
_HEAD = sa.Table(
    "ledger_head",
    SCHEMA,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("size", _INDEX, nullable=False),
    sa.Column("last", sa.LargeBinary, nullable=False),
    sa.Column("frontier", sa.LargeBinary, nullable=False),
    sa.Column("checkpoint", sa.Text, nullable=False),
)
_WORDS = sa.Table(
    "ledger_words",
    SCHEMA,
    sa.Column("word", sa.Text, primary_key=True),
    sa.Column("block", sa.Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
_WORDS.add_is_dependent_on(_ENTRIES)


def _after_create(table: sa.Table, statement: str) -> None:
    sa.event.listen(table, "after_create", sa.DDL(statement))  # type: ignore[no-untyped-call]  # left untyped by SQLAlchemy


for _table in (_ENTRIES, _NODES, _WORDS):
    for _verb in ("UPDATE", "DELETE"):
        _after_create(
            _table,
            f"CREATE TRIGGER {_table.name}_no_{_verb.lower()} BEFORE {_verb} ON {_table.name} "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        )


def word_of(column: str, value: str) -> str:
    """What an entry of a request is searched by, where a column has this value."""
    return f"{column}={value}"


# A ledger of version 0.1 had an index of all entries for each of these columns.
for _column in SEARCHED:
    _after_create(
        _WORDS,
        f"INSERT INTO ledger_words (word, block) SELECT DISTINCT '{word_of(_column, '')}' || {_column}, idx / {BLOCK} "  # noqa: S608  # our own names
        "FROM ledger_entries WHERE request != '' AND idx >= 0 "
        f"AND idx / {BLOCK} < (SELECT (MAX(idx) + 1) / {BLOCK} FROM ledger_entries)",
    )
    _after_create(_WORDS, f"DROP INDEX IF EXISTS ix_ledger_entries_{_column}")
    _after_create(
        _WORDS, f"CREATE INDEX IF NOT EXISTS ix_ledger_changes_{_column} ON ledger_entries ({_column}) WHERE request = ''"
    )

_PAGE_ROWS = 2048
_COLUMNS = 7
_ROWS_A_STATEMENT = 64
_BEFORE_EVERYTHING = -(1 << 63)


Value: TypeAlias = int | str | bytes


class RowsUnreadableError(LookupError):
    """The database is damaged, or rows that a whole ledger has are gone."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends: its size, the last leaf, the perfect subtrees one after the other, the signed checkpoint."""

    origin: str
    size: int
    last: bytes
    frontier: bytes
    checkpoint: str


class Row(NamedTuple):
    """One entry as it lies in the database, believed in nothing: a damaged database may hold any type anywhere."""

    idx: Any
    entry: Any
    leaf: Any
    event: Any
    actor: Any
    subject: Any
    request: Any


def create_head(connection: RawConnection, head: Head) -> None:
    """Write the one row of an empty log; `sqlite3.IntegrityError` where there is one already."""
    connection.execute(_INSERT_HEAD, _columns(head))


def is_untouched(connection: RawConnection) -> bool:
    """Whether no log was ever begun in this database: neither a head nor an entry."""
    (count,) = connection.execute(_COUNT_EVERYTHING).fetchone()
    return int(count) == 0


def read_head(connection: RawConnection) -> Head | None:
    """The head as it is; None where there is none.

    Raises:
        RowsUnreadableError: the database does not tell, or what lies there cannot be a head.
    """
    try:
        row = connection.execute(_READ_HEAD).fetchone()
    except sqlite3.Error as damage:
        raise RowsUnreadableError(str(damage)) from damage
    kinds = (str, int, bytes, bytes, str)
    if row is None:
        return None
    if not all(isinstance(value, kind) for value, kind in zip(row, kinds, strict=True)) or row[1] < 0:
        raise RowsUnreadableError("its head holds values of the wrong kind")
    return Head(*row)


def append(connection: RawConnection, values: Sequence[Value], *, nodes: Sequence[tuple[int, int, bytes]], head: Head) -> None:
    """Write entries, the roots and the words of the blocks they completed, and the new head.

    `values` are those of the entries' columns, one entry after the other, in the order of `Row`.
    """
    width = _COLUMNS * _ROWS_A_STATEMENT
    for start in range(0, len(values), width):
        part = values[start : start + width]
        # One statement for many rows: each statement gives up the interpreter lock once, and gets it back late.
        connection.execute(_insert_entries(len(part) // _COLUMNS), part)
    for node in nodes:
        connection.execute(_INSERT_NODE, node)
    for block in range((head.size - len(values) // _COLUMNS) // BLOCK, head.size // BLOCK):
        _enter(connection, block)
    connection.execute(_UPDATE_HEAD, _columns(head))


def _enter(connection: RawConnection, block: int) -> None:
    """Enter a block under its words."""
    found = connection.execute(_READ_WORDS, (block * BLOCK, (block + 1) * BLOCK)).fetchall()
    for word in sorted({word for values in found for word in words_of(*values)}):
        connection.execute(_INSERT_WORD, (word, block))


def words_of(event: str, actor: str, subject: str) -> list[str]:
    """The words that an entry of a request is searched by."""
    return list(map(word_of, SEARCHED, (event, actor, subject)))


def hashes(connection: RawConnection, level: int, start: int, stop: int) -> list[bytes]:
    """The leaves (level 0) or block roots from `start` to `stop` (excluded), as a Merkle tree reads them.

    Raises:
        RowsUnreadableError: some are missing or are no hashes; the ledger was tampered with.
    """
    query, place = (_READ_NODES, (level,)) if level else (_READ_LEAVES, ())
    try:
        found = [value for (value,) in connection.execute(query, (*place, start, stop))]
    except sqlite3.Error as damage:
        raise RowsUnreadableError(str(damage)) from damage
    if len(found) != stop - start or not all(isinstance(value, bytes) and len(value) == 32 for value in found):
        raise RowsUnreadableError(f"hashes {start} to {stop} of level {level} are not all there")
    return found


def spare_nodes(connection: RawConnection, size: int) -> int:
    """How many block roots are stored for blocks that a log of `size` entries has not completed."""
    try:
        found = connection.execute(_COUNT_NODES).fetchall()
    except sqlite3.Error:
        return 0
    return sum(max(0, count - (size >> level)) for level, count in found if isinstance(level, int) and 0 < level < 64)


def pages(connection: RawConnection) -> Iterator[Sequence[Row]]:
    """Every entry in the order of its index, in bounded memory, just as stored. A row that cannot be read comes as its index.

    Raises:
        RowsUnreadableError: the database is damaged so that it does not even tell which rows there are.
    """
    last = _BEFORE_EVERYTHING
    while page := _page_after(connection, last):
        yield page
        # A damaged index can lead back to where it came from, for ever.
        if not isinstance(page[-1].idx, int) or page[-1].idx <= last:
            raise RowsUnreadableError("its index leads in a circle")
        last = page[-1].idx


def _page_after(connection: RawConnection, last: int) -> Sequence[Row]:
    place = (last, _PAGE_ROWS)
    try:
        return [Row(*row) for row in connection.execute(_READ_PAGE, place)]
    except sqlite3.Error:
        try:
            indices = [index for (index,) in connection.execute(_READ_INDICES, place)]
        except sqlite3.Error as damage:
            raise RowsUnreadableError(str(damage)) from damage
        return [_row_at(connection, index) for index in indices]


def _row_at(connection: RawConnection, index: Any) -> Row:
    try:
        (found,) = connection.execute(_READ_ROW, (index,))
    except (sqlite3.Error, ValueError):
        return Row(index, None, None, None, None, None, None)
    return Row(*found)


_READ_HEAD = "SELECT origin, size, last, frontier, checkpoint FROM ledger_head WHERE id = 1"
_READ_PAGE = "SELECT idx, entry, leaf, event, actor, subject, request FROM ledger_entries WHERE idx > ? ORDER BY idx LIMIT ?"
_READ_INDICES = "SELECT idx FROM ledger_entries WHERE idx > ? ORDER BY idx LIMIT ?"
_READ_ROW = "SELECT idx, entry, leaf, event, actor, subject, request FROM ledger_entries WHERE idx = ?"
_READ_WORDS = "SELECT DISTINCT event, actor, subject FROM ledger_entries WHERE idx >= ? AND idx < ? AND request != ''"
_READ_LEAVES = "SELECT leaf FROM ledger_entries WHERE idx >= ? AND idx < ? ORDER BY idx"
_READ_NODES = "SELECT hash FROM ledger_nodes WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx"
_COUNT_EVERYTHING = "SELECT (SELECT COUNT(*) FROM ledger_head) + (SELECT COUNT(*) FROM (SELECT 1 FROM ledger_entries LIMIT 1) e)"
_COUNT_NODES = "SELECT level, COUNT(*) FROM ledger_nodes GROUP BY level"
_INSERT_HEAD = (
    "INSERT INTO ledger_head (id, origin, size, last, frontier, checkpoint) "
    "VALUES (1, :origin, :size, :last, :frontier, :checkpoint)"
)
_INSERT_NODE = "INSERT INTO ledger_nodes (level, idx, hash) VALUES (?, ?, ?)"
_INSERT_WORD = "INSERT OR IGNORE INTO ledger_words (word, block) VALUES (?, ?)"
_UPDATE_HEAD = "UPDATE ledger_head SET size = :size, last = :last, frontier = :frontier, checkpoint = :checkpoint"


@cache
def _insert_entries(count: int) -> str:
    row = f"({', '.join(['?'] * _COLUMNS)})"
    return f"INSERT INTO ledger_entries (idx, entry, leaf, event, actor, subject, request) VALUES {', '.join([row] * count)}"  # noqa: S608  # marks alone vary


def _columns(head: Head) -> dict[str, Any]:
    return {
        "origin": head.origin,
        "size": head.size,
        "last": head.last,
        "frontier": head.frontier,
        "checkpoint": head.checkpoint,
    }
