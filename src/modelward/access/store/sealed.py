# SPDX-License-Identifier: Apache-2.0
"""Sealed rows: how each is written, read and found out. And the revision, which counts every change of access.

A table of sealed rows has columns of text alone, one of which is its MAC. It is `declare`d with its kind of row and the column by
which people know one.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from modelward.access.permission import Role
from modelward.access.seal import AlteredRowError, Seal
from modelward.storage import SCHEMA, Connection, raw

Row = sa.RowMapping
_REVISION = sa.Table(
    "access_revision",
    SCHEMA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Integer, nullable=False),
)
_KINDS: Final[dict[sa.Table, tuple[tuple[str, ...], str]]] = {}


def declare(table: sa.Table, kind: str, known_by: str, *, also: Sequence[str] = ()) -> sa.Table:
    """`table`, as one of sealed rows of that `kind`, each of which people know by the column `known_by`. Where a row means more by
    being of another kind, those are told `also`.
    """
    _KINDS[table] = ((kind, *also), known_by)
    return table


def altered(connection: Connection, *, seal: Seal) -> Iterator[str]:
    """The rows that are not as they were sealed, by kind and name."""
    for table in _KINDS:
        for row in connection.execute(sa.select(table)).mappings():
            if not is_genuine(table, row, seal):
                yield _named(table, row)


def revision(connection: Connection) -> int:
    """How many changes there were; without what SQLAlchemy adds, for every worker asks all the time."""
    row = raw(connection).execute("SELECT value FROM access_revision").fetchone()
    return row[0] or 0 if row else 0


def advance_revision(connection: Connection) -> None:
    """Count a change."""
    if connection.execute(_REVISION.update().values(value=_REVISION.c.value + 1)).rowcount == 0:
        connection.execute(_REVISION.insert().values(id=1, value=1))


def insert(connection: Connection, table: sa.Table, row: Mapping[str, Any], seal: Seal, *, kind: str = "") -> None:
    """A new row, sealed; as that `kind` where its table has several."""
    connection.execute(table.insert().values(seal.sealed(kind or _KINDS[table][0][0], row)))


def amend(connection: Connection, table: sa.Table, which: sa.ColumnElement[bool], change: Mapping[str, Any], seal: Seal) -> None:
    """Change columns of the one row that `which` finds, and seal it again; nothing where there is none."""
    if row := row_where(connection, table, which, seal):
        kind = kind_of(table, row, seal) or ""
        connection.execute(table.update().where(which).values(seal.sealed(kind, {**dict(row), **change})))


def row_where(connection: Connection, table: sa.Table, which: sa.ColumnElement[bool], seal: Seal) -> Row | None:
    """The one row that `which` finds.

    Raises:
        AlteredRowError: it is not as it was sealed.
    """
    row = connection.execute(sa.select(table).where(which)).mappings().first()
    if row and not is_genuine(table, row, seal):
        raise altered_row(_named(table, row))
    return row


def altered_row(what: str) -> AlteredRowError:
    """The refusal of a row that is not as it was sealed."""
    return AlteredRowError(
        f"The row of the {what} was altered by something other than Modelward, so it opens nothing. "
        "Restore the database from a backup; `modelward doctor` names every such row."
    )


def row_by_hash(connection: Connection, table: sa.Table, secret_hash: str, seal: Seal) -> Row | None:
    """The row of the secret that has that hash. Raises as `row_where` does."""
    row = row_where(connection, table, table.c.hash == secret_hash, seal)
    # An index finds the row; whether it is the right one is said in constant time.
    return row if row and hmac.compare_digest(row["hash"], secret_hash) else None


def is_genuine(table: sa.Table, row: Row, seal: Seal) -> bool:
    """Whether the row is as it was sealed."""
    return kind_of(table, row, seal) is not None


def kind_of(table: sa.Table, row: Row, seal: Seal, *, likely: str = "") -> str | None:
    """As which kind the row was sealed, most `likely`; None where it is not as it was sealed."""
    found = dict(row)
    kinds = _KINDS[table][0]
    return next((kind for kind in ((likely, *kinds) if likely else kinds) if seal.is_genuine(kind, found)), None)


def _named(table: sa.Table, row: Row) -> str:
    kinds, column = _KINDS[table]
    return f"{kinds[0]} {str(row[column])[:80]!r}"


def as_role(role: Role, tenant: str) -> str:
    """A role, and the tenant in which it is one, as they are kept: together, so that neither is changed without the other."""
    return f"{role.value}@{tenant}" if tenant else role.value


def of_role(text: str) -> tuple[Role, str]:
    """The role and the tenant that `as_role` wrote."""
    role, _, tenant = text.partition("@")
    return Role(role), tenant


def as_text(moment: datetime | None) -> str | None:
    """A moment as it is kept: ISO 8601 in UTC, always of one width, so that text order is time order."""
    return moment.isoformat(timespec="microseconds") if moment else None


def as_moment(text: str) -> datetime:
    """The moment that `as_text` wrote."""
    return datetime.fromisoformat(text)
