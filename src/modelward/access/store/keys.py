# SPDX-License-Identifier: Apache-2.0
"""Rows of API keys. A secret is a row only as its keyed hash."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa

from modelward.access.credential import Key
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
declare(_KEYS, "key", "id")


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
    insert(connection, _KEYS, row, seal)


def keys(connection: Connection, *, seal: Seal) -> dict[str, Key]:
    """Every genuine key by the hash of its secret, oldest first."""
    rows = connection.execute(sa.select(_KEYS).order_by(_KEYS.c.created, _KEYS.c.id)).mappings()
    return {row["hash"]: _key(row) for row in rows if is_genuine(_KEYS, row, seal)}


def key_named(connection: Connection, name: str, *, seal: Seal) -> Key | None:
    """The key of that name, ended or not."""
    row = row_where(connection, _KEYS, _KEYS.c.name == name, seal)
    return _key(row) if row else None


def key_with_id(connection: Connection, identifier: str, *, seal: Seal) -> Key | None:
    """The key of that id."""
    row = row_where(connection, _KEYS, _KEYS.c.id == identifier, seal)
    return _key(row) if row else None


def key_with_hash(connection: Connection, secret_hash: str, *, seal: Seal) -> Key | None:
    """The key whose secret has that hash."""
    row = row_by_hash(connection, _KEYS, secret_hash, seal)
    return _key(row) if row else None


def end_key(connection: Connection, identifier: str, *, now: datetime, seal: Seal) -> None:
    """Mark a key revoked."""
    amend(connection, _KEYS, _KEYS.c.id == identifier, {"revoked": as_text(now)}, seal)


def _key(row: Row) -> Key:
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
    )
