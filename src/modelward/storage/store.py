# SPDX-License-Identifier: Apache-2.0
"""The rows of data keys: wrapped keys, what is left of those that were destroyed, and which master key wraps now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from modelward.storage.database import SCHEMA, Connection

# SQLite takes so many values in one statement, and more.
_AT_ONCE = 500

_KEYS = sa.Table(
    "data_keys",
    SCHEMA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("object", sa.String(64), nullable=False, index=True),
    sa.Column("label", sa.Text, nullable=False, index=True),
    sa.Column("master", sa.Text, nullable=False, index=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)
_DESTROYED = sa.Table(
    "destroyed_data_keys",
    SCHEMA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("object", sa.String(64), nullable=False, index=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("destroyed", sa.String(32), nullable=False),
)
# Digests of what keys were wrapped as that were destroyed, and that may lie in a file of the database still. The row _SINCE says
# that there is one for each; without it, nobody wrote down what homes of older versions destroyed.
_UNCLEARED = sa.Table("uncleared_data_keys", SCHEMA, sa.Column("trace", sa.String(64), primary_key=True))
_SINCE = "since"
_OLDER = "older"
# One row at most: none where there was never but the first master key.
_MASTER = sa.Table(
    "master_key",
    SCHEMA,
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("current", sa.Text, nullable=False),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("is_settled", sa.Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is kept. `object` is the digest of what it seals; "" of what has no digest, such as checkpoints."""

    id: str
    object: str
    label: str
    master: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class DestroyedKey:
    """What is left of a data key that was destroyed."""

    id: str
    object: str
    label: str
    destroyed: datetime


@dataclass(frozen=True, slots=True)
class Mastership:
    """Which master key wraps data keys, which ones were to go when it came, and whether they went."""

    current: str
    before: tuple[str, ...]
    is_settled: bool


def add(connection: Connection, keys: Collection[WrappedKey]) -> None:
    """Insert keys."""
    connection.execute(_KEYS.insert(), [_values(key) for key in keys])


def rewrap(connection: Connection, key: WrappedKey) -> None:
    """Replace the wrapping of a key."""
    connection.execute(_KEYS.update().where(_KEYS.c.id == key.id).values(master=key.master, wrapped=key.wrapped))


def find(connection: Connection, id: str) -> WrappedKey | None:
    """The key of that id."""
    row = connection.execute(sa.select(_KEYS).where(_KEYS.c.id == id)).one_or_none()
    return WrappedKey(*row) if row else None


def labelled(connection: Connection, label: str) -> WrappedKey | None:
    """The key for that label which belongs to no object."""
    row = connection.execute(sa.select(_KEYS).where(_KEYS.c.label == label, _KEYS.c.object == "").limit(1)).one_or_none()
    return WrappedKey(*row) if row else None


def of_objects(connection: Connection, objects: Iterable[str]) -> list[WrappedKey]:
    """The keys of those objects."""
    return [
        WrappedKey(*row)
        for some in _batches(objects)
        for row in connection.execute(sa.select(_KEYS).where(_KEYS.c.object.in_(some)).order_by(_KEYS.c.label))
    ]


def not_under(connection: Connection, master: str, *, passed_over: Collection[str], limit: int) -> list[WrappedKey]:
    """Up to `limit` keys that another master key wraps, but those of the ids `passed_over`."""
    query = sa.select(_KEYS).where(_KEYS.c.master != master, _KEYS.c.id.not_in(passed_over)).order_by(_KEYS.c.id).limit(limit)
    return [WrappedKey(*row) for row in connection.execute(query)]


def counts(connection: Connection) -> dict[str, int]:
    """How many keys each master key wraps."""
    rows = connection.execute(sa.select(_KEYS.c.master, sa.func.count()).group_by(_KEYS.c.master))
    return {row[0]: row[1] for row in rows}


def remove(connection: Connection, ids: Iterable[str]) -> None:
    """Remove keys of which nothing need be left."""
    for some in _batches(ids):
        connection.execute(_KEYS.delete().where(_KEYS.c.id.in_(some)))


