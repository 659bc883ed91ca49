# SPDX-License-Identifier: Apache-2.0
"""What reads one format of data file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl


class Reader(Protocol):
    """Turns the bytes of one file into a raw table: its columns by name, its values as the format holds them.

    A reader MUST refuse what it cannot read whole: no row, cell or column is dropped or mended in silence. It MUST NOT run
    anything that lies in the file, and a message MUST NOT hold a value out of a row.

    `starts` are the bytes that such a file may begin with; none of a format that has no such mark.
    """

    starts: tuple[bytes, ...]

    def read(self, data: bytes, *, source: str) -> pl.DataFrame:
        """The raw table in `data`; `source` is what messages call the file.

        Raises:
            UnreadableFileError: the bytes are not such a file, or not wholly.
        """
        ...
