# SPDX-License-Identifier: Apache-2.0
"""Text files of values between delimiters: CSV, TSV and their kin (RFC 4180, with the delimiter found out)."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import BinaryIO, TextIO

import polars as pl

from modelward.datasets.dataset import FIELD_LIMIT_CHARACTERS, UnreadableFileError
from modelward.datasets.layout import checked_names

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_ROWS = 100
_SAMPLE_CHARACTERS = 1 << 18
_BATCH_ROWS = 50_000
_BLOCK_BYTES = 1 << 20
csv.field_size_limit(FIELD_LIMIT_CHARACTERS)
# What is written in Chinese is nearly all in GB 2312, of which GB 18030 is the extension; Latin text read as GB 18030 is not.
_LEAST_SHARE_GB2312 = 0.9


class DelimitedReader:
    """Reads every value as text. One parser does it all, so that what is checked and what is read cannot differ."""

    starts = ()

    def read(self, file: BinaryIO, *, source: str) -> Iterator[pl.DataFrame]:
        """See `Reader.read`."""
        encoding = _encoding(file, source=source)
        file.seek(0)
        text = io.TextIOWrapper(file, encoding=encoding, newline="")
        try:
            yield from _parts(text, source=source)
        except csv.Error as broken:
            raise UnreadableFileError(
                f"{source} is not well-formed: {broken}. A quotation mark that is never closed is the usual cause."
            ) from broken
        finally:
            # Whoever opened the file closes it.
            text.detach()


def _encoding(file: BinaryIO, *, source: str) -> str:
    """In what the whole file is written."""
    is_first, wrong, place = True, None, 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for data in _blocks(file):
        if is_first and data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableFileError(f"{source} is UTF-16. Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 {source}`.")
        if b"\0" in data:
            raise UnreadableFileError(f"{source} is not text: it holds zero bytes. Save the table as CSV, Excel or Parquet.")
        if wrong is None:
            wrong = _fault(decoder, data, place)
        place, is_first = place + len(data), False
    if wrong is None:
        wrong = _fault(decoder, b"", place, is_last=True)
    if wrong is None:
        return "utf-8-sig"
    if not _is_gb18030(file):
        raise UnreadableFileError(
            f"{source} is not UTF-8 (byte {wrong:,}), nor Chinese in GB 18030. Convert it to UTF-8, for instance from "
            f"Western European: `iconv -f WINDOWS-1252 -t UTF-8 {source}`."
        )
    return "gb18030"


def _fault(decoder: codecs.IncrementalDecoder, data: bytes, place: int, *, is_last: bool = False) -> int | None:
    """Where in the file the first byte stands that is no UTF-8, if there is one in `data`, which stands at `place`."""
    pending, _ = decoder.getstate()
    try:
        decoder.decode(data, is_last)
    except UnicodeDecodeError as wrong:
        return place - len(pending) + wrong.start
    return None


def _is_gb18030(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("gb18030")()
    beyond = common = 0
    try:
        for data in itertools.chain(_blocks(file), [b""]):
            words = re.sub(r"[\x00-\x7f]+", "", decoder.decode(data, not data))
            beyond += len(words)
            common += len(words.encode("gb2312", "ignore")) // 2
    except UnicodeDecodeError:
        return False
    return common >= _LEAST_SHARE_GB2312 * beyond


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(partial(file.read, _BLOCK_BYTES), b"")


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
