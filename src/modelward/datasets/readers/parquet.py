# SPDX-License-Identifier: Apache-2.0
"""Parquet files."""

from __future__ import annotations

import io

import polars as pl

from modelward.datasets.dataset import UnreadableFileError
from modelward.datasets.layout import checked_names

CELLS_LIMIT = 200_000_000


class ParquetReader:
    """Reads Parquet. Its size is checked before anything is unpacked: a small file can hold very many rows."""

    starts = (b"PAR1",)

    def read(self, data: bytes, *, source: str) -> pl.DataFrame:
        """See `Reader.read`."""
        try:
            names = checked_names(list(pl.read_parquet_schema(io.BytesIO(data))), source=source)
            rows = int(pl.scan_parquet(io.BytesIO(data)).select(pl.len()).collect().item())
            if rows * len(names) > CELLS_LIMIT:
                raise UnreadableFileError(
                    f"{source} has {rows:,} rows of {len(names):,} columns; at most {CELLS_LIMIT:,} values are read. "
                    "Register a part of it."
                )
            table = pl.read_parquet(io.BytesIO(data))
        except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException) as broken:
            raise UnreadableFileError(
                f"{source} is not a whole Parquet file, or is encrypted. Write it again from where it comes from."
            ) from broken
        table.columns = names
        return table
