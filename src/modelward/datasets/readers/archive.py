# SPDX-License-Identifier: Apache-2.0
"""Zip archives of images or texts, in folders named after their classes. Nothing is unpacked to disk."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from modelward.datasets.class_folders import Labelled, classes_of, is_litter, parts_of
from modelward.datasets.dataset import UnreadableFileError
from modelward.images import SIZE_LIMIT_BYTES

if TYPE_CHECKING:
    import polars as pl

UNPACKED_LIMIT_BYTES = 2 << 30
_ENCRYPTED = 1
_PACKED_AS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class ArchiveReader:
    """Reads a zip. Its size is checked before anything is unpacked: a small archive can hold very much."""

    starts = (b"PK\x03\x04", b"PK\x05\x06")

    def read(self, file: BinaryIO, *, source: str) -> Iterator[pl.DataFrame]:
        """See `Reader.read`."""
        try:
            with zipfile.ZipFile(file) as archive:
                members = [each for each in archive.infolist() if not each.is_dir() and not is_litter(PurePosixPath(each.filename))]
                _check(members, source=source)
                labels = classes_of([PurePosixPath(each.filename) for each in members], source=source)
                yield from parts_of(_unpacked(archive, members, labels))
        # What else an archive can be wrong in, the library tells by errors of many kinds.
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error) as broken:
            if isinstance(broken, UnreadableFileError):
                raise
            raise UnreadableFileError(f"{source} is not a whole zip archive. Pack it again.") from broken


def _check(members: Sequence[zipfile.ZipInfo], *, source: str) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > UNPACKED_LIMIT_BYTES:
        raise UnreadableFileError(f"{source} unpacks to {unpacked:,} bytes; at most {UNPACKED_LIMIT_BYTES:,} are read. Split it.")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise UnreadableFileError(f"{source} is protected with a password. Pack it without one.")
    if large := next((member for member in members if member.file_size > SIZE_LIMIT_BYTES), None):
        raise UnreadableFileError(
            f"The file {large.filename} has {large.file_size:,} bytes; at most {SIZE_LIMIT_BYTES:,} are read. Make it smaller."
        )
    # Of the other ways a little is not unpacked without unpacking very much.
    if any(member.compress_type not in _PACKED_AS for member in members):
        raise UnreadableFileError(f"{source} is packed in an unusual way. Pack it with the usual one, deflate.")


def _unpacked(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], labels: Sequence[str]) -> Iterator[Labelled]:
    for member, label in zip(members, labels, strict=True):
        # However much lies there, no more is unpacked than the archive says.
        with archive.open(member) as file:
            yield Labelled(member.filename, label, file.read(member.file_size))
