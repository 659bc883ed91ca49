# SPDX-License-Identifier: Apache-2.0
"""The rows of datasets: names, digests and what was declared. What the columns hold lies sealed in the vault.

And the rows of grants, each with a MAC: who edits the database widens none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from modelward.access import MAC, AlteredRowError, Seal
from modelward.datasets.dataset import Shredded
from modelward.datasets.declaration import Declaration
from modelward.datasets.description import description_label, pseudonyms_label, rows_label
from modelward.datasets.grant import Grant
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
# Every column is text, as `Seal` has it; moments are of one width, so that their order as texts is that of time.
_GRANTS = sa.Table(
    "dataset_grants",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False, index=True),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("columns", sa.String),
    sa.Column("rows", sa.String, nullable=False),
    sa.Column("purpose", sa.String, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("granted", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("automatic", sa.String, nullable=False),
    sa.Column("revoked", sa.String),
    sa.Column("revoked_by", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
    sa.Index("ix_dataset_grants_dataset_model", "dataset", "model"),
)
# What was spent of privacy budgets is told by the ledger. A row for each is a second witness, and keeps what a statistic answered:
# `question` is a keyed digest of what was asked, "" where nothing was.
_SPENDINGS = sa.Table(
    "dataset_spendings",
    SCHEMA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("question", sa.String, nullable=False, index=True),
    sa.Column("epsilon", sa.String, nullable=False),
    sa.Column("answer", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
# A de-identified copy has a row here: what it is a copy of, and the sealed book of its pseudonyms, where it has one.
_COPIES = sa.Table(
    "dataset_copies",
    SCHEMA,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("origin", sa.String(63), nullable=False, index=True),
    sa.Column("pseudonyms", sa.String(64), nullable=False),
)
# A dataset that was shredded keeps its row, and has one here.
_SHREDDED = sa.Table(
    "shredded_datasets",
    SCHEMA,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("shredded", sa.String(32), nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("keys", sa.JSON, nullable=False),
    sa.Column("shards", sa.JSON, nullable=False),
)
_WHOLE = sa.select(_DATASETS, _LATER.c.declared, _COPIES.c.origin, _COPIES.c.pseudonyms).select_from(
    _DATASETS.outerjoin(_LATER, _DATASETS.c.name == _LATER.c.name).outerjoin(_COPIES, _DATASETS.c.name == _COPIES.c.name)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the database knows of a dataset. `sealed` is its first piece, `further` are those of a large one, in order. `origin` is
    what it is a de-identified copy of, and `pseudonyms` the sealed book of what its pseudonyms stand for, "" where it has none.
    """

    name: str
    fingerprint: str
    rows: int
    declared: Declaration
    registered: datetime
    by: str
    sealed: str
    described: str
    further: tuple[str, ...] = ()
    shredded: Shredded | None = None
    origin: str = ""
    pseudonyms: str = ""


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
    if made.origin:
        connection.execute(_COPIES.insert().values(name=made.name, origin=made.origin, pseudonyms=made.pseudonyms))
    _add_further(connection, made)


def forget_pseudonyms(connection: Connection, name: str) -> None:
    """Name the book of a copy's pseudonyms no more."""
    connection.execute(_COPIES.update().where(_COPIES.c.name == name).values(pseudonyms=""))


def copies(connection: Connection, origins: Iterable[str]) -> list[str]:
    """The de-identified copies of those datasets that were not shredded, by name."""
    there = sa.select(_COPIES.c.name).where(_COPIES.c.origin.in_([*origins]), _COPIES.c.name.not_in(sa.select(_SHREDDED.c.name)))
    return list(connection.scalars(there.order_by(_COPIES.c.name)))


def put_anew(connection: Connection, made: Registration) -> None:
    """The row of a dataset whose rows were sealed anew: fingerprint, number of rows and objects; what was declared stays."""
    change = {"fingerprint": made.fingerprint, "rows": made.rows, "sealed": made.sealed, "described": made.described}
    connection.execute(_DATASETS.update().where(_DATASETS.c.name == made.name).values(change))
    connection.execute(_PIECES.delete().where(_PIECES.c.dataset == made.name))
    _add_further(connection, made)


