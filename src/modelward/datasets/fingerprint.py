# SPDX-License-Identifier: Apache-2.0
r"""The fingerprint of a table: a digest of its column names, types and values, in order, whatever file it came in.

Version `mwfp1`. SHA-256 over, all integers little endian and 8 bytes: the bytes `mwfp1\n`; the number of rows; the number of
columns; then for each column: the length of its name and the name (UTF-8); the length of its type and the type; one byte a row,
1 where the value is missing; and the values:

- number: IEEE 754 binary64, 0 where missing, and never minus zero;
- boolean: one byte, 1 for true, 0 where missing;
- date: microseconds since 1970-01-01 (UTC), 0 where missing;
- text: for each row the length in bytes of its UTF-8, 0 where missing; then all the UTF-8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_OPENING = b"mwfp1\n"


def fingerprint(table: pl.DataFrame) -> str:
    """The fingerprint of a recognised table: 64 hexadecimal digits."""
    digest = hashlib.sha256(_OPENING + _size(table.height) + _size(table.width))
    for values in table.get_columns():
        word, as_bytes = _TYPES[str(values.dtype.base_type())]
        for text in (values.name, word):
            digest.update(_size(len(text.encode())) + text.encode())
        digest.update(values.is_null().to_numpy().astype("u1").tobytes())
        digest.update(as_bytes(values))
    return digest.hexdigest()


def _size(number: int) -> bytes:
    return number.to_bytes(8, "little")


def _numbers(values: pl.Series) -> bytes:
    # Adding zero turns minus zero into zero.
    return (values.fill_null(0.0).to_numpy() + 0.0).astype("<f8").tobytes()


def _booleans(values: pl.Series) -> bytes:
    return values.fill_null(value=False).to_numpy().astype("u1").tobytes()


def _dates(values: pl.Series) -> bytes:
    return values.to_physical().fill_null(0).to_numpy().astype("<i8").tobytes()


def _words(values: pl.Series) -> bytes:
    filled = values.fill_null("")
    return filled.str.len_bytes().to_numpy().astype("<i8").tobytes() + "".join(filled.to_list()).encode()


# By the name of the type in Polars, which is not loaded for this.
_TYPES: dict[str, tuple[str, Callable[[pl.Series], bytes]]] = {
    "Float64": ("number", _numbers),
    "Boolean": ("boolean", _booleans),
    "Datetime": ("date", _dates),
    "String": ("text", _words),
}
