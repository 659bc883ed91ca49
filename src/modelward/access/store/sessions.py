# SPDX-License-Identifier: Apache-2.0
"""Rows of sessions. The secret of one is a row only as its keyed hash."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from modelward.access.seal import MAC, Seal
from modelward.access.session import Session
from modelward.access.store.sealed import Row, amend, as_moment, as_text, declare, insert, is_genuine, row_by_hash, row_where
from modelward.storage import SCHEMA, Connection

_SESSIONS = sa.Table(
    "access_sessions",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("user", sa.String, sa.ForeignKey("access_users.name"), nullable=False, index=True),
    sa.Column("expires", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
# Beside the sessions, because homes made before have no place for it there. A session without such a row opens nothing.
_USES = sa.Table(
    "access_session_uses",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("opened", sa.String, nullable=False),
    sa.Column("seen", sa.String, nullable=False),
    sa.Column("means", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
declare(_SESSIONS, "session", "id")
declare(_USES, "session's use", "id")


def insert_session(connection: Connection, session: Session, *, secret_hash: str, now: datetime, seal: Seal) -> None:
    """A new session; those that expired go."""
    connection.execute(_SESSIONS.delete().where(_SESSIONS.c.expires <= as_text(now)))
    connection.execute(_USES.delete().where(_USES.c.id.not_in(sa.select(_SESSIONS.c.id))))
    row = {"id": session.id, "hash": secret_hash, "user": session.user, "expires": as_text(session.expires)}
    insert(connection, _SESSIONS, row, seal)
    use = {"id": session.id, "opened": as_text(session.opened), "seen": as_text(session.seen), "means": session.means}
    insert(connection, _USES, use, seal)


def session(connection: Connection, secret_hash: str, *, seal: Seal) -> Session | None:
    """The session whose secret has that hash."""
    row = row_by_hash(connection, _SESSIONS, secret_hash, seal)
    use = row_where(connection, _USES, _USES.c.id == row["id"], seal) if row else None
    return _session(row, use) if row and use else None


def sessions(connection: Connection, *, seal: Seal) -> list[Session]:
    """Every genuine session, the latest first."""
    uses = {row["id"]: row for row in connection.execute(sa.select(_USES)).mappings() if is_genuine(_USES, row, seal)}
    rows = [row for row in connection.execute(sa.select(_SESSIONS)).mappings() if is_genuine(_SESSIONS, row, seal)]
    found = [_session(row, uses[row["id"]]) for row in rows if row["id"] in uses]
    return sorted(found, key=lambda each: (each.opened, each.id), reverse=True)


def note_use(connection: Connection, identifier: str, *, now: datetime, seal: Seal) -> None:
    """The session was used."""
    amend(connection, _USES, _USES.c.id == identifier, {"seen": as_text(now)}, seal)


def end_session(connection: Connection, identifier: str) -> None:
    """The session is over."""
    connection.execute(_SESSIONS.delete().where(_SESSIONS.c.id == identifier))
    connection.execute(_USES.delete().where(_USES.c.id == identifier))


def end_sessions(connection: Connection, user: str, *, but: str = "") -> int:
    """The person's sessions are over, all `but` one where it is named; how many there were."""
    which = (_SESSIONS.c.user == user) & (_SESSIONS.c.id != but)
    connection.execute(_USES.delete().where(_USES.c.id.in_(sa.select(_SESSIONS.c.id).where(which))))
    return connection.execute(_SESSIONS.delete().where(which)).rowcount


def _session(row: Row, use: Row) -> Session:
    return Session(
        id=row["id"],
        user=row["user"],
        opened=as_moment(use["opened"]),
        seen=as_moment(use["seen"]),
        expires=as_moment(row["expires"]),
        means=use["means"],
    )