def find(connection: Connection, name: str) -> Registration | None:
    """The dataset called `name`."""
    row = connection.execute(_WHOLE.where(_DATASETS.c.name == name)).mappings().first()
    return None if row is None else _registration(connection, row)


def every(connection: Connection) -> list[Registration]:
    """Every dataset, by name."""
    rows = connection.execute(_WHOLE.order_by(_DATASETS.c.name)).mappings().all()
    return [_registration(connection, row) for row in rows]


def objects_of(found: Registration) -> dict[str, str]:
    """The digest of every sealed object of a dataset, with the label that it is sealed under."""
    rows = {digest: rows_label(found.name, place) for place, digest in enumerate((found.sealed, *found.further))}
    book = {found.pseudonyms: pseudonyms_label(found.name)} if found.pseudonyms else {}
    return rows | book | {found.described: description_label(found.name)}


def shred(connection: Connection, shredded: Shredded) -> None:
    """Write down that a dataset was shredded: its objects are named no more."""
    values: dict[str, Any] = {
        "name": shredded.dataset,
        "shredded": shredded.shredded.astimezone(UTC).isoformat(),
        "by": shredded.by,
    }
    values |= {"reason": shredded.reason, "keys": [*shredded.keys], "shards": [*shredded.shards]}
    connection.execute(_SHREDDED.insert().values(values))


def sealed_objects(connection: Connection) -> dict[str, str]:
    """The digest of every sealed object that a row names, with the label that it is sealed under."""
    gone = sa.select(_SHREDDED.c.name)
    whole = sa.select(_DATASETS.c.name, _DATASETS.c.sealed, _DATASETS.c.described).where(_DATASETS.c.name.not_in(gone))
    rows = connection.execute(whole)
    named: dict[str, str] = {}
    for name, sealed, described in rows:
        named |= {sealed: rows_label(name, 0), described: description_label(name)}
    further = sa.select(_PIECES.c.dataset, _PIECES.c.place, _PIECES.c.sealed).where(_PIECES.c.dataset.not_in(gone))
    pieces = connection.execute(further)
    books = sa.select(_COPIES.c.name, _COPIES.c.pseudonyms).where(_COPIES.c.pseudonyms != "", _COPIES.c.name.not_in(gone))
    named |= {sealed: pseudonyms_label(name) for name, sealed in connection.execute(books)}
    return named | {sealed: rows_label(name, place) for name, place, sealed in pieces}


def _add_further(connection: Connection, made: Registration) -> None:
    for place, sealed in enumerate(made.further, 1):
        connection.execute(_PIECES.insert().values(dataset=made.name, place=place, sealed=sealed))


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
        shredded=_shredded(connection, row["name"]),
        origin=row["origin"] or "",
        pseudonyms=row["pseudonyms"] or "",
    )


def _shredded(connection: Connection, name: str) -> Shredded | None:
    row = connection.execute(sa.select(_SHREDDED).where(_SHREDDED.c.name == name)).mappings().one_or_none()
    if row is None:
        return None
    return Shredded(
        dataset=row["name"],
        shredded=datetime.fromisoformat(row["shredded"]),
        by=row["by"],
        reason=row["reason"],
        keys=tuple(row["keys"]),
        shards=tuple(row["shards"]),
    )


def add_grant(connection: Connection, grant: Grant, *, seal: Seal) -> None:
    """A new grant."""
    connection.execute(_GRANTS.insert().values(seal.sealed("grant", _row_of(grant))))


def end_grant(connection: Connection, grant: Grant, *, seal: Seal) -> None:
    """Write down when the grant was revoked, and by whom."""
    connection.execute(_GRANTS.update().where(_GRANTS.c.id == grant.id).values(seal.sealed("grant", _row_of(grant))))


def grants(connection: Connection, *, dataset: str = "", model: str = "", seal: Seal) -> list[Grant]:
    """The grants of that dataset, to that model, or all; the latest first.

    Raises:
        AlteredRowError: one of them is not as it was sealed.
    """
    asked = sa.select(_GRANTS).order_by(_GRANTS.c.granted.desc(), _GRANTS.c.id)
    for column, name in ((_GRANTS.c.dataset, dataset), (_GRANTS.c.model, model)):
        asked = asked.where(column == name) if name else asked
    return [_grant(row, seal) for row in connection.execute(asked).mappings()]


