# SPDX-License-Identifier: Apache-2.0
"""Text files of values between delimiters: CSV, TSV and their kin (RFC 4180, with the delimiter found out)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import polars as pl

from modelward.datasets.dataset import FIELD_LIMIT_CHARACTERS, UnreadableFileError
from modelward.datasets.layout import checked_names

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_ROWS = 100
_SAMPLE_CHARACTERS = 1 << 18
_BATCH_ROWS = 50_000
csv.field_size_limit(FIELD_LIMIT_CHARACTERS)
# What is written in Chinese is nearly all in GB 2312, of which GB 18030 is the extension; Latin text read as GB 18030 is not.
_LEAST_SHARE_GB2312 = 0.9


class DelimitedReader:
    """Reads every value as text. One parser does it all, so that what is checked and what is read cannot differ."""

    starts = ()

    def read(self, data: bytes, *, source: str) -> pl.DataFrame:
        """See `Reader.read`."""
        text = _decoded(data, source=source)
        delimiter = _delimiter(text)
        rows = _rows(text, delimiter)
        try:
            _, header = next(rows, (0, []))
            if not header:
                raise UnreadableFileError(f"{source} is empty. Write a row of column names, and one row per record.")
            names = checked_names(header, source=source)
            return _table(names, rows, source=source)
        except csv.Error as broken:
            raise UnreadableFileError(
                f"{source} is not well-formed: {broken}. A quotation mark that is never closed is the usual cause."
            ) from broken


def _decoded(data: bytes, *, source: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFileError(f"{source} is UTF-16. Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 {source}`.")
    if b"\0" in data:
        raise UnreadableFileError(f"{source} is not text: it holds zero bytes. Save the table as CSV, Excel or Parquet.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        text = _as_gb18030(data)
        if text is None:
            raise UnreadableFileError(
                f"{source} is not UTF-8 (byte {wrong.start:,}), nor Chinese in GB 18030. Convert it to UTF-8, for instance from "
                f"Western European: `iconv -f WINDOWS-1252 -t UTF-8 {source}`."
            ) from wrong
        return text


def _as_gb18030(data: bytes) -> str | None:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    beyond = re.sub(r"[\x00-\x7f]+", "", text)
    common = len(beyond.encode("gb2312", "ignore")) / 2
    return text if common >= _LEAST_SHARE_GB2312 * len(beyond) else None


def _delimiter(text: str) -> str:
    """The delimiter that gives the most columns among those with which every row has as many; else the one of the header."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    widths = {delimiter: _widths(sample, delimiter) for delimiter in DELIMITERS}
    even = [delimiter for delimiter, found in widths.items() if found and set(found) == {found[0]} and found[0] > 1]
    return max(even or DELIMITERS, key=lambda delimiter: widths[delimiter][0] if widths[delimiter] else 0)


def _widths(sample: str, delimiter: str) -> list[int]:
    """How many fields the first rows have; those before what is not well-formed, where something is not."""
    widths: list[int] = []
    with suppress(csv.Error):
        for _, row in islice(_rows(sample, delimiter), _SAMPLE_ROWS):
            widths.append(len(row))  # what was found before the error counts
    return widths


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row; blank lines are passed over."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    for row in lines:
        if row and row != [""]:
            yield lines.line_num, row


def _table(names: list[str], rows: Iterator[tuple[int, list[str]]], *, source: str) -> pl.DataFrame:
    parts = []
    while batch := list(islice(rows, _BATCH_ROWS)):
        for line, row in batch:
            if len(row) != len(names):
                raise UnreadableFileError(
                    f"{source}, line {line:,}: {len(row)} values, and the first row names {len(names)} columns. Mend that line; "
                    "a value that holds the delimiter belongs in quotation marks."
                )
        values = zip(*(row for _, row in batch), strict=True)
        parts.append(pl.DataFrame([pl.Series(name, column, dtype=pl.String) for name, column in zip(names, values, strict=True)]))
    if not parts:
        raise UnreadableFileError(f"{source} has a row of column names and no rows under it. Add the data.")
    return pl.concat(parts)
