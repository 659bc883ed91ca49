# SPDX-License-Identifier: Apache-2.0
"""Rows of keys, users, invitations and sessions. A secret is a row only as its keyed hash."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from modelward.access.credential import Key, User
from modelward.access.permission import Role
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
)
_USERS = sa.Table(
    "access_users",
    SCHEMA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("removed", sa.String),
)
_INVITATIONS = sa.Table(
    "access_invitations",
    SCHEMA,
    sa.Column("user", sa.String, sa.ForeignKey(_USERS.c.name), primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("expires", sa.String, nullable=False),
)
_SESSIONS = sa.Table(
    "access_sessions",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("user", sa.String, sa.ForeignKey(_USERS.c.name), nullable=False, index=True),
    sa.Column("expires", sa.String, nullable=False),
)
_REVISION = sa.Table(
    "access_revision",
    SCHEMA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Integer, nullable=False),
)

# Moments are kept as ISO 8601 text in UTC, always of one width, so that text order is time order.
_Row = sa.RowMapping


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


def insert_key(connection: Connection, key: Key, *, secret_hash: str) -> None:
    """A new key."""
    connection.execute(
        _KEYS.insert().values(
            id=key.id,
            hash=secret_hash,
            name=key.name,
            role=key.role.value,
            models=None if key.models is None else json.dumps(key.models),
            purpose=key.purpose,
            created=_text(key.created),
            by=key.by,
            expires=_text(key.expires),
            revoked=None,
        )
    )


def keys(connection: Connection) -> dict[str, Key]:
    """Every key by the hash of its secret, oldest first."""
    rows = connection.execute(sa.select(_KEYS).order_by(_KEYS.c.created, _KEYS.c.id)).mappings()
    return {row["hash"]: _key(row) for row in rows}


def keys_named(connection: Connection, name: str) -> list[Key]:
    """The keys of that name, ended ones too."""
    return [_key(row) for row in connection.execute(sa.select(_KEYS).where(_KEYS.c.name == name)).mappings()]


def key_with_id(connection: Connection, identifier: str) -> Key | None:
    """The key of that id."""
    row = connection.execute(sa.select(_KEYS).where(_KEYS.c.id == identifier)).mappings().one_or_none()
    return _key(row) if row else None


def key_with_hash(connection: Connection, secret_hash: str) -> Key | None:
    """The key whose secret has that hash."""
    row = _by_hash(connection, _KEYS, secret_hash)
    return _key(row) if row else None


def end_key(connection: Connection, identifier: str, *, now: datetime) -> None:
    """Mark a key revoked."""
    connection.execute(_KEYS.update().where(_KEYS.c.id == identifier).values(revoked=_text(now)))


def insert_user(connection: Connection, user: User) -> None:
    """A new user."""
    connection.execute(
        _USERS.insert().values(name=user.name, role=user.role.value, created=_text(user.created), by=user.by, removed=None)
    )


def users(connection: Connection) -> list[User]:
    """Every user, removed ones too, by name."""
    return [_user(row) for row in connection.execute(sa.select(_USERS).order_by(_USERS.c.name)).mappings()]


def user_named(connection: Connection, name: str) -> User | None:
    """The user of that name."""
    row = connection.execute(sa.select(_USERS).where(_USERS.c.name == name)).mappings().one_or_none()
    return _user(row) if row else None


def end_user(connection: Connection, name: str, *, now: datetime) -> int:
    """Mark a user removed and end their invitation and sessions; how many sessions there were."""
    connection.execute(_USERS.update().where(_USERS.c.name == name).values(removed=_text(now)))
    connection.execute(_INVITATIONS.delete().where(_INVITATIONS.c.user == name))
    return connection.execute(_SESSIONS.delete().where(_SESSIONS.c.user == name)).rowcount


def put_invitation(connection: Connection, user: str, *, secret_hash: str, expires: datetime) -> None:
    """The user's one invitation; an older one is gone."""
    connection.execute(_INVITATIONS.delete().where(_INVITATIONS.c.user == user))
    connection.execute(_INVITATIONS.insert().values(user=user, hash=secret_hash, expires=_text(expires)))


def invitation(connection: Connection, secret_hash: str) -> InvitationRow | None:
    """The unused invitation whose token has that hash."""
    row = _by_hash(connection, _INVITATIONS, secret_hash)
    return InvitationRow(row["user"], _moment(row["expires"])) if row else None


def drop_invitation(connection: Connection, user: str) -> None:
    """The invitation was used."""
    connection.execute(_INVITATIONS.delete().where(_INVITATIONS.c.user == user))


def insert_session(connection: Connection, session: SessionRow, *, secret_hash: str, now: datetime) -> None:
    """A new session; those that expired go."""
    connection.execute(_SESSIONS.delete().where(_SESSIONS.c.expires <= _text(now)))
    connection.execute(
        _SESSIONS.insert().values(id=session.id, hash=secret_hash, user=session.user, expires=_text(session.expires))
    )


def session(connection: Connection, secret_hash: str) -> SessionRow | None:
    """The open session whose secret has that hash."""
    row = _by_hash(connection, _SESSIONS, secret_hash)
    return SessionRow(row["id"], row["user"], _moment(row["expires"])) if row else None


def end_session(connection: Connection, identifier: str) -> None:
    """The session is over."""
    connection.execute(_SESSIONS.delete().where(_SESSIONS.c.id == identifier))


def revision(connection: Connection) -> int:
    """How many changes there were."""
    return connection.execute(sa.select(_REVISION.c.value)).scalar() or 0


def advance_revision(connection: Connection) -> None:
    """Count a change."""
    if connection.execute(_REVISION.update().values(value=_REVISION.c.value + 1)).rowcount == 0:
        connection.execute(_REVISION.insert().values(id=1, value=1))


def _by_hash(connection: Connection, table: sa.Table, secret_hash: str) -> _Row | None:
    row = connection.execute(sa.select(table).where(table.c.hash == secret_hash)).mappings().one_or_none()
    # An index finds the row; whether it is the right one is said in constant time.
    return row if row and hmac.compare_digest(row["hash"], secret_hash) else None


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