def grant(connection: Connection, identifier: str, *, seal: Seal) -> Grant | None:
    """The grant of that id. Raises as `grants` does."""
    row = connection.execute(sa.select(_GRANTS).where(_GRANTS.c.id == identifier)).mappings().first()
    return _grant(row, seal) if row else None


def altered_grants(connection: Connection, *, seal: Seal) -> Iterator[str]:
    """The grants that are not as they were sealed, as people name them."""
    for row in connection.execute(sa.select(_GRANTS)).mappings():
        if not seal.is_genuine("grant", dict(row)):
            yield f"grant {str(row['id'])[:80]!r}"


def _row_of(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "dataset": grant.dataset,
        "model": grant.model,
        "columns": None if grant.columns is None else json.dumps(grant.columns),
        "rows": grant.rows,
        "purpose": grant.purpose,
        "until": _moment_text(grant.until),
        "granted": _moment_text(grant.granted),
        "by": grant.by,
        "automatic": "yes" if grant.is_automatic else "",
        "revoked": _moment_text(grant.revoked),
        "revoked_by": grant.revoked_by,
    }


def _grant(row: sa.RowMapping, seal: Seal) -> Grant:
    if not seal.is_genuine("grant", dict(row)):
        raise AlteredRowError(
            f"The row of the grant {str(row['id'])[:80]!r} was altered by something other than Modelward, so it opens nothing. "
            "Restore the database from a backup; `modelward doctor` names every such row."
        )
    return Grant(
        id=row["id"],
        model=row["model"],
        dataset=row["dataset"],
        columns=None if row["columns"] is None else tuple(json.loads(row["columns"])),
        rows=row["rows"],
        purpose=row["purpose"],
        until=_moment(row["until"]),
        granted=datetime.fromisoformat(row["granted"]),
        by=row["by"],
        is_automatic=row["automatic"] == "yes",
        revoked=_moment(row["revoked"]),
        revoked_by=row["revoked_by"],
    )


def _moment_text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingRow:
    """What the database knows of a spending. `answer` holds the noisy whole numbers of the statistic that asked `question`."""

    id: str
    dataset: str
    at: datetime
    question: str = ""
    epsilon: float = 0.0
    answer: tuple[int, ...] = ()


def add_spending(connection: Connection, row: SpendingRow, *, seal: Seal) -> None:
    """A new row of what was spent."""
    values = {
        "id": row.id,
        "dataset": row.dataset,
        "question": row.question,
        "epsilon": repr(row.epsilon),
        "answer": json.dumps(row.answer),
        "at": _moment_text(row.at),
    }
    connection.execute(_SPENDINGS.insert().values(seal.sealed("spending", values)))


def spending_ids(connection: Connection) -> frozenset[str]:
    """The id of everything that was spent."""
    return frozenset(connection.execute(sa.select(_SPENDINGS.c.id)).scalars())


def answers(connection: Connection, question: str, *, seal: Seal) -> list[SpendingRow]:
    """What was answered to that question, the one with the least noise first; the latest of those.

    Raises:
        AlteredRowError: one of them is not as it was sealed.
    """
    asked = sa.select(_SPENDINGS).where(_SPENDINGS.c.question == question).order_by(_SPENDINGS.c.at.desc())
    found = []
    for row in connection.execute(asked).mappings():
        if not seal.is_genuine("spending", dict(row)):
            raise AlteredRowError(
                f"The row of the answer {str(row['id'])[:80]!r} was altered by something other than Modelward, so it is not told. "
                "Restore the database from a backup."
            )
        found.append(
            SpendingRow(
                id=row["id"],
                dataset=row["dataset"],
                at=datetime.fromisoformat(row["at"]),
                question=row["question"],
                epsilon=float(row["epsilon"]),
                answer=tuple(json.loads(row["answer"])),
            )
        )
    return sorted(found, key=lambda each: -each.epsilon)
