# SPDX-License-Identifier: Apache-2.0
"""Rows of access asked for in emergencies, with who approved it; each is sealed as a whole."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa

from modelward.access.emergency import Emergency
from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import Row, amend, as_moment, as_text, declare, insert, is_genuine, row_where
from modelward.storage import SCHEMA, Connection

_EMERGENCIES = sa.Table(
    "access_emergencies",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("asker", sa.String, nullable=False, index=True),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("minutes", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("asked", sa.String, nullable=False, index=True),
    sa.Column("approvals", sa.String, nullable=False),
    sa.Column("begins", sa.String),
    sa.Column("ends", sa.String, index=True),
    sa.Column("closed", sa.String),
    sa.Column("closed_by", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
declare(_EMERGENCIES, "emergency", "id")


def insert_emergency(connection: Connection, emergency: Emergency, *, seal: Seal) -> None:
    """What somebody asks for."""
    insert(connection, _EMERGENCIES, _columns(emergency), seal)


def put_emergency(connection: Connection, emergency: Emergency, *, seal: Seal) -> None:
    """What became of it."""
    amend(connection, _EMERGENCIES, _EMERGENCIES.c.id == emergency.id, _columns(emergency), seal)


def emergency(connection: Connection, identifier: str, *, seal: Seal) -> Emergency | None:
    """The one of that id."""
    row = row_where(connection, _EMERGENCIES, _EMERGENCIES.c.id == identifier, seal)
    return _emergency(row) if row else None


def emergencies(connection: Connection, *, limit: int, seal: Seal, asker: str = "") -> list[Emergency]:
    """The latest genuine ones, of one asker where named."""
    asked = sa.select(_EMERGENCIES).order_by(_EMERGENCIES.c.asked.desc(), _EMERGENCIES.c.id).limit(limit)
    if asker:
        asked = asked.where(_EMERGENCIES.c.asker == asker)
    return _genuine(connection, asked, seal)


def not_over(connection: Connection, *, now: datetime, seal: Seal) -> list[Emergency]:
    """Every genuine one that began and is not over yet."""
    asked = sa.select(_EMERGENCIES).where(_EMERGENCIES.c.ends > as_text(now), _EMERGENCIES.c.closed.is_(None))
    return _genuine(connection, asked, seal)


def _genuine(connection: Connection, asked: sa.Select[tuple[str, ...]], seal: Seal) -> list[Emergency]:
    return [_emergency(row) for row in connection.execute(asked).mappings() if is_genuine(_EMERGENCIES, row, seal)]


def _columns(emergency: Emergency) -> dict[str, str | None]:
    return {
        "id": emergency.id,
        "asker": emergency.asker,
        "what": emergency.what,
        "minutes": str(emergency.minutes),
        "reason": emergency.reason,
        "asked": as_text(emergency.asked),
        "approvals": json.dumps(emergency.approvals),
        "begins": as_text(emergency.begins),
        "ends": as_text(emergency.ends),
        "closed": as_text(emergency.closed),
        "closed_by": emergency.closed_by,
    }


def _emergency(row: Row) -> Emergency:
    return Emergency(
        id=row["id"],
        asker=row["asker"],
        what=row["what"],
        minutes=int(row["minutes"]),
        reason=row["reason"],
        asked=as_moment(row["asked"]),
        approvals=tuple(json.loads(row["approvals"])),
        begins=as_moment(row["begins"]) if row["begins"] else None,
        ends=as_moment(row["ends"]) if row["ends"] else None,
        closed=as_moment(row["closed"]) if row["closed"] else None,
        closed_by=row["closed_by"],
    )
