# SPDX-License-Identifier: Apache-2.0
"""Rows of terms and of who accepted them."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa

from modelward.access.seal import MAC, Seal
from modelward.access.store.sealed import Row, as_moment, as_text, declare, insert, is_genuine, row_where
from modelward.access.terms import Acceptance, Terms
from modelward.digest import sha256_hex
from modelward.storage import SCHEMA, Connection, raw

_TERMS = sa.Table(
    "access_terms",
    SCHEMA,
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("put", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
)
declare(_TERMS, "terms", "subject")
# Each text is known by its digest, which seals it.
_TEXTS = sa.Table(
    "access_terms_texts",
    SCHEMA,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)
_ACCEPTANCES = sa.Table(
    "access_acceptances",
    SCHEMA,
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("actor", sa.String, primary_key=True),
    sa.Column("accepted", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column(MAC, sa.String, nullable=False),
    sqlite_with_rowid=False,
)
declare(_ACCEPTANCES, "acceptance by", "actor")


def put(connection: Connection, terms: Terms, *, seal: Seal) -> None:
    """Terms in the place of those that were there."""
    connection.execute(_TERMS.delete().where(_TERMS.c.subject == terms.subject))
    row = {"subject": terms.subject, "digest": terms.digest, "put": as_text(terms.put), "by": terms.by}
    insert(connection, _TERMS, row, seal)
    connection.execute(_TEXTS.delete().where(_TEXTS.c.digest == terms.digest))
    connection.execute(_TEXTS.insert().values(digest=terms.digest, text=terms.text))


def find(connection: Connection, subject: str, *, seal: Seal) -> Terms | None:
    """The terms in place; raises as `row_where` does."""
    row = row_where(connection, _TERMS, _TERMS.c.subject == subject, seal)
    return _terms(connection, row) if row else None


def in_force(connection: Connection, *, seal: Seal) -> dict[str, str]:
    """The digest of the terms in place, by what they hold for; of those that were altered it is nothing that anybody accepted."""
    rows = connection.execute(sa.select(_TERMS)).mappings()
    return {str(row["subject"]): row["digest"] if is_genuine(_TERMS, row, seal) else "" for row in rows}


def accept(connection: Connection, acceptance: Acceptance, *, seal: Seal) -> None:
    """Somebody accepted; a row that said so, and was altered, is gone."""
    row = {
        "subject": acceptance.subject,
        "digest": acceptance.digest,
        "actor": acceptance.actor,
        "accepted": as_text(acceptance.accepted),
        "by": acceptance.by,
    }
    held = _ACCEPTANCES.c
    which = (held.subject == acceptance.subject) & (held.digest == acceptance.digest) & (held.actor == acceptance.actor)
    connection.execute(_ACCEPTANCES.delete().where(which))
    insert(connection, _ACCEPTANCES, row, seal)


def acceptance(connection: Connection, subject: str, *, digest: str, actor: str, seal: Seal) -> Acceptance | None:
    """That somebody accepted those terms; raises as `row_where` does."""
    held = _ACCEPTANCES.c
    which = (held.subject == subject) & (held.digest == digest) & (held.actor == actor)
    row = row_where(connection, _ACCEPTANCES, which, seal)
    return Acceptance(row["subject"], row["digest"], row["actor"], as_moment(row["accepted"]), row["by"]) if row else None


def has_accepted(connection: Connection, subject: str, *, digest: str, actor: str, seal: Seal) -> bool:
    """Whether there is a genuine row that says so; without what SQLAlchemy adds, for who asks for the first time is waiting."""
    found = raw(connection).execute(
        "SELECT * FROM access_acceptances WHERE subject = ? AND digest = ? AND actor = ?", (subject, digest, actor)
    )
    names = [each[0] for each in found.description]
    row = found.fetchone()
    return row is not None and is_genuine(_ACCEPTANCES, cast(Row, dict(zip(names, row, strict=True))), seal)


def accepted_by(connection: Connection, subject: str, *, digest: str, seal: Seal) -> frozenset[str]:
    """Everybody of whom there is a genuine row that says so."""
    held = _ACCEPTANCES.c
    rows = connection.execute(sa.select(_ACCEPTANCES).where((held.subject == subject) & (held.digest == digest))).mappings()
    return frozenset(str(row["actor"]) for row in rows if is_genuine(_ACCEPTANCES, row, seal))


def _terms(connection: Connection, row: Row) -> Terms:
    text = connection.execute(sa.select(_TEXTS.c.text).where(_TEXTS.c.digest == row["digest"])).scalar()
    is_whole = isinstance(text, str) and sha256_hex(text.encode()) == row["digest"]
    told = text if is_whole and text else "This text was altered or is gone. Put the terms anew."
    return Terms(row["subject"], told, row["digest"], as_moment(row["put"]), row["by"])
