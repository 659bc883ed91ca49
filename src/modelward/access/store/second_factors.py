# SPDX-License-Identifier: Apache-2.0
"""Rows of second factors: the secret that an authenticator shares, sealed, and the keyed hashes of recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import amend, as_text, declare, insert, is_genuine, row_by_hash, row_where
from modelward.storage import SCHEMA, Connection

_FACTORS = sa.Table(
    "access_second_factors",
    SCHEMA,
    sa.Column("user", sa.String, primary_key=True),
    sa.Column("secret", sa.String, nullable=False),
    # The step of the last code that was taken: none is taken twice.
    sa.Column("step", sa.String, nullable=False),
    sa.Column("confirmed", sa.String),
    sa.Column(MAC, sa.String, nullable=False),
)
_CODES = sa.Table(
    "access_recovery_codes",
    SCHEMA,
    sa.Column("hash", sa.String, primary_key=True),
    sa.Column("user", sa.String, nullable=False, index=True),
    sa.Column(MAC, sa.String, nullable=False),
)
declare(_FACTORS, "second factor", "user")
declare(_CODES, "recovery code", "user")


@dataclass(frozen=True, slots=True)
class FactorRow:
    """The second factor of a person; until it is confirmed it asks nothing of them."""

    secret: str
    step: int
    is_confirmed: bool


def put_factor(connection: Connection, user: str, *, secret: str, seal: Seal) -> None:
    """A second factor to be confirmed; one before it is gone."""
    drop_factor(connection, user)
    insert(connection, _FACTORS, {"user": user, "secret": secret, "step": "0", "confirmed": None}, seal)


def factor(connection: Connection, user: str, *, seal: Seal) -> FactorRow | None:
    """The person's second factor."""
    row = row_where(connection, _FACTORS, _FACTORS.c.user == user, seal)
    return FactorRow(row["secret"], int(row["step"]), row["confirmed"] is not None) if row else None


def have_factors(connection: Connection, *, seal: Seal) -> set[str]:
    """The names of all whose second factor is confirmed and was not altered."""
    rows = connection.execute(sa.select(_FACTORS)).mappings()
    return {row["user"] for row in rows if row["confirmed"] is not None and is_genuine(_FACTORS, row, seal)}


def with_rows(connection: Connection) -> set[str]:
    """The names of all of whom there is a row of a confirmed second factor, as it was sealed or not."""
    return set(connection.execute(sa.select(_FACTORS.c.user).where(_FACTORS.c.confirmed.is_not(None))).scalars())


def confirm_factor(connection: Connection, user: str, *, step: int, hashes: Iterable[str], now: datetime, seal: Seal) -> None:
    """The authenticator showed a right code; these are the recovery codes beside it."""
    amend(connection, _FACTORS, _FACTORS.c.user == user, {"step": str(step), "confirmed": as_text(now)}, seal)
    connection.execute(_CODES.delete().where(_CODES.c.user == user))
    for each in hashes:
        insert(connection, _CODES, {"hash": each, "user": user}, seal)


def take_step(connection: Connection, user: str, step: int, *, seal: Seal) -> None:
    """The code of that step was taken."""
    amend(connection, _FACTORS, _FACTORS.c.user == user, {"step": str(step)}, seal)


def take_recovery_code(connection: Connection, user: str, code_hash: str, *, seal: Seal) -> bool:
    """Whether it was an unused code of that person; it is used now."""
    row = row_by_hash(connection, _CODES, code_hash, seal)
    if row is None or row["user"] != user:
        return False
    return connection.execute(_CODES.delete().where(_CODES.c.hash == code_hash)).rowcount > 0


def recovery_codes_left(connection: Connection) -> dict[str, int]:
    """How many unused codes each person has."""
    rows = connection.execute(sa.select(_CODES.c.user, sa.func.count().label("left")).group_by(_CODES.c.user))
    return {row["user"]: row["left"] for row in rows.mappings()}


def drop_factor(connection: Connection, user: str) -> bool:
    """The person has no second factor from now on; whether they had one that was confirmed."""
    had = connection.execute(sa.select(_FACTORS.c.confirmed).where(_FACTORS.c.user == user)).scalar()
    connection.execute(_FACTORS.delete().where(_FACTORS.c.user == user))
    connection.execute(_CODES.delete().where(_CODES.c.user == user))
    return had is not None