def remove_labelled(connection: Connection, labels: Iterable[str]) -> None:
    """Remove the keys for those labels which belong to no object."""
    for some in _batches(labels):
        connection.execute(_KEYS.delete().where(_KEYS.c.label.in_(some), _KEYS.c.object == ""))


def bury(connection: Connection, keys: Iterable[DestroyedKey]) -> None:
    """Remove keys and write down that they were destroyed."""
    for key in keys:
        connection.execute(_KEYS.delete().where(_KEYS.c.id == key.id))
        values = {"id": key.id, "object": key.object, "label": key.label, "destroyed": key.destroyed.astimezone(UTC).isoformat()}
        connection.execute(_DESTROYED.insert().values(values))


def add_uncleared(connection: Connection, traces: Collection[str]) -> None:
    """Write down that those may lie in a file still, before the keys are buried."""
    if not _is_older(connection):
        _mark(connection, {_SINCE})
    _mark(connection, traces)


def uncleared(connection: Connection) -> frozenset[str]:
    """Those of which nobody wrote down since that they lie in no file."""
    found = set(connection.execute(sa.select(_UNCLEARED.c.trace)).scalars())
    return frozenset((found | {_OLDER} if _is_older(connection) else found) - {_SINCE})


def remove_uncleared(connection: Connection, traces: Collection[str]) -> None:
    """Write down that those lie in no file."""
    if _OLDER in traces:
        _mark(connection, {_SINCE})
    for some in _batches(traces):
        connection.execute(_UNCLEARED.delete().where(_UNCLEARED.c.trace.in_(some)))


def destroyed(connection: Connection, objects: Iterable[str]) -> list[DestroyedKey]:
    """What is left of the keys of those objects that were destroyed."""
    wanted = (sa.select(_DESTROYED).where(_DESTROYED.c.object.in_(some)) for some in _batches(objects))
    return [_destroyed(row) for asked in wanted for row in connection.execute(asked.order_by(_DESTROYED.c.label))]


def destroyed_labelled(connection: Connection, prefix: str) -> list[DestroyedKey]:
    """What is left of the keys that were destroyed of objects whose labels begin so."""
    asked = sa.select(_DESTROYED).where(_DESTROYED.c.label.startswith(prefix, autoescape=True))
    return [_destroyed(row) for row in connection.execute(asked)]


def mastership(connection: Connection) -> Mastership | None:
    """Which master key wraps data keys; None where the first one always did."""
    row = connection.execute(sa.select(_MASTER.c.current, _MASTER.c.before, _MASTER.c.is_settled)).one_or_none()
    return Mastership(row.current, tuple(row.before), row.is_settled) if row else None


def set_mastership(connection: Connection, now: Mastership) -> None:
    """Write down which one does."""
    connection.execute(_MASTER.delete())
    values = {"place": 1, "current": now.current, "before": [*now.before], "is_settled": now.is_settled}
    connection.execute(_MASTER.insert().values(values))


def _is_older(connection: Connection) -> bool:
    """Whether keys were destroyed of which nobody wrote down whether they lie in a file still."""
    marked = connection.execute(sa.select(_UNCLEARED.c.trace).where(_UNCLEARED.c.trace == _SINCE)).scalar()
    return marked is None and connection.execute(sa.select(_DESTROYED.c.id).limit(1)).scalar() is not None


def _mark(connection: Connection, traces: Collection[str]) -> None:
    if traces:
        statement = _UNCLEARED.insert().prefix_with("OR IGNORE")
        connection.execute(statement, [{"trace": trace} for trace in traces])


def _destroyed(row: sa.Row[Any]) -> DestroyedKey:
    return DestroyedKey(row.id, row.object, row.label, datetime.fromisoformat(row.destroyed))


def _values(key: WrappedKey) -> dict[str, object]:
    return {"id": key.id, "object": key.object, "label": key.label, "master": key.master, "wrapped": key.wrapped}


def _batches(items: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
