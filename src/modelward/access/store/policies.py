# SPDX-License-Identifier: Apache-2.0
"""Rows of the site's policy files."""

from __future__ import annotations

import sqlalchemy as sa

from modelward.access.seal import MAC, Seal
from modelward.access.site_policy import SitePolicy
from modelward.access.store.sealed import Row, as_moment, as_text, declare, insert, is_genuine, row_where
from modelward.storage import SCHEMA, Connection

_POLICIES = declare(
    sa.Table(
        "access_policies",
        SCHEMA,
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("revision", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("policies", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column(MAC, sa.String, nullable=False),
    ),
    "policy",
    "name",
)


def put_policy(connection: Connection, policy: SitePolicy, *, seal: Seal) -> None:
    """The text of a file; one that it had before is gone."""
    drop_policy(connection, policy.name)
    row = {
        "name": policy.name,
        "revision": str(policy.revision),
        "digest": policy.digest,
        "policies": str(policy.policies),
        "text": policy.text,
        "by": policy.by,
        "at": as_text(policy.at),
    }
    insert(connection, _POLICIES, row, seal)


def drop_policy(connection: Connection, name: str) -> None:
    """A file is gone, whatever became of its row."""
    connection.execute(_POLICIES.delete().where(_POLICIES.c.name == name))


def policy_named(connection: Connection, name: str, *, seal: Seal) -> SitePolicy | None:
    """The file of that name. Raises as `row_where` does."""
    row = row_where(connection, _POLICIES, _POLICIES.c.name == name, seal)
    return _policy(row) if row else None


def names(connection: Connection) -> list[str]:
    """The names of every file, also of those whose rows were altered."""
    return [str(name) for name in connection.execute(sa.select(_POLICIES.c.name).order_by(_POLICIES.c.name)).scalars()]


def marks(connection: Connection) -> tuple[tuple[str, str], ...]:
    """Name and MAC of every file: another tuple when any of them is another."""
    rows = connection.execute(sa.select(_POLICIES.c.name, _POLICIES.c[MAC]).order_by(_POLICIES.c.name))
    return tuple((str(name), str(mac)) for name, mac in rows)


def policies(connection: Connection, *, seal: Seal) -> list[SitePolicy]:
    """Every file, by name.

    Raises:
        AlteredRowError: one of them is not as it was sealed.
    """
    found = (policy_named(connection, name, seal=seal) for name in names(connection))
    return [policy for policy in found if policy]


def genuine(connection: Connection, *, seal: Seal) -> list[SitePolicy]:
    """The files whose rows are as they were sealed, by name."""
    rows = connection.execute(sa.select(_POLICIES).order_by(_POLICIES.c.name)).mappings()
    return [_policy(row) for row in rows if is_genuine(_POLICIES, row, seal)]


def _policy(row: Row) -> SitePolicy:
    return SitePolicy(
        name=row["name"],
        revision=int(row["revision"]),
        digest=row["digest"],
        policies=int(row["policies"]),
        text=row["text"],
        by=row["by"],
        at=as_moment(row["at"]),
    )
