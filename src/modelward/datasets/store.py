# SPDX-License-Identifier: Apache-2.0
"""The rows of datasets: names, digests and what was declared. What the columns hold lies sealed in the vault."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from modelward.datasets.declaration import Declaration
from modelward.storage import SCHEMA, Connection

_DATASETS = sa.Table(
    "datasets",
    SCHEMA,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("sensitive", sa.JSON, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("license", sa.Text, nullable=False),
    sa.Column("registered", sa.String(32), nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("sealed", sa.String(64), nullable=False),
    sa.Column("described", sa.String(64), nullable=False),
)

_PIECES = sa.Table(
    "dataset_pieces",
    SCHEMA,
    sa.Column("dataset", sa.String(63), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("sealed", sa.String(64), nullable=False),
)


# What can be declared since a later version, as JSON; no row where it is as it was before.
_LATER = sa.Table(
    "dataset_declarations",
    SCHEMA,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("declared", sa.JSON, nullable=False),
)
_WHOLE = sa.select(_DATASETS, _LATER.c.declared).select_from(_DATASETS.outerjoin(_LATER, _DATASETS.c.name == _LATER.c.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the database knows of a dataset. `sealed` is its first piece, `further` are those of a large one, in order."""

    name: str
    fingerprint: str
    rows: int
    declared: Declaration
    registered: datetime
    by: str
    sealed: str
    described: str
    further: tuple[str, ...] = ()


def add(connection: Connection, made: Registration) -> None:
    """Insert the row of a dataset whose name is free."""
    if later := _later(made.declared):
        connection.execute(_LATER.insert().values(name=made.name, declared=later))
    connection.execute(
        _DATASETS.insert().values(
            name=made.name,
            fingerprint=made.fingerprint,
            rows=made.rows,
            target=made.declared.target,
            sensitive=list(made.declared.sensitive),
            purpose=made.declared.purpose,
            owner=made.declared.owner,
            license=made.declared.license,
            registered=made.registered.astimezone(UTC).isoformat(),
            by=made.by,
            sealed=made.sealed,
            described=made.described,
        )
    )
    for place, sealed in enumerate(made.further, 1):
        connection.execute(_PIECES.insert().values(dataset=made.name, place=place, sealed=sealed))


def find(connection: Connection, name: str) -> Registration | None:
    """The dataset called `name`."""
    row = connection.execute(_WHOLE.where(_DATASETS.c.name == name)).mappings().first()
    return None if row is None else _registration(connection, row)


def every(connection: Connection) -> list[Registration]:
    """Every dataset, by name."""
    rows = connection.execute(_WHOLE.order_by(_DATASETS.c.name)).mappings().all()
    return [_registration(connection, row) for row in rows]


def sealed_objects(connection: Connection) -> set[str]:
    """The digest of every sealed object that a row names."""
    rows = connection.execute(sa.select(_DATASETS.c.sealed, _DATASETS.c.described))
    return {digest for row in rows for digest in row} | set(connection.execute(sa.select(_PIECES.c.sealed)).scalars())


def _later(declared: Declaration) -> dict[str, str]:
    later = {"task": declared.task, "user": declared.user, "time": declared.time}
    return {} if declared.task == "classes" else {name: said for name, said in later.items() if said}


def _registration(connection: Connection, row: sa.RowMapping) -> Registration:
    further = sa.select(_PIECES.c.sealed).where(_PIECES.c.dataset == row["name"]).order_by(_PIECES.c.place)
    declared = Declaration(
        target=row["target"],
        sensitive=tuple(row["sensitive"]),
        purpose=row["purpose"],
        owner=row["owner"],
        license=row["license"],
        **(row["declared"] or {}),
    )
    return Registration(
        name=row["name"],
        fingerprint=row["fingerprint"],
        rows=row["rows"],
        declared=declared,
        registered=datetime.fromisoformat(row["registered"]),
        by=row["by"],
        sealed=row["sealed"],
        described=row["described"],
        further=tuple(connection.execute(further).scalars()),
    )
