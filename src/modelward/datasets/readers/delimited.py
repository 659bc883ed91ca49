# SPDX-License-Identifier: Apache-2.0
"""Text files of values between delimiters: CSV, TSV and their kin (RFC 4180, with the delimiter found out)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import BinaryIO, TextIO

import polars as pl

from modelward.datasets.dataset import FIELD_LIMIT_CHARACTERS, UnreadableFileError
from modelward.datasets.encoding import encoding_of
from modelward.datasets.layout import checked_names

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_ROWS = 100
_SAMPLE_CHARACTERS = 1 << 18
_BATCH_ROWS = 50_000
csv.field_size_limit(FIELD_LIMIT_CHARACTERS)


class DelimitedReader:
    """Reads every value as text. One parser does it all, so that what is checked and what is read cannot differ."""

    starts = ()

    def read(self, file: BinaryIO, *, source: str) -> Iterator[pl.DataFrame]:
        """See `Reader.read`."""
        encoding = encoding_of(file, source=source)
        file.seek(0)
        text = io.TextIOWrapper(file, encoding=encoding, newline="")
        try:
            yield from _parts(text, source=source)
        except csv.Error as broken:
            raise UnreadableFileError(
                f"{source} is not well-formed: {broken}. A quotation mark that is never closed is the usual cause; longer series "
                "and texts are read from Parquet."
            ) from broken
        finally:
            # Whoever opened the file closes it.
            text.detach()


def _parts(text: TextIO, *, source: str) -> Iterator[pl.DataFrame]:
    delimiter = _delimiter(text.read(_SAMPLE_CHARACTERS + 1))
    text.seek(0)
    rows = _rows(text, delimiter)
    _, header = next(rows, (0, []))
    if not header:
        raise UnreadableFileError(f"{source} is empty. Write a row of column names, and one row per record.")
    names, is_empty = checked_names(header, source=source), True
    while batch := list(islice(rows, _BATCH_ROWS)):
        is_empty = False
        yield _table(names, batch, source=source)
    if is_empty:
        raise UnreadableFileError(f"{source} has a row of column names and no rows under it. Add the data.")


def _delimiter(text: str) -> str:
    """The delimiter of a file that begins with `text`: the one that gives the most columns among those with which every row has
    as many; else the one of the header.
    """
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
        for _, row in islice(_rows(io.StringIO(sample, newline=""), delimiter), _SAMPLE_ROWS):
            widths.append(len(row))  # what was found before the error counts
    return widths


def _rows(text: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row; blank lines are passed over."""
    lines = csv.reader(text, delimiter=delimiter, skipinitialspace=True, strict=True)
    for row in lines:
        if row and row != [""]:
            yield lines.line_num, row


def _table(names: list[str], batch: list[tuple[int, list[str]]], *, source: str) -> pl.DataFrame:
    for line, row in batch:
        if len(row) != len(names):
            raise UnreadableFileError(
                f"{source}, line {line:,}: {len(row)} values, and the first row names {len(names)} columns. Mend that line; "
                "a value that holds the delimiter belongs in quotation marks."
            )
    values = zip(*(row for _, row in batch), strict=True)
    return pl.DataFrame([pl.Series(name, column, dtype=pl.String) for name, column in zip(names, values, strict=True)])
