# SPDX-License-Identifier: Apache-2.0
"""Rows of keys, users, invitations and sessions, each sealed. A secret is a row only as its keyed hash."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from modelward.access.credential import Key, User
from modelward.access.permission import Role
from modelward.access.seal import MAC, AlteredRowError, Seal
from modelward.storage import SCHEMA, Connection

_KEYS = sa.Table(
    "access_keys",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("name", sa.String, nullable=False, index=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("models", sa.String),
    sa.Column("purpose", sa.String, nullable=False),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("expires", sa.String),
    sa.Column("revoked", sa.String),
    sa.Column(MAC, sa.String, nullable=False),
)
_USERS = sa.Table(
    "access_users",
    SCHEMA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("removed", sa.String),
    sa.Column(MAC, sa.String, nullable=False),
)
_INVITATIONS = sa.Table(
    "access_invitations",
    SCHEMA,
    sa.Column("user", sa.String, sa.ForeignKey(_USERS.c.name), primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("expires", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
_SESSIONS = sa.Table(
    "access_sessions",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("user", sa.String, sa.ForeignKey(_USERS.c.name), nullable=False, index=True),
    sa.Column("expires", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
_REVISION = sa.Table(
    "access_revision",
    SCHEMA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Integer, nullable=False),
)

# Moments are kept as ISO 8601 text in UTC, always of one width, so that text order is time order.
_Row = sa.RowMapping
# A table's kind of row, and the column by which people know one.
_KINDS: Final = {_KEYS: ("key", "id"), _USERS: ("user", "name"), _INVITATIONS: ("invitation", "user"), _SESSIONS: ("session", "id")}


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An unused invitation."""

    user: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """An open session."""

    id: str
    user: str
    expires: datetime


def insert_key(connection: Connection, key: Key, *, secret_hash: str, seal: Seal) -> None:
    """A new key."""
    row = {
        "id": key.id,
        "hash": secret_hash,
        "name": key.name,
        "role": key.role.value,
        "models": None if key.models is None else json.dumps(key.models),
        "purpose": key.purpose,
        "created": _text(key.created),
        "by": key.by,
        "expires": _text(key.expires),
        "revoked": None,
    }
    _insert(connection, _KEYS, row, seal)


def keys(connection: Connection, *, seal: Seal) -> dict[str, Key]:
    """Every genuine key by the hash of its secret, oldest first."""
    rows = connection.execute(sa.select(_KEYS).order_by(_KEYS.c.created, _KEYS.c.id)).mappings()
    return {row["hash"]: _key(row) for row in rows if _is_genuine(_KEYS, row, seal)}


def key_named(connection: Connection, name: str, *, seal: Seal) -> Key | None:
    """The key of that name, ended or not."""
    row = _row(connection, _KEYS, _KEYS.c.name == name, seal)
    return _key(row) if row else None


def key_with_id(connection: Connection, identifier: str, *, seal: Seal) -> Key | None:
    """The key of that id."""
    row = _row(connection, _KEYS, _KEYS.c.id == identifier, seal)
    return _key(row) if row else None


def key_with_hash(connection: Connection, secret_hash: str, *, seal: Seal) -> Key | None:
    """The key whose secret has that hash."""
    row = _by_hash(connection, _KEYS, secret_hash, seal)
    return _key(row) if row else None


def end_key(connection: Connection, identifier: str, *, now: datetime, seal: Seal) -> None:
    """Mark a key revoked."""
    _amend(connection, _KEYS, _KEYS.c.id == identifier, {"revoked": _text(now)}, seal)


def insert_user(connection: Connection, user: User, *, seal: Seal) -> None:
    """A new user."""
    row = {"name": user.name, "role": user.role.value, "created": _text(user.created), "by": user.by, "removed": None}
    _insert(connection, _USERS, row, seal)


def users(connection: Connection, *, seal: Seal) -> list[User]:
    """Every genuine user, removed ones too, by name."""
    rows = connection.execute(sa.select(_USERS).order_by(_USERS.c.name)).mappings()
    return [_user(row) for row in rows if _is_genuine(_USERS, row, seal)]


def user_named(connection: Connection, name: str, *, seal: Seal) -> User | None:
    """The user of that name."""
    row = _row(connection, _USERS, _USERS.c.name == name, seal)
    return _user(row) if row else None


def end_user(connection: Connection, name: str, *, now: datetime, seal: Seal) -> int:
    """Mark a user removed and end their invitation and sessions; how many sessions there were."""
    _amend(connection, _USERS, _USERS.c.name == name, {"removed": _text(now)}, seal)
    connection.execute(_INVITATIONS.delete().where(_INVITATIONS.c.user == name))
    return connection.execute(_SESSIONS.delete().where(_SESSIONS.c.user == name)).rowcount


