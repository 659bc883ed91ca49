# SPDX-License-Identifier: Apache-2.0
"""Reads two files of lines as one table: line by line what is read and what is to be written, as parallel texts come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelward.datasets.dataset import UnreadableFileError
from modelward.datasets.readers import READERS
from modelward.datasets.reading import read_bytes, recognised
from modelward.datasets.table import KeptTable
from modelward.storage import Scratch


def are_parallel(files: Sequence[Path]) -> bool:
    """Whether these are two files of lines, such as `news.en` and `news.de`: their endings differ, and no table has them."""
    endings = [_ending(file) for file in files]
    return len(set(endings)) == len(endings) == 2 and not {"", *READERS.names()}.intersection(endings)


def read_parallel(files: Sequence[Path], *, limit_bytes: int, scratch: Scratch) -> KeptTable:
    """A table of two columns named like the endings of the files, and a row for each line. An empty line is a missing value.

    Raises:
        UnreadableFileError: see `read_table`; or one has more lines than the other, or is no text in UTF-8.
        FileTooLargeError: the files together pass `limit_bytes`.
    """
    import polars as pl

    texts: dict[str, list[str]] = {}
    for file in files:
        data = read_bytes(file, limit_bytes=limit_bytes)
        limit_bytes -= len(data)
        texts[_ending(file)] = _lines(file, data)
    first, second = (len(lines) for lines in texts.values())
    if first != second:
        raise UnreadableFileError(
            f"{files[0].name} has {first:,} lines and {files[1].name} has {second:,}, so they cannot be paired line by line. Each "
            "line of one needs its line in the other, an empty one where there is none."
        )
    raw = KeptTable(scratch)
    raw.append(pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)))
    return recognised(raw, scratch)


def _ending(file: Path) -> str:
    return file.suffix.lower().removeprefix(".")


def _lines(file: Path, data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise UnreadableFileError(f"{file.name} is no text in UTF-8. Save it in UTF-8.") from wrong
    # Only these end a line: other tools do not count a form feed or a Unicode separator as one.
    return text.removesuffix("\n").replace("\r\n", "\n").split("\n")
