# SPDX-License-Identifier: Apache-2.0
"""The ledger's rows: entries, roots of complete blocks, and the head that the next entry is appended to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

from modelward.storage import SCHEMA, Connection

_INDEX = sa.Integer()

# event, actor, subject and request repeat what the entry says, for searching; `verify` holds them against the entry.
_ENTRIES = sa.Table(
    "ledger_entries",
    SCHEMA,
    sa.Column("idx", _INDEX, primary_key=True, autoincrement=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("event", sa.Text, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False, index=True),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("request", sa.Text, nullable=False),
)
sa.Index("ix_ledger_entries_request", _ENTRIES.c.request, sqlite_where=_ENTRIES.c.request != "")
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
for _table in (_ENTRIES, _NODES):
    for _verb in ("UPDATE", "DELETE"):
        sa.event.listen(
            _table,
            "after_create",
            sa.DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy leaves this constructor untyped
                f"CREATE TRIGGER {_table.name}_no_{_verb.lower()} BEFORE {_verb} ON {_table.name} "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            ),
        )

_PAGE_ROWS = 2048
_ROWS_A_STATEMENT = 100
_BEFORE_EVERYTHING = -(1 << 63)


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


def create_head(connection: Connection, head: Head) -> None:
    """Write the one row of an empty log; `sa.exc.IntegrityError` where there is one already."""
    connection.execute(_HEAD.insert().values(id=1, **_columns(head)))


def is_untouched(connection: Connection) -> bool:
    """Whether no log was ever begun in this database: neither a head nor an entry."""
    return int(connection.execute(_COUNT_EVERYTHING).scalar_one()) == 0


def read_head(connection: Connection) -> Head | None:
    """The head as it is; None where there is none.

    Raises:
        RowsUnreadableError: the database does not tell, or what lies there cannot be a head.
    """
    try:
        row = connection.execute(_READ_HEAD).one_or_none()
    except (sa.exc.DBAPIError, sa.exc.MultipleResultsFound) as damage:
        raise RowsUnreadableError(str(damage)) from damage
    kinds = (str, int, bytes, bytes, str)
    if row is None:
        return None
    if not all(isinstance(value, kind) for value, kind in zip(row, kinds, strict=True)) or row[1] < 0:
        raise RowsUnreadableError("its head holds values of the wrong kind")
    return Head(*row)


def append(connection: Connection, rows: Sequence[Row], *, nodes: Sequence[tuple[int, int, bytes]], head: Head) -> None:
    """Write entries, the roots of the blocks they completed, and the new head."""
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        part = rows[start : start + _ROWS_A_STATEMENT]
        # One statement for many rows: each statement gives up the interpreter lock once, and gets it back late.
        connection.exec_driver_sql(_insert(len(part)), tuple(chain.from_iterable(part)))
    if nodes:
        connection.execute(_NODES.insert(), [{"level": level, "idx": index, "hash": root} for level, index, root in nodes])
    connection.execute(_UPDATE_HEAD, _columns(head))


def hashes(connection: Connection, level: int, start: int, stop: int) -> list[bytes]:
    """The leaves (level 0) or block roots from `start` to `stop` (excluded), as a Merkle tree reads them.

    Raises:
        RowsUnreadableError: some are missing or are no hashes; the ledger was tampered with.
    """
    query, place = (_READ_NODES, {"level": level}) if level else (_READ_LEAVES, {})
    try:
        found = connection.execute(query, {**place, "start": start, "stop": stop}).scalars().all()
    except sa.exc.DBAPIError as damage:
        raise RowsUnreadableError(str(damage.orig)) from damage
    if len(found) != stop - start or not all(isinstance(value, bytes) and len(value) == 32 for value in found):
        raise RowsUnreadableError(f"hashes {start} to {stop} of level {level} are not all there")
    return list(found)


def spare_nodes(connection: Connection, size: int) -> int:
    """How many block roots are stored for blocks that a log of `size` entries has not completed."""
    try:
        found = connection.execute(_COUNT_NODES).all()
    except sa.exc.DBAPIError:
        return 0
    return sum(max(0, count - (size >> level)) for level, count in found if isinstance(level, int) and 0 < level < 64)


def pages(connection: Connection) -> Iterator[Sequence[Row]]:
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


def _page_after(connection: Connection, last: int) -> Sequence[Row]:
    place = {"last": last, "limit": _PAGE_ROWS}
    try:
        return cast(Sequence[Row], connection.execute(_READ_PAGE, place).all())
    except sa.exc.DBAPIError:
        try:
            indices = connection.execute(_READ_INDICES, place).scalars().all()
        except sa.exc.DBAPIError as damage:
            raise RowsUnreadableError(str(damage.orig)) from damage
        return [_row_at(connection, index) for index in indices]


def _row_at(connection: Connection, index: Any) -> Row:
    try:
        return Row(*connection.execute(_READ_ROW, {"idx": index}).one())
    except (sa.exc.DBAPIError, sa.exc.NoResultFound, sa.exc.MultipleResultsFound):
        return Row(index, None, None, None, None, None, None)


def find(
    connection: Connection, *, columns: Mapping[str, str], since: int, limit: int, newest_first: bool, until: int | None = None
) -> list[Row]:
    """Entries whose columns have the values given, from index `since` on and before `until`, at most `limit`."""
    order = _ENTRIES.c.idx.desc() if newest_first else _ENTRIES.c.idx
    query = sa.select(_ENTRIES).where(_ENTRIES.c.idx >= since).order_by(order).limit(limit)
    if until is not None:
        query = query.where(_ENTRIES.c.idx < until)
    for name, value in columns.items():
        query = query.where(_ENTRIES.c[name] == value)
    if "request" in columns:
        # Said again, because the partial index is used only for a query that says so.
        query = query.where(_ENTRIES.c.request != "")
    return [Row(*row) for row in connection.execute(query)]


# Plain text reads what lies there without the conversions that would stumble over a damaged value.
_READ_HEAD = sa.text("SELECT origin, size, last, frontier, checkpoint FROM ledger_head WHERE id = 1")
_READ_PAGE = sa.text(
    "SELECT idx, entry, leaf, event, actor, subject, request FROM ledger_entries WHERE idx > :last ORDER BY idx LIMIT :limit"
)
_READ_INDICES = sa.text("SELECT idx FROM ledger_entries WHERE idx > :last ORDER BY idx LIMIT :limit")
_READ_ROW = sa.text("SELECT idx, entry, leaf, event, actor, subject, request FROM ledger_entries WHERE idx = :idx")
_READ_LEAVES = sa.text("SELECT leaf FROM ledger_entries WHERE idx >= :start AND idx < :stop ORDER BY idx")
_READ_NODES = sa.text("SELECT hash FROM ledger_nodes WHERE level = :level AND idx >= :start AND idx < :stop ORDER BY idx")
_COUNT_EVERYTHING = sa.text(
    "SELECT (SELECT COUNT(*) FROM ledger_head) + (SELECT COUNT(*) FROM (SELECT 1 FROM ledger_entries LIMIT 1) e)"
)
_COUNT_NODES = sa.text("SELECT level, COUNT(*) FROM ledger_nodes GROUP BY level")
_UPDATE_HEAD = sa.text("UPDATE ledger_head SET size = :size, last = :last, frontier = :frontier, checkpoint = :checkpoint")


@cache
def _insert(count: int) -> str:
    row = f"({', '.join(['?'] * 7)})"
    return f"INSERT INTO ledger_entries (idx, entry, leaf, event, actor, subject, request) VALUES {', '.join([row] * count)}"  # noqa: S608  # marks alone vary


def _columns(head: Head) -> dict[str, Any]:
    return {
        "origin": head.origin,
        "size": head.size,
        "last": head.last,
        "frontier": head.frontier,
        "checkpoint": head.checkpoint,
    }
