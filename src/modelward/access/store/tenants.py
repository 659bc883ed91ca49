# SPDX-License-Identifier: Apache-2.0
"""Rows of tenants."""

from __future__ import annotations

import sqlalchemy as sa

from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import as_moment, as_text, declare, insert, is_genuine, row_where
from modelward.access.tenant import Tenant
from modelward.storage import SCHEMA, Connection

_TENANTS = declare(
    sa.Table(
        "access_tenants",
        SCHEMA,
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("created", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column(MAC, sa.String, nullable=False),
    ),
    "tenant",
    "name",
)


def insert_tenant(connection: Connection, tenant: Tenant, *, seal: Seal) -> None:
    """A new tenant."""
    insert(connection, _TENANTS, {"name": tenant.name, "created": as_text(tenant.created), "by": tenant.by}, seal)


def drop_tenant(connection: Connection, name: str) -> None:
    """The tenant is gone."""
    connection.execute(_TENANTS.delete().where(_TENANTS.c.name == name))


def tenants(connection: Connection, *, seal: Seal) -> list[Tenant]:
    """Every genuine tenant, by name."""
    rows = connection.execute(sa.select(_TENANTS).order_by(_TENANTS.c.name)).mappings()
    return [
        Tenant(name=row["name"], created=as_moment(row["created"]), by=row["by"]) for row in rows if is_genuine(_TENANTS, row, seal)
    ]


def is_there(connection: Connection, name: str, *, seal: Seal) -> bool:
    """Whether there is a tenant of that name. Raises as `row_where` does."""
    return row_where(connection, _TENANTS, _TENANTS.c.name == name, seal) is not None
