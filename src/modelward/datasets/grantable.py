# SPDX-License-Identifier: Apache-2.0
"""What can be granted of a dataset: columns that it has, a filter that fits them, a purpose, an end to come.

Raises:
    InvalidGrantError, InvalidFilterError: by each check, where it does not hold.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime

from modelward.access import purposes_of
from modelward.datasets.dataset import Dataset
from modelward.datasets.grant import PURPOSE_LIMIT, InvalidGrantError
from modelward.datasets.layout import quoted, unknown_column
from modelward.datasets.row_filter import RowFilter


def checked_columns(columns: Sequence[str] | None, shown: Dataset) -> tuple[str, ...] | None:
    """The columns to grant, in the dataset's order; None for all."""
    if columns is None:
        return None
    names = [column.name for column in shown.columns]
    for name in columns:
        if name not in names:
            raise InvalidGrantError(f"The grant of dataset {shown.name!r}: {unknown_column(name, names)}")
    needed = [name for name in (shown.target, shown.user, shown.time) if name]
    if lacking := [name for name in needed if name not in columns]:
        raise InvalidGrantError(
            f"The grant of dataset {shown.name!r} lacks {quoted(lacking)}, without which nothing can be learned. Name every column "
            "that the model needs, the target included."
        )
    return tuple(name for name in names if name in columns)


def checked_rows(rows: str, shown: Dataset) -> str:
    """The filter of rows, which fits the columns."""
    if text := rows.strip():
        RowFilter.parse(text).check(shown.columns)
    return text


def notes_on(rows: str, shown: Dataset) -> tuple[str, ...]:
    """What of a filter looks like a slip: texts that no row has. Only of columns whose texts its description shows."""
    notes = []
    for column in shown.columns if rows else ():
        if strange := RowFilter.parse(rows).strangers(column):
            near = difflib.get_close_matches(strange[0], column.categories, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            notes.append(f"No row has {quoted(strange)} in column {column.name!r}.{meant}")
    return tuple(notes)


def checked_purpose(purpose: str) -> str:
    """The purpose, which says something."""
    if not purposes_of(purpose) or len(purpose) > PURPOSE_LIMIT or not purpose.isprintable():
        raise InvalidGrantError(
            f"The purpose of a grant is one line of at most {PURPOSE_LIMIT} characters. Say it with `--purpose`."
        )
    return purpose


def checked_until(until: datetime | None) -> datetime | None:
    """The end, in UTC, which is to come."""
    if until is None:
        return None
    if until.tzinfo is None:
        raise InvalidGrantError(f"The end {until.isoformat()} has no time zone. Give it as 2027-01-31T00:00:00Z.")
    if until <= datetime.now(UTC):
        raise InvalidGrantError(f"The end {until.isoformat()} lies in the past. Give one to come, or revoke the grant.")
    return until.astimezone(UTC)
