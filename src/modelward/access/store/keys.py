# SPDX-License-Identifier: Apache-2.0
"""Rows of API keys: what each is, its limits, the secrets that it had before, when it was used, what changed when. A secret is a
row only as its keyed hash.

A key with limits has them in a row of their own. That there must be one is sealed into the key's row, which is of another
kind then, so that who takes the limits away takes the key away.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple, cast

import sqlalchemy as sa

from modelward.access.credential import ChangedSecrets, Key
from modelward.access.permission import Permission
from modelward.access.quota import Quota
from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import (
    Row,
    altered_row,
    amend,
    as_moment,
    as_role,
    as_text,
    declare,
    insert,
    is_genuine,
    kind_of,
    of_role,
    revision,
    row_where,
)
from modelward.storage import SCHEMA, Connection, raw

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
_LIMITED = "limited key"
declare(_KEYS, "key", "id", also=[_LIMITED])

_COUNTED: Final = ("requests_per_minute", "requests_per_day", "rows_per_minute", "rows_per_day")
_LIMITS = sa.Table(
    "access_key_limits",
    SCHEMA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("scope", sa.String),
    *(sa.Column(name, sa.String) for name in _COUNTED),
    sa.Column(MAC, sa.String, nullable=False),
    # One page less to read for a key that is used for the first time; a home from before has them with.
    sqlite_with_rowid=False,
)
declare(_LIMITS, "limits of key", "key")

_FORMER = sa.Table(
    "access_former_secrets",
    SCHEMA,
    sa.Column("hash", sa.String, primary_key=True),
    sa.Column("key", sa.String, nullable=False, index=True),
    sa.Column("until", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
declare(_FORMER, "former secret of key", "key")

# What grants nothing is not sealed: when a key was used, and at which revision a secret changed.
_USES = sa.Table(
    "access_key_uses", SCHEMA, sa.Column("key", sa.String, primary_key=True), sa.Column("used", sa.String, nullable=False)
)
_CHANGES = sa.Table(
    "access_key_changes",
    SCHEMA,
    sa.Column("hash", sa.String, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False, index=True),
)
_AT_ONCE = 500


class Held(NamedTuple):
    """A key as one of its secrets opens it: until when, where that secret is not its newest."""

    key: Key
    until: datetime | None


def insert_key(connection: Connection, key: Key, *, secret_hash: str, seal: Seal) -> None:
    """A new key."""
    row = {
        "id": key.id,
        "hash": secret_hash,
        "name": key.name,
        "role": as_role(key.role, key.tenant),
        "models": None if key.models is None else json.dumps(key.models),
        "purpose": key.purpose,
        "created": as_text(key.created),
        "by": key.by,
        "expires": as_text(key.expires),
        "revoked": None,
    }
    is_limited = key.scope is not None or key.quota is not None
    insert(connection, _KEYS, row, seal, kind=_LIMITED if is_limited else "")
    if is_limited:
        counted = {name: getattr(key.quota, name, None) for name in _COUNTED}
        limits = {"key": key.id, "scope": None if key.scope is None else json.dumps(key.scope)}
        limits |= {name: None if limit is None else str(limit) for name, limit in counted.items()}
        insert(connection, _LIMITS, limits, seal)


def keys(connection: Connection, *, begins: Iterable[str] = (), limit: int | None = None, seal: Seal) -> list[Key]:
    """The genuine keys, oldest first: those whose names begin with all of `begins`, and the newest of these."""
    chosen = sa.select(_KEYS).order_by(_KEYS.c.created.desc(), _KEYS.c.id.desc()).limit(limit)
    for beginning in begins:
        chosen = chosen.where(_KEYS.c.name >= beginning, _KEYS.c.name < f"{beginning}\U0010ffff")
    rows = connection.execute(chosen).mappings().all()
    return [held.key for held in _held(connection, rows[::-1], seal).values()]


def with_uses(connection: Connection, found: Collection[Key], *, seal: Seal) -> list[Key]:
    """The keys with when they were used, and until when their former secrets open them."""
    former: dict[str, datetime] = {}
    uses: dict[str, str] = {}
    for some in _parts([key.id for key in found]):
        for row in sorted(_quick(connection, _FORMER, "key", some), key=lambda row: str(row["until"])):
            if is_genuine(_FORMER, row, seal):
                former[row["key"]] = as_moment(row["until"])
        uses |= {row["key"]: row["used"] for row in _quick(connection, _USES, "key", some)}
    return [
        replace(
            key, last_used=max(as_moment(uses[key.id]), key.created) if key.id in uses else None, former_until=former.get(key.id)
        )
        for key in found
    ]


def key_named(connection: Connection, name: str, *, seal: Seal) -> Key | None:
    """The key of that name, ended or not."""
    return _one(connection, _KEYS.c.name == name, seal)


def key_with_id(connection: Connection, identifier: str, *, seal: Seal) -> Key | None:
    """The key of that id."""
    return _one(connection, _KEYS.c.id == identifier, seal)


def keys_with_hashes(connection: Connection, digests: Iterable[str], *, seal: Seal) -> dict[str, Held]:
    """The genuine keys that the secrets with those hashes open or opened, by those hashes."""
    found: dict[str, Held] = {}
    for some in _parts(list(dict.fromkeys(digests))):
        newest = _quick(connection, _KEYS, "hash", some)
        found |= _held(connection, newest, seal)
        if left := set(some) - {row["hash"] for row in newest}:
            former = [row for row in _quick(connection, _FORMER, "hash", list(left)) if is_genuine(_FORMER, row, seal)]
            if former:
                owners = _quick(connection, _KEYS, "id", list({row["key"] for row in former}))
                owned = {held.key.id: held.key for held in _held(connection, owners, seal).values()}
                found |= {row["hash"]: Held(owned[row["key"]], as_moment(row["until"])) for row in former if row["key"] in owned}
    return found


def key_with_hash(connection: Connection, secret_hash: str, *, seal: Seal) -> Held | None:
    """The genuine key whose secret has that hash."""
    # An index finds the row; whether it is the right one is said in constant time.
    for digest, held in keys_with_hashes(connection, [secret_hash], seal=seal).items():
        if hmac.compare_digest(digest, secret_hash):
            return held
    return None


def end_key(connection: Connection, identifier: str, *, now: datetime, seal: Seal) -> None:
    """Mark a key revoked."""
    amend(connection, _KEYS, _KEYS.c.id == identifier, {"revoked": as_text(now)}, seal)


def change_secret(connection: Connection, identifier: str, *, secret_hash: str, until: datetime | None, seal: Seal) -> None:
    """Another secret for a key; the one that it had opens it `until` then, or no more."""
    row = row_where(connection, _KEYS, _KEYS.c.id == identifier, seal)
    if row is None:
        return
    amend(connection, _KEYS, _KEYS.c.id == identifier, {"hash": secret_hash}, seal)
    if until is not None:
        insert(connection, _FORMER, {"hash": row["hash"], "key": identifier, "until": as_text(until)}, seal)
    note_change(connection, [row["hash"]])


def drop_former(connection: Connection, *, now: datetime) -> None:
    """Forget former secrets whose time is over."""
    connection.execute(_FORMER.delete().where(_FORMER.c.until <= as_text(now)))


def hashes_of(connection: Connection, identifier: str) -> list[str]:
    """The hashes of all secrets of a key."""
    newest = connection.execute(sa.select(_KEYS.c.hash).where(_KEYS.c.id == identifier)).scalars().all()
    return [*newest, *connection.execute(sa.select(_FORMER.c.hash).where(_FORMER.c.key == identifier)).scalars()]


def note_change(connection: Connection, digests: Collection[str]) -> None:
    """What secrets with those hashes open is another thing at the revision that now comes."""
    now = revision(connection) + 1
    connection.execute(_CHANGES.delete().where(_CHANGES.c.hash.in_(digests)))
    connection.execute(_CHANGES.insert(), [{"hash": digest, "revision": now} for digest in digests])


def changed_since(connection: Connection, since: int) -> ChangedSecrets:
    """The secrets of which something changed after that revision; from 0 on, all there are."""
    if since:
        found = connection.execute(sa.select(_CHANGES.c.hash).where(_CHANGES.c.revision > since)).scalars()
    else:
        found = connection.execute(sa.union_all(sa.select(_KEYS.c.hash), sa.select(_FORMER.c.hash))).scalars()
    return ChangedSecrets(revision(connection), frozenset(found))


def news_of(connection: Connection, uses: Mapping[str, datetime]) -> dict[str, datetime]:
    """Those of the uses that are later than what is known."""
    known = connection.execute(sa.select(_USES).where(_USES.c.key.in_(uses))).mappings()
    later = {row["key"] for row in known if as_moment(row["used"]) >= uses[row["key"]]}
    return {key: used for key, used in uses.items() if key not in later}


def note_uses(connection: Connection, uses: Mapping[str, datetime]) -> None:
    """When keys were used, by their ids; an earlier time changes nothing."""
    if new := news_of(connection, uses):
        connection.execute(_USES.delete().where(_USES.c.key.in_(new)))
        connection.execute(_USES.insert(), [{"key": key, "used": as_text(used)} for key, used in new.items()])


def bereft(connection: Connection, *, seal: Seal) -> Iterator[str]:
    """The keys whose limits are not there."""
    present = set(connection.execute(sa.select(_LIMITS.c.key)).scalars())
    for row in connection.execute(sa.select(_KEYS)).mappings():
        if row["id"] not in present and kind_of(_KEYS, row, seal) == _LIMITED:
            yield f"key {row['id']!r}"


def _one(connection: Connection, which: sa.ColumnElement[bool], seal: Seal) -> Key | None:
    row = row_where(connection, _KEYS, which, seal)
    if row is None:
        return None
    found = _held(connection, [row], seal)
    if not found:
        raise altered_row(f"limits of key {row['id']!r}")
    return found[row["hash"]].key


def _held(connection: Connection, rows: Collection[Row], seal: Seal) -> dict[str, Held]:
    """The keys of those of the rows that are genuine, as are their limits, by hash."""
    limits: dict[str, Row] = {}
    for some in _parts([row["id"] for row in rows if isinstance(row["id"], str)]):
        limits |= {row["key"]: row for row in _quick(connection, _LIMITS, "key", some)}
    # Most likely first: of two kinds, each is a hash over all of the row.
    kinds = {row["id"]: kind_of(_KEYS, row, seal, likely=_LIMITED if row["id"] in limits else "") for row in rows}
    limits = {key: row for key, row in limits.items() if kinds[key] == _LIMITED and is_genuine(_LIMITS, row, seal)}
    return {
        row["hash"]: Held(_key(row, limits.get(row["id"])), None)
        for row in rows
        if (kind := kinds[row["id"]]) and (kind != _LIMITED or row["id"] in limits)
    }


def _quick(connection: Connection, table: sa.Table, column: str, values: Sequence[str]) -> list[Row]:
    """The rows that have one of those values, without what SQLAlchemy adds: a key that is used for the first time is waited for."""
    names = [each.name for each in table.columns]
    places = ", ".join("?" * len(values))
    found = raw(connection).execute(f'SELECT * FROM {table.name} WHERE "{column}" IN ({places})', list(values))  # noqa: S608  # names are ours
    told = [each[0] for each in found.description]
    if set(told) != set(names):
        raise sa.exc.NoSuchColumnError(f"no such column in {table.name}")
    return [cast(Row, dict(zip(told, row, strict=True))) for row in found]


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[at : at + _AT_ONCE] for at in range(0, len(texts), _AT_ONCE))


def _key(row: Row, limits: Row | None) -> Key:
    quota = scope = None
    if limits is not None:
        counted = {name: None if limits[name] is None else int(limits[name]) for name in _COUNTED}
        quota = Quota(**counted) if any(limit is not None for limit in counted.values()) else None
        scope = None if limits["scope"] is None else tuple(p for p in Permission if p in json.loads(limits["scope"]))
    role, tenant = of_role(row["role"])
    return Key(
        id=row["id"],
        name=row["name"],
        role=role,
        tenant=tenant,
        models=None if row["models"] is None else tuple(json.loads(row["models"])),
        purpose=row["purpose"],
        created=as_moment(row["created"]),
        by=row["by"],
        expires=as_moment(row["expires"]) if row["expires"] else None,
        revoked=as_moment(row["revoked"]) if row["revoked"] else None,
        scope=scope,
        quota=quota,
    )
