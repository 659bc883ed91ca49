# SPDX-License-Identifier: Apache-2.0
"""Rows that count failed sign-ins. Neither addresses nor the names that strangers typed are in them, but keyed digests of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from modelward.access.attempt import Count
from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import Row, as_moment, as_text, declare, insert, is_genuine, row_where
from modelward.storage import SCHEMA, Connection

_ATTEMPTS = sa.Table(
    "access_attempts",
    SCHEMA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("person", sa.String, nullable=False, index=True),
    sa.Column("failures", sa.String, nullable=False),
    sa.Column("last", sa.String, nullable=False, index=True),
    sa.Column("until", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
_PLACES = sa.Table(
    "access_known_places",
    SCHEMA,
    sa.Column("pair", sa.String, primary_key=True),
    sa.Column("person", sa.String, nullable=False, index=True),
    sa.Column("seen", sa.String, nullable=False, index=True),
    sa.Column(MAC, sa.String, nullable=False),
)
declare(_ATTEMPTS, "count of sign-ins", "key")
declare(_PLACES, "known place", "pair")


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted together: the digest of it, and that of the person it concerns; "" where that is no single one."""

    key: str
    person: str


def count_of(connection: Connection, key: str, *, seal: Seal) -> Count | None:
    """What was counted under a key."""
    row = row_where(connection, _ATTEMPTS, _ATTEMPTS.c.key == key, seal)
    return _count(row) if row else None


def put_count(connection: Connection, counted: Counted, count: Count, *, seal: Seal) -> None:
    """Count anew."""
    forget_count(connection, counted.key)
    row = {"key": counted.key, "person": counted.person, "failures": str(count.failures)}
    insert(connection, _ATTEMPTS, row | {"last": as_text(count.last), "until": as_text(count.until)}, seal)


def forget_count(connection: Connection, key: str) -> None:
    """Nothing was counted under a key."""
    connection.execute(_ATTEMPTS.delete().where(_ATTEMPTS.c.key == key))


def forgive_person(connection: Connection, person: str, *, now: datetime, seal: Seal) -> int:
    """Nothing failed of a person, which is written down; how many counts there were of something."""
    rows = connection.execute(sa.select(_ATTEMPTS).where(_ATTEMPTS.c.person == person)).mappings().all()
    for key in {person, *(row["key"] for row in rows)}:
        put_count(connection, Counted(key, person), Count(0, now, now), seal=seal)
    return sum(row["failures"] != "0" for row in rows)


def latest_waits(connection: Connection, *, now: datetime, seal: Seal) -> dict[str, datetime]:
    """When the last wait that concerns each person ends, by the digest of the person; those alone who must wait."""
    rows = connection.execute(sa.select(_ATTEMPTS).where(_ATTEMPTS.c.until > as_text(now), _ATTEMPTS.c.person != "")).mappings()
    waits: dict[str, datetime] = {}
    for row in rows:
        if is_genuine(_ATTEMPTS, row, seal):
            waits[row["person"]] = max(as_moment(row["until"]), waits.get(row["person"], now))
    return waits


def sweep_counts(connection: Connection, *, before: datetime, places_before: datetime) -> None:
    """Drop what is too old to count, and places nobody came from for long."""
    connection.execute(_ATTEMPTS.delete().where(_ATTEMPTS.c.last < as_text(before), _ATTEMPTS.c.until < as_text(before)))
    connection.execute(_PLACES.delete().where(_PLACES.c.seen < as_text(places_before)))


def remember_place(connection: Connection, pair: str, *, person: str, now: datetime, seal: Seal) -> None:
    """The person signed in from there."""
    connection.execute(_PLACES.delete().where(_PLACES.c.pair == pair))
    insert(connection, _PLACES, {"pair": pair, "person": person, "seen": as_text(now)}, seal)


def is_known_place(connection: Connection, pair: str, *, seal: Seal) -> bool:
    """Whether the person signed in from there before."""
    return row_where(connection, _PLACES, _PLACES.c.pair == pair, seal) is not None


def forget_places(connection: Connection, person: str) -> None:
    """The person signed in from nowhere."""
    connection.execute(_PLACES.delete().where(_PLACES.c.person == person))


def _count(row: Row) -> Count:
    return Count(int(row["failures"]), as_moment(row["last"]), as_moment(row["until"]))
