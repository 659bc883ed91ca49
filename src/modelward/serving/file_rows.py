# SPDX-License-Identifier: Apache-2.0
"""Rows of named features in a file: JSON as the API takes it, JSON lines, or a table."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from modelward.datasets import ColumnKind, parse_table
from modelward.errors import InvalidError
from modelward.registry import json_hint

if TYPE_CHECKING:
    import polars as pl

    from modelward.registry import Feature

_JSON, _LINES = ".json", ".jsonl"
_NAMES_LOOKED_AT = 100


class RowsFileError(InvalidError):
    """The file holds no rows."""


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows of a file in their order. `ignored` are the columns that the model does not know; the rows go without them. `names`
    are those of the files, where each row is one.
    """

    ignored: tuple[str, ...]
    _held: list[dict[str, Any]] | pl.DataFrame
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._held)

    def part(self, start: int, rows: int) -> list[dict[str, Any]]:
        """At most so many rows from `start` on."""
        chosen = self._held[start : start + rows]
        return chosen if isinstance(chosen, list) else chosen.to_dicts()

    def all(self) -> list[dict[str, Any]]:
        """Every row."""
        return self.part(0, len(self))


def kinds_of(features: Sequence[Feature]) -> dict[str, ColumnKind]:
    """What the columns of a file are, by the features of the model that they are for."""
    return {feature.name: _KINDS.get(feature.kind) or ColumnKind(feature.kind) for feature in features}


# In a file a sequence is a list as JSON writes it.
_KINDS = {"sequence": ColumnKind.TEXT}


def sequences_of(features: Sequence[Feature]) -> list[str]:
    """The names of the features that are sequences."""
    return [feature.name for feature in features if feature.kind == "sequence"]


def with_lists(rows: list[dict[str, Any]], names: Collection[str]) -> list[dict[str, Any]]:
    """The rows with lists for texts under these names of sequences: a field of a table holds one as JSON. What is none is left as
    it is, and refused with the row and the feature.
    """
    return [{name: _listed(value) if name in names else value for name, value in row.items()} for row in rows] if names else rows


def _listed(value: Any) -> Any:
    if value is None:
        return []
    try:
        return msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return value


def rows_of_file(file: Path, data: bytes, *, kinds: Mapping[str, ColumnKind]) -> FileRows:
    """The rows in `data`, the content of `file`: a JSON list of objects or `{"rows": [...]}` (.json), an object on each line
    (.jsonl), or a CSV, Excel or Parquet table.

    `kinds` says what each feature of the model is: in a table, what is a category is text, however it looks, and of a text only an
    empty field is missing. Columns of another name are left out; where `kinds` is empty, none is.

    Raises:
        RowsFileError: the JSON is of another shape, or there is no row. UnreadableFileError, UnusableTableError: it is no table.
    """
    is_json = file.suffix.lower() in (_JSON, _LINES)
    found = _of_json(file, data, kinds) if is_json else _of_table(file, data, kinds)
    if not len(found):
        raise RowsFileError(f"{file.name} holds no rows. Write at least one.")
    return found


def _of_json(file: Path, data: bytes, kinds: Mapping[str, ColumnKind]) -> FileRows:
    is_lines = file.suffix.lower() == _LINES
    try:
        held = msgspec.json.Decoder().decode_lines(data) if is_lines else msgspec.json.decode(data)
        rows = msgspec.convert(held["rows"] if isinstance(held, dict) else held, list[dict[str, Any]])
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, UnicodeDecodeError, RecursionError):
        shape = "a JSON object on each line" if is_lines else 'a JSON list of objects, or {"rows": [...]}'
        # What the decoder says may quote a row.
        raise RowsFileError(f"{file.name} must hold {shape}. {json_hint(data)}".rstrip()) from None
    ignored = dict.fromkeys(name for row in rows for name in row if kinds and name not in kinds)
    return FileRows(tuple(ignored), [{name: row[name] for name in row if name not in ignored} for row in rows] if ignored else rows)


def _of_table(file: Path, data: bytes, kinds: Mapping[str, ColumnKind]) -> FileRows:
    table = parse_table(file, data, kinds=kinds, besides=(_JSON, _LINES))
    known = [name for name in table.columns if not kinds or name in kinds]
    if not known:
        raise RowsFileError(f"No column of {file.name} is a feature of the model. Its features are: {', '.join(kinds)}.")
    ignored = [name for name in table.columns if name not in known]
    _check_spelling(file, ignored, lacking=[name for name in kinds if name not in known])
    return FileRows(tuple(ignored), table.select(known))


def _check_spelling(file: Path, ignored: Sequence[str], *, lacking: Sequence[str]) -> None:
    """A column that the model does not know is left out, unless it is likely to be one that the model lacks."""
    for name in lacking[:_NAMES_LOOKED_AT]:
        near = difflib.get_close_matches(name, ignored[:_NAMES_LOOKED_AT], n=1)
        if near:
            raise RowsFileError(
                f"{file.name} has no column {name!r}, which the model takes, and one called {near[0][:100]!r}. If that is meant, "
                f"call it {name!r}."
            )
