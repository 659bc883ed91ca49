# SPDX-License-Identifier: Apache-2.0
"""Rows of the registry: an index of what was signed. Nothing here is believed before it is compared with a signature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from modelward.registry.version import Dossier, VersionFile, dossier_label, version_label
from modelward.storage import SCHEMA, Connection

_VERSIONS = sa.Table(
    "registry_versions",
    SCHEMA,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
)
_DOSSIERS = sa.Table(
    "registry_dossiers",
    SCHEMA,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["model", "number"], ["registry_versions.model", "registry_versions.number"]),
)
# Sequence 0 holds the files of the version itself, which every dossier shares.
_FILES = sa.Table(
    "registry_files",
    SCHEMA,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["model", "number"], ["registry_versions.model", "registry_versions.number"]),
)

# An index by which a version is known again that left the house and came back: SHA-256 of its graph, and of what that learned. What
# is not in it is read and put there when somebody asks.
_GRAPHS = sa.Table(
    "registry_graphs",
    SCHEMA,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("graph", sa.Text, nullable=False, index=True),
    sa.Column("weights", sa.Text, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as the index has it."""

    model: str
    number: int
    digest: str
    manifest: str


@dataclass(frozen=True, slots=True)
class DossierRow:
    """A dossier as the index has it."""

    model: str
    number: int
    sequence: int
    signature: str
    event: str
    created: datetime
    by: str


def last_number(connection: Connection, model: str) -> int:
    """The highest number of `model`; 0 where it has no version."""
    found = connection.execute(sa.select(sa.func.max(_VERSIONS.c.number)).where(_VERSIONS.c.model == model)).scalar()
    return int(found or 0)


def last_sequence(connection: Connection, model: str, number: int) -> int:
    """The highest dossier of a version; 0 where there is none."""
    query = sa.select(sa.func.max(_DOSSIERS.c.sequence)).where(_DOSSIERS.c.model == model, _DOSSIERS.c.number == number)
    return int(connection.execute(query).scalar() or 0)


def add_version(connection: Connection, row: VersionRow, *, files: Iterable[VersionFile]) -> None:
    """Write a version and its files."""
    connection.execute(_VERSIONS.insert().values(model=row.model, number=row.number, digest=row.digest, manifest=row.manifest))
    _add_files(connection, row.model, row.number, sequence=0, files=files)


def add_graph(connection: Connection, model: str, number: int, *, graph: str, weights: str) -> None:
    """Write what the graph of a version is known by: digests, "" where there is none."""
    values = {"model": model, "number": number, "graph": graph, "weights": weights}
    connection.execute(_GRAPHS.insert().prefix_with("OR REPLACE").values(values))


def without_graph(connection: Connection) -> list[tuple[str, int]]:
    """Model and number of the versions of which that was not written."""
    same = sa.and_(_GRAPHS.c.model == _VERSIONS.c.model, _GRAPHS.c.number == _VERSIONS.c.number)
    query = sa.select(_VERSIONS.c.model, _VERSIONS.c.number).outerjoin(_GRAPHS, same).where(_GRAPHS.c.model.is_(None))
    return [(row.model, row.number) for row in connection.execute(query)]


def of_graph(connection: Connection, model: str, number: int, *, graph: str) -> list[tuple[str, int]]:
    """Model and number of the versions that have the graph with that digest, or learned what that version did, by name."""
    mine = sa.select(_GRAPHS.c.weights).where(_GRAPHS.c.model == model, _GRAPHS.c.number == number)
    weights = connection.execute(mine).scalar()
    alike = _GRAPHS.c.graph == graph
    query = sa.select(_GRAPHS.c.model, _GRAPHS.c.number).where(sa.or_(alike, _GRAPHS.c.weights == weights) if weights else alike)
    return [(row.model, row.number) for row in connection.execute(query.order_by(_GRAPHS.c.model, _GRAPHS.c.number))]


