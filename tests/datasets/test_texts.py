# SPDX-License-Identifier: Apache-2.0
"""Columns of text are read as they are: long ones, those of several lines, those that look like something else."""

import csv
import io

import polars as pl
import pytest

from datasets.whole import read_table
from modelward.datasets import ColumnKind, UnreadableFileError, parse_table
from modelward.datasets.recognition import describe

ROWS = 30


def written(path, texts):
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["text", "label"])
        lines.writerows((text, at % 2) for at, text in enumerate(texts))
    return path


def read(path):
    return read_table([path], limit_bytes=64 << 20).get_column("text").to_list()


@pytest.mark.parametrize("length", [131_073, 1 << 20])
def test_long_texts_are_read_whole(tmp_path, length):
    texts = [f"{at} " + '长文 long, "text"\n' * 3 for at in range(ROWS)]
    texts[7] = "x" * length
    assert read(written(tmp_path / "t.csv", texts)) == [text.strip() for text in texts]


def test_a_text_beyond_the_limit_is_refused_and_not_cut(tmp_path):
    with pytest.raises(UnreadableFileError, match=r"t\.csv is not well-formed: field larger than field limit"):
        read(written(tmp_path / "t.csv", ["x" * ((1 << 20) + 1), *map(str, range(ROWS))]))


def test_every_format_holds_the_same_texts(tmp_path):
    texts = [f'Zeile {at}\r\n\tzweite; dritte, "vierte" 第五 🙂' for at in range(ROWS)]
    table = pl.DataFrame({"text": texts, "label": [at % 2 for at in range(ROWS)]})
    table.write_parquet(tmp_path / "t.parquet")
    assert read(written(tmp_path / "t.csv", texts)) == read(tmp_path / "t.parquet") == texts


UNUSUAL = ["?", "NA", "N/A", "None", "nan", "null", "TRUE", "  spaced  ", "12"]


def test_a_column_of_texts_is_registered_as_it_was_written(tmp_path):
    texts = [*UNUSUAL, "", "  ", *(f"review number {at}" for at in range(ROWS))]
    table = read_table([written(tmp_path / "t.csv", texts)], limit_bytes=1 << 20)
    table.with_columns(pl.Series("text", texts)).write_parquet(tmp_path / "t.parquet")
    assert read_table([tmp_path / "t.parquet"], limit_bytes=1 << 20).equals(table)
    assert table.get_column("text").to_list() == [text.strip() or None for text in texts]
    assert describe(table.get_column("text")).kind is ColumnKind.TEXT


@pytest.mark.parametrize("word", ["?", "NA", " None ", "TRUE"])
def test_what_a_column_is_does_not_hang_on_how_often_a_word_for_missing_stands_in_it(tmp_path, word):
    """As many of one word would make names of rows a category, were it not for what the word says."""
    texts = [*(f"review number {at}" for at in range(ROWS)), *[word] * (ROWS if word != "TRUE" else 2)]
    column = read_table([written(tmp_path / "t.csv", texts)], limit_bytes=1 << 20).get_column("text")
    assert column.to_list() == [text.strip() for text in texts]
    assert describe(column).kind is ColumnKind.TEXT
    assert describe(column).categories == ()


def test_in_a_column_known_to_hold_texts_only_nothing_is_missing(tmp_path):
    given = ["?", "NA", "TRUE", "12", "2024-01-01", "", "  ", "  spaced  "]
    sink = io.StringIO()
    csv.writer(sink).writerows([["text", "id"], *([text, at] for at, text in enumerate(given))])
    table = parse_table(tmp_path / "t.csv", sink.getvalue().encode(), kinds={"text": ColumnKind.TEXT})
    assert [text and text.strip() for text in table.get_column("text")] == [
        "?",
        "NA",
        "TRUE",
        "12",
        "2024-01-01",
        None,
        None,
        "spaced",
    ]


def test_one_column_of_texts_may_be_asked_about(tmp_path):
    table = parse_table(tmp_path / "t.csv", b'text\n"one, two"\nthree\n', kinds={"text": ColumnKind.TEXT})
    assert table.get_column("text").to_list() == ["one, two", "three"]
