# SPDX-License-Identifier: Apache-2.0
"""A grant: which columns and rows of a dataset a model may be made and measured from, for which purpose, until when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from shlex import quote
from typing import Any

from modelward.access import covers
from modelward.audit import Event
from modelward.digest import canonical_json, sha256_hex
from modelward.errors import InvalidError, NotFoundError, RefusedError

DATASET_GRANTED = Event("dataset.granted", "A model was granted columns and rows of a dataset, for a purpose.")
GRANT_REVOKED = Event("dataset.revoked", "A model's grant of a dataset was revoked, or replaced by another.")
GRANT_REFUSED = Event("dataset.refused", "A dataset was asked for on behalf of a model, and its grant did not allow it.")

PURPOSE_LIMIT = 500
TOLD_CHARACTERS = 8000


class InvalidGrantError(InvalidError):
    """What was to be granted is not there, or lacks what no model can do without."""


class GrantMissingError(RefusedError):
    """The dataset was never granted to the model."""


class NoSuchGrantError(NotFoundError):
    """There is no grant in force that could be revoked."""


class GrantEndedError(RefusedError):
    """The grant was revoked or replaced, or its time is over."""


class OutsideGrantError(RefusedError):
    """A column was asked for that the grant does not name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one model may have of one dataset. `columns` are their names, None is every one. `rows` is a filter, "" keeps all; see
    `RowFilter`. `until` is the moment it ends by itself, None never. One that `is_automatic` was made because who began a training
    may grant. `revoked` says when it was taken back, or another took its place. `notes` are told to who grants it, and then alone.
    """

    id: str
    model: str
    dataset: str
    columns: tuple[str, ...] | None
    rows: str
    purpose: str
    until: datetime | None
    granted: datetime
    by: str
    is_automatic: bool
    revoked: datetime | None = None
    revoked_by: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_whole(self) -> bool:
        """Whether it is of every column and row."""
        return self.columns is None and not self.rows

    def stands(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.revoked is None and (self.until is None or now < self.until)

    def names(self, column: str) -> bool:
        """Whether that column is granted."""
        return self.columns is None or column in self.columns

    def includes(self, other: Grant) -> bool:
        """Whether everything that the `other` gave is given by this one, too."""
        has_columns = self.columns is None or (other.columns is not None and set(other.columns) <= set(self.columns))
        return has_columns and self.rows in ("", other.rows) and covers(self.purpose, other.purpose)

    @property
    def facts(self) -> dict[str, Any]:
        """What the ledger says of it. The filter is not told, for it may quote values; the grant's own row has it."""
        return {
            "grant": self.id,
            "model": self.model,
            "columns": told_columns(self.columns),
            "filtered": bool(self.rows),
            "purpose": self.purpose,
            "until": self.until.isoformat() if self.until else None,
        }


def principal(model: str) -> str:
    """The model as somebody who reads data: what the ledger calls it."""
    return f"model:{model}"


def command_for(model: str, dataset: str, purpose: str) -> str:
    """What who owns the data types, to grant all of it."""
    return f"modelward data grant {model} {dataset} --purpose {quote(purpose)}"


def told_columns(columns: tuple[str, ...] | None) -> list[str] | str:
    """The names as the ledger has them: a list, or where that would be too long how many there are and their digest."""
    if columns is None:
        return "all"
    if sum(map(len, columns)) <= TOLD_CHARACTERS:
        return list(columns)
    return f"{len(columns)} columns, SHA-256 {sha256_hex(canonical_json(columns))}"
