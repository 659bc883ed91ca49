# SPDX-License-Identifier: Apache-2.0
from datetime import datetime

import polars as pl
import pytest

from datasets.whole import read_table
from modelward.datasets import ColumnKind, UnreadableFileError, UnusableTableError, parse_table
from modelward.datasets.recognition import describe

LIMIT = 1 << 22


def read(path):
    return read_table([path], limit_bytes=LIMIT)


def parse(path, kinds):
    return parse_table(path, path.read_bytes(), kinds=kinds)


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def column(tmp_path, *values):
    """One column of the values given, read from CSV beside another."""
    lines = "".join(f'"{value}",x\n' for value in values)
    return read(written(tmp_path / "one.csv", f"a,b\n{lines}")).get_column("a")


def test_each_kind_is_recognised(csv_file):
    table = read(csv_file)
    kinds = {series.name: describe(series).kind for series in table.get_columns()}
    assert kinds == {
        "age": ColumnKind.NUMBER,
        "score": ColumnKind.NUMBER,
        "town": ColumnKind.CATEGORY,
        "member": ColumnKind.BOOLEAN,
        "joined": ColumnKind.DATE,
        "label": ColumnKind.CATEGORY,
    }
    assert table.schema["age"] == pl.Float64


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(table, tmp_path, delimiter):
    table.write_csv(tmp_path / "t.csv", separator=delimiter)
    table.write_csv(tmp_path / "comma.csv")
    assert read(tmp_path / "t.csv").equals(read(tmp_path / "comma.csv"))


def test_a_delimiter_inside_quotes_does_not_divide(tmp_path):
    table = read(written(tmp_path / "t.csv", 'name,note\nUlm,"a;b;c"\nJena,"d;e;f, g"\n'))
    assert table.columns == ["name", "note"]
    assert table.get_column("note").to_list() == ["a;b;c", "d;e;f, g"]


def test_space_around_values_is_dropped(tmp_path):
    table = read(written(tmp_path / "t.csv", "a, b\n 1 ,  x \n2, y\n"))
    assert table.columns == ["a", "b"]
    assert table.rows() == [(1.0, "x"), (2.0, "y")]


@pytest.mark.parametrize("word", ["", "?", "NA", "N/A", "null", "NaN", "None", "  "])
def test_a_missing_value_is_missing_and_not_a_category(tmp_path, word):
    assert column(tmp_path, "1", word, "3").to_list() == [1.0, None, 3.0]
    assert column(tmp_path, "u", word, "v").to_list() == ["u", None, "v"]


def test_a_word_that_only_looks_missing_stays(tmp_path):
    assert column(tmp_path, "none", "NAB", "x").to_list() == ["none", "NAB", "x"]


def test_numbers_with_leading_zeros_are_codes_and_keep_them(tmp_path):
    assert column(tmp_path, "007", "120").to_list() == ["007", "120"]
    assert column(tmp_path, "0.5", "0", "-0.0").to_list() == [0.5, 0.0, 0.0]


def test_whole_numbers_too_long_to_be_exact_stay_text(tmp_path):
    card = "6222021234567890123"
    assert column(tmp_path, card, card).to_list() == [card, card]
    pl.DataFrame({"a": [int(card), 1], "b": ["x", "y"]}).write_parquet(tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet").get_column("a").to_list() == [card, "1"]


def test_booleans_are_recognised_in_any_case(tmp_path):
    assert column(tmp_path, "True", "FALSE", "true", "?").to_list() == [True, False, True, None]
    assert column(tmp_path, "True", "maybe").to_list() == ["true", "maybe"]


def test_dates_are_recognised_and_an_offset_is_taken_into_account(tmp_path):
    assert column(tmp_path, "2024-02-29", "").to_list() == [datetime(2024, 2, 29), None]
    assert column(tmp_path, "2024-03-01T01:30:00+02:00").to_list() == [datetime(2024, 2, 29, 23, 30)]
    assert column(tmp_path, "2023-02-29", "2024-02-29").to_list() == ["2023-02-29", "2024-02-29"]


def test_chinese_text_in_gb18030_is_read(tmp_path):
    text = "城市,收入\n北京,高\n上海,低\n"
    assert read(written(tmp_path / "t.csv", text, "gb18030")).equals(read(written(tmp_path / "u.csv", text)))


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert read(written(tmp_path / "t.csv", "a,b\n1,2\n", "utf-8-sig")).columns == ["a", "b"]


def test_files_of_one_layout_are_stacked_in_order(table, tmp_path):
    table.head(90).write_csv(tmp_path / "one.csv")
    table.slice(90, 60).write_parquet(tmp_path / "two.parquet")
    table.tail(50).write_excel(tmp_path / "three.xlsx")
    table.write_csv(tmp_path / "all.csv")
    files = [tmp_path / name for name in ("one.csv", "two.parquet", "three.xlsx")]
    assert read_table(files, limit_bytes=LIMIT).equals(read(tmp_path / "all.csv"))


def test_known_kinds_win_over_what_the_values_look_like(tmp_path):
    path = written(tmp_path / "t.csv", "code,member,age\n12,true,30\n13,false,?\n")
    kinds = {"code": ColumnKind.CATEGORY, "member": ColumnKind.CATEGORY, "age": ColumnKind.NUMBER}
    assert parse(path, kinds).rows() == [("12", "true", 30.0), ("13", "false", None)]
    pl.DataFrame({"code": [12.0, 13.0], "member": [True, False], "age": [30, None]}).write_excel(tmp_path / "t.xlsx")
    assert parse(tmp_path / "t.xlsx", kinds).equals(parse(path, kinds))


def test_a_value_that_is_not_of_the_known_kind_is_refused_by_row_and_never_shown(tmp_path):
    path = written(tmp_path / "t.csv", "a,b\n1,2\nsecret,3\n")
    with pytest.raises(UnusableTableError, match=r"'a'.*row 2") as refusal:
        parse(path, {"a": ColumnKind.NUMBER})
    assert "secret" not in str(refusal.value)


LINES_READER = """
import polars as pl
from modelward.datasets import UnreadableFileError

class LinesReader:
    starts = (b"LINES",)

    def read(self, file, *, source):
        yield pl.DataFrame({"line": file.read().decode().splitlines()[1:]})
"""


def test_a_reader_of_another_distribution_reads_the_files_of_its_ending(tmp_path, monkeypatch):
    info = tmp_path / "lines_reader-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lines_reader\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[modelward.readers]\nlines = lines_reader:LinesReader\n")
    (tmp_path / "lines_reader.py").write_text(LINES_READER)
    file = written(tmp_path / "towns.LINES", "LINES\nUlm\nJena\n")
    with pytest.raises(UnreadableFileError, match=r"towns\.LINES ends in none of \.csv, \.data, \.npz, \.parquet"):
        read(file)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert read(file).get_column("line").to_list() == ["Ulm", "Jena"]
    with pytest.raises(UnreadableFileError, match="its content is something else"):
        read(written(tmp_path / "towns.lines", "Ulm\nJena\n"))
    with pytest.raises(UnreadableFileError, match="its content is PDF"):
        read(written(tmp_path / "paper.lines", "%PDF-1.7\n"))
