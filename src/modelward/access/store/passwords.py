# SPDX-License-Identifier: Apache-2.0
"""Rows of passwords: what argon2id made of each, never the password."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import as_text, declare, insert, is_genuine, row_where
from modelward.storage import SCHEMA, Connection

_PASSWORDS = sa.Table(
    "access_passwords",
    SCHEMA,
    sa.Column("user", sa.String, primary_key=True),
    sa.Column("kept", sa.String, nullable=False),
    sa.Column("set", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
declare(_PASSWORDS, "password", "user")


def put_password(connection: Connection, user: str, *, kept: str, by: str, now: datetime, seal: Seal) -> None:
    """The person's one password; an older one is gone."""
    drop_password(connection, user)
    insert(connection, _PASSWORDS, {"user": user, "kept": kept, "set": as_text(now), "by": by}, seal)


def password(connection: Connection, user: str, *, seal: Seal) -> str | None:
    """What is kept of the person's password; None where they have none."""
    row = row_where(connection, _PASSWORDS, _PASSWORDS.c.user == user, seal)
    return str(row["kept"]) if row else None


def have_passwords(connection: Connection, *, seal: Seal) -> set[str]:
    """The names of all who have a password that was not altered."""
    rows = connection.execute(sa.select(_PASSWORDS)).mappings()
    return {row["user"] for row in rows if is_genuine(_PASSWORDS, row, seal)}


def drop_password(connection: Connection, user: str) -> bool:
    """The person has no password from now on; whether they had one."""
    return connection.execute(_PASSWORDS.delete().where(_PASSWORDS.c.user == user)).rowcount > 0
