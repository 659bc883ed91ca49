# SPDX-License-Identifier: Apache-2.0
"""Rows of captures: what is told of each in the open, and its sealed content."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from modelward.serving.capture import Capture, Sealed
from modelward.storage import SCHEMA, Connection

_CAPTURES = sa.Table(
    "captures",
    SCHEMA,
    sa.Column("request", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(63), nullable=False, index=True),
    sa.Column("version", sa.String(80), nullable=False),
    sa.Column("caller", sa.String(160), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("until", sa.String(32), nullable=False, index=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("shredded", sa.String(32), nullable=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=True),
)
_TOLD = [column for column in _CAPTURES.c if column.name not in ("digest", "content")]


def add(connection: Connection, captures: Iterable[tuple[Capture, Sealed]]) -> None:
    """New rows."""
    rows = [_row(capture) | {"digest": sealed.digest, "content": sealed.content} for capture, sealed in captures]
    connection.execute(_CAPTURES.insert(), rows)


def find(connection: Connection, request: str) -> tuple[Capture, Sealed] | None:
    """What is kept of a request."""
    row = connection.execute(sa.select(_CAPTURES).where(_CAPTURES.c.request == request)).mappings().first()
    return (_capture(row), Sealed(row["digest"], row["content"])) if row else None


def models(connection: Connection) -> list[str]:
    """The models of which anything is kept."""
    return list(connection.scalars(sa.select(_CAPTURES.c.model).distinct().order_by(_CAPTURES.c.model)))


def newest(connection: Connection, models: Collection[str], *, caller: str, limit: int) -> list[Capture]:
    """Captures of those models, and of that caller where one is named, the newest first."""
    query = sa.select(*_TOLD).where(_CAPTURES.c.model.in_(models))
    query = query.where(_CAPTURES.c.caller == caller) if caller else query
    # Request ids begin with the time.
    found = connection.execute(query.order_by(_CAPTURES.c.request.desc()).limit(limit))
    return [_capture(row) for row in found.mappings()]


def shred(connection: Connection, requests: Collection[str], *, now: datetime) -> None:
    """Remove the content of captures, and say when."""
    change = {"content": None, "shredded": _text(now)}
    connection.execute(_CAPTURES.update().where(_CAPTURES.c.request.in_(requests)).values(change))


def over(connection: Connection, *, now: datetime, limit: int) -> list[tuple[str, str, str]]:
    """Request, model and digest of captures whose time is over, at most so many."""
    columns = _CAPTURES.c.request, _CAPTURES.c.model, _CAPTURES.c.digest
    query = sa.select(*columns).where(_CAPTURES.c.until <= _text(now)).limit(limit)
    return [(row.request, row.model, row.digest) for row in connection.execute(query)]


def remove(connection: Connection, requests: Collection[str]) -> None:
    """Remove captures altogether."""
    connection.execute(_CAPTURES.delete().where(_CAPTURES.c.request.in_(requests)))


def _row(capture: Capture) -> dict[str, Any]:
    return {
        "request": capture.request,
        "model": capture.model,
        "version": capture.version,
        "caller": capture.caller,
        "at": _text(capture.at),
        "until": _text(capture.until),
        "rows": capture.rows,
        "bytes": capture.bytes,
        "shredded": None,
    }


def _capture(row: sa.RowMapping) -> Capture:
    return Capture(
        request=row["request"],
        model=row["model"],
        version=row["version"],
        caller=row["caller"],
        at=_moment(row["at"]),
        until=_moment(row["until"]),
        rows=row["rows"],
        bytes=row["bytes"],
        shredded=_moment(row["shredded"]) if row["shredded"] else None,
    )


def _text(moment: datetime) -> str:
    """In UTC and always of one width, so that the order of texts is that of time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
