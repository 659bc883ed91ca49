# SPDX-License-Identifier: Apache-2.0
"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from modelward.datasets.dataset import UnreadableFileError
from modelward.datasets.layout import checked_names

CELLS_LIMIT = 200_000_000
_BATCH_ROWS = 1 << 18


class ParquetReader:
    """Reads Parquet. Its size is checked before anything is unpacked: a small file can hold very many rows."""

    starts = (b"PAR1",)

    def read(self, file: BinaryIO, *, source: str) -> Iterator[pl.DataFrame]:
        """See `Reader.read`."""
        try:
            table = pl.scan_parquet(file)
            names = checked_names(list(table.collect_schema()), source=source)
            rows = int(table.select(pl.len()).collect().item())
            if rows * len(names) > CELLS_LIMIT:
                raise UnreadableFileError(
                    f"{source} has {rows:,} rows of {len(names):,} columns; at most {CELLS_LIMIT:,} values are read. "
                    "Register a part of it."
                )
            for start in range(0, max(rows, 1), _BATCH_ROWS):
                part = table.slice(start, _BATCH_ROWS).collect()
                part.columns = names
                yield part
        except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException) as broken:
            raise UnreadableFileError(
                f"{source} is not a whole Parquet file, or is encrypted. Write it again from where it comes from."
            ) from broken