def add_dossier(connection: Connection, row: Dossier, *, attached: Iterable[VersionFile]) -> None:
    """Write a dossier and the files it adds to those of its version."""
    created = row.created.isoformat()
    connection.execute(
        _DOSSIERS.insert().values(
            model=row.model,
            number=row.number,
            sequence=row.sequence,
            signature=row.signature,
            event=row.event,
            created=created,
            by=row.by,
        )
    )
    _add_files(connection, row.model, row.number, sequence=row.sequence, files=attached)


def version_rows(connection: Connection) -> list[VersionRow]:
    """Every version, by model and number."""
    query = sa.select(_VERSIONS).order_by(_VERSIONS.c.model, _VERSIONS.c.number)
    return [VersionRow(*row) for row in connection.execute(query)]


def model_names(connection: Connection) -> list[str]:
    """Every model that has a version, by name."""
    return list(connection.execute(sa.select(_VERSIONS.c.model).distinct().order_by(_VERSIONS.c.model)).scalars())


def numbers(connection: Connection, model: str) -> list[int]:
    """The numbers of the versions of `model`, ascending."""
    query = sa.select(_VERSIONS.c.number).where(_VERSIONS.c.model == model).order_by(_VERSIONS.c.number)
    return list(connection.execute(query).scalars())


def version_row(connection: Connection, model: str, number: int) -> VersionRow | None:
    """One version."""
    query = sa.select(_VERSIONS).where(_VERSIONS.c.model == model, _VERSIONS.c.number == number)
    row = connection.execute(query).one_or_none()
    return VersionRow(*row) if row else None


def dossier_row(connection: Connection, model: str, number: int, *, sequence: int | None = None) -> DossierRow | None:
    """One dossier of a version; the latest where no `sequence` is given."""
    query = sa.select(_DOSSIERS).where(_DOSSIERS.c.model == model, _DOSSIERS.c.number == number)
    if sequence is not None:
        query = query.where(_DOSSIERS.c.sequence == sequence)
    row = connection.execute(query.order_by(_DOSSIERS.c.sequence.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    created = datetime.fromisoformat(row.created).astimezone(UTC)
    return DossierRow(row.model, row.number, row.sequence, row.signature, row.event, created, row.by)


def dossier_events(connection: Connection, model: str, number: int) -> set[str]:
    """The names of the events that made the dossiers of a version."""
    query = sa.select(_DOSSIERS.c.event).where(_DOSSIERS.c.model == model, _DOSSIERS.c.number == number)
    return set(connection.execute(query).scalars())


def file_rows(connection: Connection, model: str, number: int, *, sequence: int) -> tuple[VersionFile, ...]:
    """The files of a version (sequence 0), or those a dossier added, by path."""
    query = sa.select(_FILES.c.path, _FILES.c.digest, _FILES.c.size_bytes, _FILES.c.sealed).where(
        _FILES.c.model == model, _FILES.c.number == number, _FILES.c.sequence == sequence
    )
    return tuple(VersionFile(*row) for row in connection.execute(query.order_by(_FILES.c.path)))


def sealed_objects(connection: Connection) -> dict[str, str]:
    """The digest of every sealed object that a row names, with the label that it is sealed under."""
    rows = connection.execute(sa.select(_FILES.c.sealed, _FILES.c.model, _FILES.c.number, _FILES.c.sequence, _FILES.c.path))
    return {sealed: _label(f"{model}:{number}", sequence, path) for sealed, model, number, sequence, path in rows}


def _label(name: str, sequence: int, path: str) -> str:
    return dossier_label(name, sequence, path) if sequence else version_label(name, path)


def _add_files(connection: Connection, model: str, number: int, *, sequence: int, files: Iterable[VersionFile]) -> None:
    rows = [
        {"model": model, "number": number, "sequence": sequence, "path": file.path}
        | {"digest": file.digest, "size_bytes": file.size_bytes, "sealed": file.sealed}
        for file in files
    ]
    if rows:
        connection.execute(_FILES.insert(), rows)
