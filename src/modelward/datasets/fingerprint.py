# SPDX-License-Identifier: Apache-2.0
r"""The fingerprint of a table: a digest of its column names, types and values, in order, whatever file it came in.

Version `mwfp1`. SHA-256 over, all integers little endian and 8 bytes: the bytes `mwfp1\n`; the number of rows; the number of
columns; then for each column: the length of its name and the name (UTF-8); the length of its type and the type; one byte a row,
1 where the value is missing; and the values:

- number: IEEE 754 binary64, 0 where missing, and never minus zero;
- boolean: one byte, 1 for true, 0 where missing;
- date: microseconds since 1970-01-01 (UTC), 0 where missing;
- text, and series as JSON writes them: for each row the length in bytes of its UTF-8, 0 where missing; then all the UTF-8;
- image: for each row the length in bytes of its file, 0 where missing; then all the files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from modelward.datasets.table import Table

if TYPE_CHECKING:
    import polars as pl

_OPENING = b"mwfp1\n"
_ROWS_AT_ONCE = 1 << 18


def fingerprint(table: Table) -> str:
    """The fingerprint of a recognised table: 64 hexadecimal digits."""
    names = table.columns
    digest = hashlib.sha256(_OPENING + _size(table.height) + _size(len(names)))
    for values in map(table.get_column, names):
        word, as_bytes = _TYPES[str(values.dtype.base_type())]
        for text in (values.name, word):
            digest.update(_size(len(text.encode())) + text.encode())
        digest.update(values.is_null().to_numpy().astype("u1").tobytes())
        for piece in as_bytes(values):
            digest.update(piece)
    return digest.hexdigest()


def _size(number: int) -> bytes:
    return number.to_bytes(8, "little")


def _numbers(values: pl.Series) -> Iterator[bytes]:
    for part in _pieces(values):
        # Adding zero turns minus zero into zero.
        yield (part.fill_null(0.0).to_numpy() + 0.0).astype("<f8").tobytes()


def _booleans(values: pl.Series) -> Iterator[bytes]:
    for part in _pieces(values):
        yield part.fill_null(value=False).to_numpy().astype("u1").tobytes()


def _dates(values: pl.Series) -> Iterator[bytes]:
    for part in _pieces(values):
        yield part.to_physical().fill_null(0).to_numpy().astype("<i8").tobytes()


def _words(values: pl.Series) -> Iterator[bytes]:
    for part in _pieces(values):
        yield part.fill_null("").str.len_bytes().to_numpy().astype("<i8").tobytes()
    for part in _pieces(values):
        yield "".join(part.fill_null("").to_list()).encode()


def _pieces(values: pl.Series) -> Iterator[pl.Series]:
    return (values[start : start + _ROWS_AT_ONCE] for start in range(0, len(values), _ROWS_AT_ONCE))


def _images(values: pl.Series) -> Iterator[bytes]:
    for part in _pieces(values):
        yield part.fill_null(b"").bin.size().to_numpy().astype("<i8").tobytes()
    for part in _pieces(values):
        yield b"".join(part.fill_null(b"").to_list())


# By the name of the type in Polars, which is not loaded for this.
_TYPES: dict[str, tuple[str, Callable[[pl.Series], Iterator[bytes]]]] = {
    "Float64": ("number", _numbers),
    "Boolean": ("boolean", _booleans),
    "Datetime": ("date", _dates),
    "String": ("text", _words),
    "Binary": ("image", _images),
}
