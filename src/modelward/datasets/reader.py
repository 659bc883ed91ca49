# SPDX-License-Identifier: Apache-2.0
"""What reads one format of data file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    import polars as pl


class Reader(Protocol):
    """Turns one file into a raw table: its columns by name, its values as the format holds them.

    A reader MUST refuse what it cannot read whole: no row, cell or column is dropped or mended in silence. It MUST NOT run
    anything that lies in the file, and a message MUST NOT hold a value out of a row.

    `starts` are the bytes that such a file may begin with; none of a format that has no such mark.
    """

    starts: tuple[bytes, ...]

    def read(self, file: BinaryIO, *, source: str) -> Iterator[pl.DataFrame]:
        """The raw table in `file`, some of its rows at a time and at least once; all parts have the same columns of the same types.

        `file` stands at its beginning and can be read again; `source` is what messages call it.

        Raises:
            UnreadableFileError: it is no such file, or not wholly. Parts that were given before are then of no use.
        """
        ...
