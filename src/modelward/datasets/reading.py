# SPDX-License-Identifier: Apache-2.0
"""Reads data files into one table: what a file is follows from its name and its content, which must agree."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from modelward.datasets.class_folders import Labelled, files_below, is_image, parts_of
from modelward.datasets.dataset import ColumnKind, FileTooLargeError, UnreadableFileError
from modelward.datasets.layout import quoted
from modelward.datasets.reader import Reader
from modelward.datasets.readers import READERS
from modelward.datasets.table import KeptTable
from modelward.storage import Scratch

if TYPE_CHECKING:
    import polars as pl

_DELIMITED = frozenset({".csv", ".tsv", ".txt", ".data"})
_BLANK_BYTES, _START_BYTES = 1 << 16, 64
_STARTS = {
    b"PAR1": "Parquet",
    b"PARE": "encrypted Parquet",
    b"PK\x03\x04": "Excel (or another zip archive)",
    b"\xd0\xcf\x11\xe0": "Excel (old or protected with a password)",
    b"\x1f\x8b": "gzip",
    b"%PDF": "PDF",
    b"SQLite format 3": "an SQLite database",
}


def read_table(files: Sequence[Path], *, limit_bytes: int, scratch: Scratch) -> KeptTable:
    """The table in `files`, which have one layout and are stacked in the order given, with its columns' kinds recognised.

    Numbers come as Float64, booleans as Boolean, dates as Datetime in microseconds, everything else as String; missing values
    as null. The files are read some rows at a time, and the rows are put aside in `scratch`, where the table lies.

    Raises:
        UnreadableFileError: a file is not there, not a plain file, not what its name says, or not a well-formed table.
        FileTooLargeError: the files together pass `limit_bytes`.
        UnusableTableError: a column holds infinity, or a type that no kind fits.
    """
    if not files:
        raise UnreadableFileError("No file was given. Name one or more files of one layout.")
    raw, total = KeptTable(scratch), 0
    names: list[str] = []
    for file in files:
        with _read(file, limit_bytes=limit_bytes - total) as (parts, size):
            for part in parts:
                names = names or part.columns
                _check_columns(file, part.columns)
                _check_same_layout(file, part.columns, files[0], names)
                raw.append(part)
            total += size()
    return recognised(raw, scratch)


@contextmanager
def _read(file: Path, *, limit_bytes: int) -> Iterator[tuple[Iterator[pl.DataFrame], Callable[[], int]]]:
    """The parts of a file, or of a folder of images or texts; and how many bytes those read so far have."""
    if _is_folder(file):
        sizes: list[int] = []
        yield parts_of(_labelled(file, sizes, limit_bytes=limit_bytes)), lambda: sum(sizes)
        return
    with opened(file, limit_bytes=limit_bytes) as stream:
        size = _size(file, stream)
        # Whoever stops in the middle, at a part that does not fit, leaves no reader behind that holds on to a closed file.
        with closing(_parts(file, stream)) as parts:
            yield parts, lambda: size


def _is_folder(file: Path) -> bool:
    # A path that holds a zero byte is refused by name, a link as such.
    with suppress(ValueError, OSError):
        return file.is_dir() and not file.is_symlink()
    return False


def _labelled(folder: Path, sizes: list[int], *, limit_bytes: int) -> Iterator[Labelled]:
    """The files in the folders of their classes; the size of each is put into `sizes`."""
    left = limit_bytes
    for place in files_below(folder):
        # A text may be empty.
        with opened(place, limit_bytes=left) as stream:
            data = stream.read()
        sizes.append(len(data))
        left -= len(data)
        yield Labelled(f"{place.parent.name}/{place.name}", place.parent.name, data)


def recognised(raw: KeptTable, scratch: Scratch) -> KeptTable:
    """The table with each column in the type of its kind."""
    from modelward.datasets.recognition import recognised_column

    table = KeptTable(scratch)
    for name in raw.columns:
        values = raw.get_column(name)
        raw.discard(name)
        table.add(recognised_column(values))
    return table


def parse_table(file: Path, data: bytes, *, kinds: Mapping[str, ColumnKind], besides: Sequence[str] = ()) -> pl.DataFrame:
    """As `read_table`, of one file whose bytes were read already, in memory. `kinds` says of some columns what they are, instead of
    letting their values tell; values of another kind are an UnusableTableError. `besides` are endings that the caller reads itself.
    """
    # Polars takes a third of a second to load; a server that reads no files goes without.
    import polars as pl

    from modelward.datasets.recognition import recognise

    return recognise(pl.concat(_parts(file, io.BytesIO(data), besides)), kinds=kinds)


def read_bytes(file: Path, *, limit_bytes: int) -> bytes:
    """All of a plain file; see `opened`.

    Raises:
        UnreadableFileError: it is none, or empty. FileTooLargeError: it passes `limit_bytes`.
    """
    with opened(file, limit_bytes=limit_bytes) as stream:
        _size(file, stream)
        return stream.read()


@contextmanager
def opened(file: Path, *, limit_bytes: int) -> Iterator[BinaryIO]:
    """A plain file to read. It is opened once, so what is checked is what is read; a link, a pipe or a folder is refused.

    Raises:
        UnreadableFileError: it is none, or it changed meanwhile. FileTooLargeError: it passes `limit_bytes`.
    """
    handle = _handle(file)
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        if found.st_size > limit_bytes:
            raise FileTooLargeError(
                f"{file} passes the limit: {found.st_size:,} bytes, and {limit_bytes:,} more may be read. Register a part of it, "
                "or raise the setting `MODELWARD_UPLOAD_LIMIT_BYTES`."
            )
        yield stream
        after = os.fstat(handle)
        if (after.st_size, after.st_mtime_ns) != (found.st_size, found.st_mtime_ns):
            raise UnreadableFileError(f"{file} was changed while it was read. Wait until nobody writes to it, and try again.")


def _size(file: Path, stream: BinaryIO) -> int:
    """The bytes of a file that stands at its beginning, and holds something.

    Raises:
        UnreadableFileError: it holds nothing but white space.
    """
    size = os.fstat(stream.fileno()).st_size
    if not stream.read(_BLANK_BYTES).strip() and size <= _BLANK_BYTES:
        instead = "Save it again, or take it out" if is_image(file) else "Write a row of column names, and one row per record"
        raise UnreadableFileError(f"{file} is empty. {instead}.")
    stream.seek(0)
    return size


def _handle(file: Path) -> int:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as missing:
        raise UnreadableFileError(f"There is no file {file}. Check the path.") from missing
    except ValueError as wrong:  # a zero byte in the path
        raise UnreadableFileError("A path holds a zero byte. Check it.") from wrong
    except OSError as fault:
        if fault.errno in {errno.ELOOP, errno.EMLINK}:
            raise UnreadableFileError(f"{file} is a symbolic link. Name the file it points to.") from fault
        raise UnreadableFileError(f"{file} cannot be opened: {fault.strerror}. Check its permissions.") from fault
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return handle
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise UnreadableFileError(f"{file} is a folder. Name the file in it that holds the table, such as {file / 'table.csv'}.")
    raise UnreadableFileError(f"{file} is not a plain file. Name the file that holds the table.")


def _parts(file: Path, stream: BinaryIO, besides: Sequence[str] = ()) -> Generator[pl.DataFrame]:
    start = stream.read(_START_BYTES)
    stream.seek(0)
    yield from _reader(file, start, besides).read(stream, source=file.name)


def _reader(file: Path, data: bytes, besides: Sequence[str]) -> Reader:
    ending = file.suffix.lower().removeprefix(".")
    if ending not in READERS.names():
        known = ", ".join([*(f".{name}" for name in READERS), *besides])
        raise UnreadableFileError(f"{file.name} ends in none of {known}. Save the table in one of these formats.")
    if data[:1] == b"\x80" and data[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        raise UnreadableFileError(f"{file.name} is a Python pickle, which can run code. It is never opened. Save the table as CSV.")
    reader: Reader = READERS.load(ending)()
    found = next((name for start, name in _STARTS.items() if data.startswith(start)), "")
    if not data.startswith(reader.starts) if reader.starts else found:
        raise UnreadableFileError(
            f"{file.name} is called {file.suffix} and its content is {found or 'something else'}. Give it the ending of what it "
            "is, or save it as CSV."
        )
    return reader


def _check_columns(file: Path, names: list[str]) -> None:
    """Of a table of one column nothing can be learned; most often its delimiter is an unusual one."""
    if len(names) == 1 and file.suffix.lower() in _DELIMITED:
        raise UnreadableFileError(
            f"{file.name} reads as one single column: no comma, semicolon, tab or bar divides its first row. A table has a "
            "target and something to learn it from. Save it with commas between the values."
        )


def _check_same_layout(file: Path, names: list[str], first: Path, wanted: list[str]) -> None:
    if names == wanted:
        return
    lacking = [name for name in wanted if name not in names]
    added = [name for name in names if name not in wanted]
    if not lacking and not added:
        raise UnreadableFileError(f"{file.name} has the columns of {first.name} in another order. Bring them into one order.")
    # What only one of the two files names may be its first row of data, where the row of names is missing.
    raise UnreadableFileError(
        f"{file.name} has another layout than {first.name}: it lacks {quoted(lacking) or 'nothing'}, and {len(added)} of its "
        "columns are not there. Each file needs the same row of column names."
    )
