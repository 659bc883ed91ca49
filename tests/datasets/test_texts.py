# SPDX-License-Identifier: Apache-2.0
"""Columns of text are read as they are: long ones, those of several lines, those that look like something else."""

import csv
import io

import polars as pl
import pytest

from modelward.datasets import ColumnKind, UnreadableFileError, parse_table, read_table

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
