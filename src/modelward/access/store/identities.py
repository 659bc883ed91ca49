# SPDX-License-Identifier: Apache-2.0
"""Rows of people whom a sign-in provider vouches for, and of the sign-ins that were finished, so that none is finished twice."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from modelward.access.identity import Binding
from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import as_moment, as_text, declare, insert, row_where
from modelward.storage import SCHEMA, Connection

_IDENTITIES = sa.Table(
    "access_identities",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("issuer", sa.String, nullable=False),
    sa.Column("user", sa.String, sa.ForeignKey("access_users.name"), nullable=False, unique=True),
    sa.Column("created", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
_SPENT = sa.Table(
    "access_spent_sign_ins",
    SCHEMA,
    sa.Column("state", sa.String, primary_key=True),
    sa.Column("until", sa.String, nullable=False, index=True),
)
declare(_IDENTITIES, "identity", "user")


def insert_binding(connection: Connection, binding: Binding, *, seal: Seal) -> None:
    """Somebody whom a provider knows is a person of the house from now on."""
    row = {"id": binding.id, "issuer": binding.issuer, "user": binding.user, "created": as_text(binding.created)}
    insert(connection, _IDENTITIES, row, seal)


def binding(connection: Connection, identifier: str, *, seal: Seal) -> Binding | None:
    """The person of the house who that subject is."""
    row = row_where(connection, _IDENTITIES, _IDENTITIES.c.id == identifier, seal)
    return Binding(id=row["id"], issuer=row["issuer"], user=row["user"], created=as_moment(row["created"])) if row else None


def vouched_for(connection: Connection) -> set[str]:
    """The names of the people whom a provider knows."""
    return set(connection.execute(sa.select(_IDENTITIES.c.user)).scalars())


def spend(connection: Connection, state: str, *, until: datetime, now: datetime) -> bool:
    """Note that a sign-in was finished, up to when it could have been; whether it is the first time. Those long past go."""
    connection.execute(_SPENT.delete().where(_SPENT.c.until <= as_text(now)))
    if connection.execute(sa.select(_SPENT.c.state).where(_SPENT.c.state == state)).first():
        return False
    connection.execute(_SPENT.insert().values(state=state, until=as_text(until)))
    return True