def put_invitation(connection: Connection, user: str, *, secret_hash: str, expires: datetime, seal: Seal) -> None:
    """The user's one invitation; an older one is gone."""
    connection.execute(_INVITATIONS.delete().where(_INVITATIONS.c.user == user))
    _insert(connection, _INVITATIONS, {"user": user, "hash": secret_hash, "expires": _text(expires)}, seal)


def invitation(connection: Connection, secret_hash: str, *, seal: Seal) -> InvitationRow | None:
    """The unused invitation whose token has that hash."""
    row = _by_hash(connection, _INVITATIONS, secret_hash, seal)
    return InvitationRow(row["user"], _moment(row["expires"])) if row else None


def drop_invitation(connection: Connection, user: str) -> None:
    """The invitation was used."""
    connection.execute(_INVITATIONS.delete().where(_INVITATIONS.c.user == user))


def insert_session(connection: Connection, session: SessionRow, *, secret_hash: str, now: datetime, seal: Seal) -> None:
    """A new session; those that expired go."""
    connection.execute(_SESSIONS.delete().where(_SESSIONS.c.expires <= _text(now)))
    row = {"id": session.id, "hash": secret_hash, "user": session.user, "expires": _text(session.expires)}
    _insert(connection, _SESSIONS, row, seal)


def session(connection: Connection, secret_hash: str, *, seal: Seal) -> SessionRow | None:
    """The open session whose secret has that hash."""
    row = _by_hash(connection, _SESSIONS, secret_hash, seal)
    return SessionRow(row["id"], row["user"], _moment(row["expires"])) if row else None


def end_session(connection: Connection, identifier: str) -> None:
    """The session is over."""
    connection.execute(_SESSIONS.delete().where(_SESSIONS.c.id == identifier))


def altered(connection: Connection, *, seal: Seal) -> Iterator[str]:
    """The rows that are not as they were sealed, by kind and name."""
    for table in _KINDS:
        for row in connection.execute(sa.select(table)).mappings():
            if not _is_genuine(table, row, seal):
                yield _named(table, row)


def revision(connection: Connection) -> int:
    """How many changes there were."""
    return connection.execute(sa.select(_REVISION.c.value)).scalar() or 0


def advance_revision(connection: Connection) -> None:
    """Count a change."""
    if connection.execute(_REVISION.update().values(value=_REVISION.c.value + 1)).rowcount == 0:
        connection.execute(_REVISION.insert().values(id=1, value=1))


def _insert(connection: Connection, table: sa.Table, row: Mapping[str, Any], seal: Seal) -> None:
    connection.execute(table.insert().values(seal.sealed(_KINDS[table][0], row)))


def _amend(connection: Connection, table: sa.Table, which: sa.ColumnElement[bool], change: Mapping[str, Any], seal: Seal) -> None:
    if row := _row(connection, table, which, seal):
        connection.execute(table.update().where(which).values(seal.sealed(_KINDS[table][0], {**dict(row), **change})))


def _row(connection: Connection, table: sa.Table, which: sa.ColumnElement[bool], seal: Seal) -> _Row | None:
    row = connection.execute(sa.select(table).where(which)).mappings().first()
    if row and not _is_genuine(table, row, seal):
        raise AlteredRowError(
            f"The row of the {_named(table, row)} was altered by something other than Modelward, so it opens nothing. "
            "Restore the database from a backup; `modelward doctor` names every such row."
        )
    return row


def _by_hash(connection: Connection, table: sa.Table, secret_hash: str, seal: Seal) -> _Row | None:
    row = _row(connection, table, table.c.hash == secret_hash, seal)
    # An index finds the row; whether it is the right one is said in constant time.
    return row if row and hmac.compare_digest(row["hash"], secret_hash) else None


def _is_genuine(table: sa.Table, row: _Row, seal: Seal) -> bool:
    return seal.is_genuine(_KINDS[table][0], dict(row))


def _named(table: sa.Table, row: _Row) -> str:
    kind, column = _KINDS[table]
    return f"{kind} {str(row[column])[:80]!r}"


def _key(row: _Row) -> Key:
    return Key(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        models=None if row["models"] is None else tuple(json.loads(row["models"])),
        purpose=row["purpose"],
        created=_moment(row["created"]),
        by=row["by"],
        expires=_moment(row["expires"]) if row["expires"] else None,
        revoked=_moment(row["revoked"]) if row["revoked"] else None,
    )


def _user(row: _Row) -> User:
    return User(
        name=row["name"],
        role=Role(row["role"]),
        created=_moment(row["created"]),
        by=row["by"],
        removed=_moment(row["removed"]) if row["removed"] else None,
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") if moment else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
