# SPDX-License-Identifier: Apache-2.0
"""Rows of named features from a file: JSON as the API takes it, or a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from modelward.errors import InvalidError

_LIMIT_BYTES = 64 << 20


class RowsFileError(InvalidError):
    """The file holds no rows."""


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of `file`: a JSON list of objects, `{"rows": [...]}`, or a CSV, Excel or Parquet table.

    Raises:
        RowsFileError: the JSON is of another shape. Whatever reading a table raises.
    """
    if file.suffix.lower() != ".json":
        from modelward.datasets import read_table

        return list(read_table([file], limit_bytes=_LIMIT_BYTES).to_dicts())
    try:
        held = msgspec.json.decode(file.read_bytes())
        return msgspec.convert(held["rows"] if isinstance(held, dict) else held, list[dict[str, Any]])
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, UnicodeDecodeError) as wrong:
        raise RowsFileError(f'{file.name} must hold a JSON list of objects, or {{"rows": [...]}}.') from wrong
