# SPDX-License-Identifier: Apache-2.0
"""Excel workbooks with one sheet of data."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

import fastexcel
import polars as pl

from modelward.datasets.dataset import UnreadableFileError
from modelward.datasets.layout import checked_names, quoted

UNPACKED_LIMIT_BYTES = 2 << 30
_OLD_CONTAINER = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class ExcelReader:
    """Reads .xlsx, .xlsm and .xls. Formulas are not run: a cell has the value that was saved with it."""

    starts = (b"PK\x03\x04", _OLD_CONTAINER)

    def read(self, file: BinaryIO, *, source: str) -> Iterator[pl.DataFrame]:
        """See `Reader.read`. Its container is read whole."""
        data = file.read()
        try:
            _check_container(data, source=source)
            workbook = fastexcel.read_excel(data)
            sheet = _sheet(workbook, source=source)
            header = workbook.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string").to_polars()
            table = workbook.load_sheet(sheet, schema_sample_rows=None, skip_whitespace_tail_rows=True).to_polars()
        except (fastexcel.FastExcelError, zipfile.BadZipFile) as broken:
            raise UnreadableFileError(
                f"{source} is not a whole Excel workbook. Open it in a spreadsheet program and save it again."
            ) from broken
        # The library gives columns that share a name new names; what stands in the file is checked instead.
        table.columns = checked_names(header.row(0), source=source)
        yield table


def _check_container(data: bytes, *, source: str) -> None:
    if data.startswith(_OLD_CONTAINER):
        if _ENCRYPTED in data:
            raise UnreadableFileError(f"{source} is protected with a password. Save it without one.")
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > UNPACKED_LIMIT_BYTES:
        raise UnreadableFileError(
            f"{source} unpacks to {unpacked:,} bytes; at most {UNPACKED_LIMIT_BYTES:,} are read. Save it as Parquet."
        )


def _sheet(workbook: fastexcel.ExcelReader, *, source: str) -> str:
    filled = [name for name in workbook.sheet_names if workbook.load_sheet(name, header_row=None, n_rows=1).width]
    if len(filled) > 1:
        raise UnreadableFileError(f"{source} has {len(filled)} sheets with cells in them: {quoted(filled)}. Keep the one to read.")
    if not filled:
        raise UnreadableFileError(f"{source} has no cells. Save the sheet with its data.")
    return filled[0]
