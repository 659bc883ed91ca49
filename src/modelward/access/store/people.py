# SPDX-License-Identifier: Apache-2.0
"""Rows of people and of their invitations. A secret is a row only as its keyed hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from modelward.access.credential import User
from modelward.access.permission import Role
from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import (
    Row,
    amend,
    as_moment,
    as_role,
    as_text,
    declare,
    insert,
    is_genuine,
    of_role,
    row_by_hash,
    row_where,
)
from modelward.storage import SCHEMA, Connection

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
declare(_USERS, "user", "name")
declare(_INVITATIONS, "invitation", "user")


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An unused invitation."""

    user: str
    expires: datetime


def insert_user(connection: Connection, user: User, *, seal: Seal) -> None:
    """A new user."""
    row = {
        "name": user.name,
        "role": as_role(user.role, user.tenant),
        "created": as_text(user.created),
        "by": user.by,
        "removed": None,
    }
    insert(connection, _USERS, row, seal)


def users(connection: Connection, *, seal: Seal) -> list[User]:
    """Every genuine user, removed ones too, by name."""
    rows = connection.execute(sa.select(_USERS).order_by(_USERS.c.name)).mappings()
    return [_user(row) for row in rows if is_genuine(_USERS, row, seal)]


def user_named(connection: Connection, name: str, *, seal: Seal) -> User | None:
    """The user of that name."""
    row = row_where(connection, _USERS, _USERS.c.name == name, seal)
    return _user(row) if row else None


def is_name_taken(connection: Connection, name: str) -> bool:
    """Whether there is a row of that name, whoever wrote it."""
    return connection.execute(sa.select(_USERS.c.name).where(_USERS.c.name == name)).first() is not None


def change_role(connection: Connection, name: str, role: Role, *, seal: Seal) -> None:
    """The user has another role."""
    user = user_named(connection, name, seal=seal)
    amend(connection, _USERS, _USERS.c.name == name, {"role": as_role(role, user.tenant if user else "")}, seal)


def end_user(connection: Connection, name: str, *, now: datetime, seal: Seal) -> None:
    """Mark a user removed."""
    amend(connection, _USERS, _USERS.c.name == name, {"removed": as_text(now)}, seal)


def put_invitation(connection: Connection, user: str, *, secret_hash: str, expires: datetime, seal: Seal) -> None:
    """The user's one invitation; an older one is gone."""
    connection.execute(_INVITATIONS.delete().where(_INVITATIONS.c.user == user))
    insert(connection, _INVITATIONS, {"user": user, "hash": secret_hash, "expires": as_text(expires)}, seal)


def invitation(connection: Connection, secret_hash: str, *, seal: Seal) -> InvitationRow | None:
    """The unused invitation whose token has that hash."""
    row = row_by_hash(connection, _INVITATIONS, secret_hash, seal)
    return InvitationRow(row["user"], as_moment(row["expires"])) if row else None


def invitations(connection: Connection, *, seal: Seal) -> dict[str, datetime]:
    """Until when each unused genuine invitation is good, by user."""
    rows = connection.execute(sa.select(_INVITATIONS)).mappings()
    return {row["user"]: as_moment(row["expires"]) for row in rows if is_genuine(_INVITATIONS, row, seal)}


def drop_invitation(connection: Connection, user: str) -> None:
    """The invitation was used, or is good no more."""
    connection.execute(_INVITATIONS.delete().where(_INVITATIONS.c.user == user))


def _user(row: Row) -> User:
    role, tenant = of_role(row["role"])
    return User(
        name=row["name"],
        role=role,
        tenant=tenant,
        created=as_moment(row["created"]),
        by=row["by"],
        removed=as_moment(row["removed"]) if row["removed"] else None,
    )
