# SPDX-License-Identifier: Apache-2.0
"""Rows of named features from a file: JSON as the API takes it, or a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from modelward.entrances.cli.desk import Desk
from modelward.errors import InvalidError, RefusedError, TooLargeError

if TYPE_CHECKING:
    from modelward.datasets import ColumnKind

_LIMIT_BYTES = 64 << 20


class RowsFileError(InvalidError):
    """The file holds no rows."""


class RowsFileTooLargeError(TooLargeError):
    """The file is larger than what is asked about row by row."""


def read_rows(desk: Desk, model: str, file: Path) -> list[dict[str, Any]]:
    """The rows of `file`: a JSON list of objects, `{"rows": [...]}`, or a CSV, Excel or Parquet table.

    A table is read as the model's features are: what is a category is text, however it looks, and other columns are left out.

    Raises:
        RowsFileError: the JSON is of another shape. Whatever reading a table raises.
    """
    return _of_json(file) if file.suffix.lower() == ".json" else _of_table(desk, model, file)


def _of_json(file: Path) -> list[dict[str, Any]]:
    if file.stat().st_size > _LIMIT_BYTES:
        raise RowsFileTooLargeError(f"{file.name} is larger than {_LIMIT_BYTES >> 20} MiB. Ask about fewer rows.")
    try:
        held = msgspec.json.decode(file.read_bytes())
        return msgspec.convert(held["rows"] if isinstance(held, dict) else held, list[dict[str, Any]])
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, UnicodeDecodeError, RecursionError) as wrong:
        raise RowsFileError(f'{file.name} must hold a JSON list of objects, or {{"rows": [...]}}.') from wrong


def _of_table(desk: Desk, model: str, file: Path) -> list[dict[str, Any]]:
    from modelward.datasets import read_table

    kinds = _kinds(desk, model)
    table = read_table([file], limit_bytes=_LIMIT_BYTES, kinds=kinds)
    known = [name for name in table.columns if name in kinds] if kinds else table.columns
    return list(table.select(known).to_dicts())


def _kinds(desk: Desk, model: str) -> dict[str, ColumnKind]:
    """What each feature of the model is; nothing for an owner of a key who may ask the model and not look at releases."""
    from modelward.datasets import ColumnKind

    if desk.is_remote:
        made_up = desk.house.serving.made_up_row(model.partition(":")[0])
        return {name: ColumnKind.CATEGORY if isinstance(value, str) else ColumnKind.NUMBER for name, value in made_up.items()}
    try:
        features = desk.house.registry.find(desk.version(model), by=desk.actor).interface.features
    except RefusedError:
        return {}
    return {each.name: ColumnKind.NUMBER if each.kind == "number" else ColumnKind.CATEGORY for each in features}
