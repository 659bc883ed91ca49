# SPDX-License-Identifier: Apache-2.0
"""Every reader of data files keeps the laws of `Reader`."""

import io
from functools import partial

import polars as pl
import pytest
import xlsxwriter

from modelward.datasets import READERS, UnreadableFileError

# What holds images has columns of its own: tests/datasets/test_images.py.
FORMS = [form for form in READERS.names() if form not in ("npz", "zip")]
TABLE = pl.DataFrame({"name": ["Ulm", "Jena", None], "rows": [1.5, None, 3.0]})


def as_bytes(form: str, table: pl.DataFrame) -> bytes:
    sink = io.BytesIO()
    {"xls": partial(workbook, table), "par": table.write_parquet}.get(form[:3], table.write_csv)(sink)
    return sink.getvalue()


def workbook(table: pl.DataFrame, sink: io.BytesIO) -> None:
    """Cell by cell, as Polars would give a nameless column a name."""
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([table.columns, *table.rows()]):
            sheet.write_row(number, 0, row)


@pytest.mark.parametrize("form", FORMS)
def test_a_reader_gives_every_row_and_every_column_in_order(form):
    read = pl.concat(READERS.load(form)().read(io.BytesIO(as_bytes(form, TABLE)), source="t"))
    assert read.columns == ["name", "rows"]
    assert [value or None for value in read.get_column("name")] == ["Ulm", "Jena", None]
    assert [float(value) if value else None for value in read.get_column("rows")] == [1.5, None, 3.0]


@pytest.mark.parametrize("form", READERS.names())
def test_a_reader_refuses_what_is_no_such_file_and_names_it(form):
    for data in (b"\x80\x04\x95nonsense", bytes(range(256)) * 20):
        with pytest.raises(UnreadableFileError, match=r"people\.data"):
            list(READERS.load(form)().read(io.BytesIO(data), source="people.data"))


@pytest.mark.parametrize("form", FORMS)
def test_a_reader_refuses_a_name_that_is_empty_or_too_long(form):
    for name in ("", "x" * 201):
        data = as_bytes(form, pl.DataFrame({name: ["a", "b"], "other": [1, 2]}))
        with pytest.raises(UnreadableFileError, match="column 1"):
            list(READERS.load(form)().read(io.BytesIO(data), source="t"))
