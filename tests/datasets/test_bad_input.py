# SPDX-License-Identifier: Apache-2.0
"""Every bad table is refused with what to do, and nothing is written. The good twin shows that the refusals are earned."""

import os
import pickle

import polars as pl
import pytest

from modelward.datasets import FileTooLargeError, InvalidDeclarationError, UnreadableFileError, UnusableTableError
from modelward.errors import InvalidError

SECRET = "Rumpelstilzchen"


@pytest.fixture
def attempt(datasets, admin, declared, vault):
    """Register one file; whatever is refused has left no dataset and no sealed object."""

    def register(path, **other):
        try:
            return datasets.add("people", [path], by=admin, **(declared | other))
        except InvalidError as refusal:
            left = datasets.list(by=admin), list(vault.digests()), SECRET in str(refusal)
            if left != ([], [], False):
                pytest.fail(f"The refusal left something behind, or told a value: {left}")
            raise

    return register


def saved(tmp_path, table, name="bad.csv"):
    path = tmp_path / name
    table.write_csv(path)
    return path


def test_the_good_twin_is_registered(attempt, csv_file):
    assert attempt(csv_file).rows == 200


FILES = {
    "an empty file": ("t.csv", b"", "is empty"),
    "white space only": ("t.csv", b" \n\n ", "is empty"),
    "a header only": ("t.csv", b"label,town\n", "no rows"),
    "one column": ("t.csv", b"label\nyes\nno\n", "one single column.*comma"),
    "another delimiter": ("t.csv", b"label:town\nyes:Ulm\nno:Ulm\n", "one single column"),
    "a ragged row": ("t.csv", b"label,town\nyes,Ulm\n" + SECRET.encode() + b",b,c\n", "line 3: 3 values"),
    "a short row": ("t.csv", b"label,town,x\nyes,Ulm,1\nyes,Ulm\n", "line 3: 2 values"),
    "a quotation mark never closed": ("t.csv", b'label,town\nyes,"Ulm\nno,Jena\n', "quotation mark"),
    "Latin letters that are not UTF-8": ("t.csv", "label,town\nyes,Köln\nno,Münster\n".encode("cp1252"), "not UTF-8.*iconv"),
    "UTF-16": ("t.csv", "label,town\nyes,Ulm\n".encode("utf-16"), "UTF-16.*iconv"),
    "repeated names": ("t.csv", b"label,town,town\nyes,a,b\n", "'town'"),
    "an empty name": ("t.csv", b",label,town\n0,yes,Ulm\n", "column 1 of 3 has no name.*index"),
    "a pickle called CSV": ("t.csv", pickle.dumps({"label": [1]}), "pickle.*never opened"),
    "zero bytes": ("t.csv", b"label,town\nyes,\0\n", "not text"),
    "an Excel workbook called CSV": ("t.csv", b"PK\x03\x04rest", "content is Excel"),
    "CSV called Parquet": ("t.parquet", b"label,town\nyes,Ulm\n", "something else"),
    "broken Excel": ("t.xlsx", b"PK\x03\x04rest", "not a whole Excel"),
    "Excel with a password": ("t.xlsx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "password"),
    "an unknown ending": ("t.docx", b"label,town\nyes,Ulm\n", "ends in none of"),
    "no ending": ("t", b"label,town\nyes,Ulm\n", "ends in none of"),
}


@pytest.mark.parametrize("case", FILES)
def test_an_unreadable_file_is_refused(attempt, tmp_path, case):
    name, data, said = FILES[case]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableFileError, match=said) as refusal:
        attempt(tmp_path / name)
    assert name in str(refusal.value)


def test_a_cut_parquet_file_is_refused(attempt, table, tmp_path):
    table.write_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFileError, match="whole Parquet"):
        attempt(tmp_path / "t.parquet")


def test_a_workbook_with_two_sheets_of_data_is_refused(attempt, table, tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        table.write_excel(book, worksheet="data")
        table.write_excel(book, worksheet="notes")
    with pytest.raises(UnreadableFileError, match=r"2 sheets.*'data', 'notes'"):
        attempt(tmp_path / "t.xlsx")


def test_repeated_names_in_a_workbook_are_refused(attempt, tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        for row in range(30):
            sheet.write_row(row, 0, ["label", "town", "town"] if row == 0 else ["yes" if row % 2 else "no", "Ulm", "Jena"])
    with pytest.raises(UnreadableFileError, match="'town'"):
        attempt(tmp_path / "t.xlsx")


def test_a_path_that_is_no_plain_file_is_refused(attempt, csv_file, tmp_path):
    (tmp_path / "link.csv").symlink_to(csv_file)
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, said in {
        "none.csv": "no file",
        "link.csv": "symbolic link",
        "folder.csv": "is a folder. Name the file in it",
        "pipe.csv": "plain file",
    }.items():
        with pytest.raises(UnreadableFileError, match=said):
            attempt(tmp_path / name)


def test_a_file_over_the_limit_is_refused(attempt, tmp_path):
    (tmp_path / "t.csv").write_bytes(b"label,town\n" + b"yes,Ulm\n" * (1 << 17))
    with pytest.raises(FileTooLargeError, match="MODELWARD_UPLOAD_LIMIT_BYTES"):
        attempt(tmp_path / "t.csv")


def test_files_of_two_layouts_are_refused(datasets, admin, declared, table, tmp_path):
    one, other = saved(tmp_path, table, "one.csv"), saved(tmp_path, table.drop("age"), "other.csv")
    with pytest.raises(UnreadableFileError, match=r"other.csv has another layout than one.csv: it lacks 'age'"):
        datasets.add("people", [one, other], by=admin, **declared)


COLUMNS = {
    "a target that is missing in rows": (pl.when(pl.col("age") > 60).then(None).otherwise("label").alias("label"), "missing in"),
    "a constant target": (pl.lit("yes").alias("label"), "same value in every row"),
    "a target with many values": (pl.int_range(pl.len()).cast(pl.String).add("x").alias("label"), "at most 100 classes"),
    "a target of fractions": ((pl.col("age") // 10 + 0.5).alias("label"), "fractions"),
    "a target of huge numbers": ((pl.col("age") // 40 * 1e300).alias("label"), "very large numbers"),
    "a column without values": (pl.lit(None, dtype=pl.String).alias("empty"), "All values are missing in column 'empty'"),
    "infinity": (pl.when(pl.col("age") > 60).then(float("inf")).otherwise("age").alias("age"), "'age' holds infinity in"),
    "decimal commas": (pl.col("score").fill_null(0).cast(pl.String).str.replace(".", ",", literal=True).alias("score"), "comma"),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_an_unusable_column_is_refused(attempt, table, tmp_path, case):
    change, said = COLUMNS[case]
    with pytest.raises(UnusableTableError, match=said):
        attempt(saved(tmp_path, table.with_columns(change)))


def test_too_few_rows_are_refused(attempt, table, tmp_path):
    with pytest.raises(UnusableTableError, match="19 rows; at least 20"):
        attempt(saved(tmp_path, table.head(19)))


def test_a_column_of_lists_is_refused(attempt, table, tmp_path):
    table.with_columns(pl.concat_list("town", "town").alias("pair")).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(UnusableTableError, match="'pair' holds lists of type String"):
        attempt(tmp_path / "t.parquet")


def test_ten_thousand_categories_are_text_and_no_target(datasets, admin, declared, tmp_path):
    rows = 20_000
    many = pl.DataFrame(
        {"city": [f"c{place % 10_000}" for place in range(rows)], "label": ["yes", "no"] * (rows // 2), "town": ["Ulm"] * rows}
    )
    path = saved(tmp_path, many)
    with pytest.raises(UnusableTableError, match="10,000 different values"):
        datasets.add("cities", [path], by=admin, **(declared | {"target": "city"}))
    made = datasets.add("cities", [path], by=admin, **declared)
    assert made.column("city").kind == "text"
    assert made.column("city").categories == ()
    warned = {(warning.kind, warning.column) for warning in datasets.profile("cities", by=admin).warnings}
    assert ("high-cardinality", "city") in warned


@pytest.mark.parametrize(
    ("declaration", "said"),
    [
        ({"target": "lable"}, "Did you mean 'label'"),
        ({"target": "zzz"}, "The columns are 'age'"),
        ({"sensitive": ["twon"]}, "sensitive column is not in the data.*Did you mean 'town'"),
        ({"sensitive": ["town", "town"]}, "twice"),
        ({"sensitive": ["label"]}, "target and sensitive"),
        ({"purpose": "  "}, "purpose is empty"),
        ({"owner": ""}, "owner is empty"),
        ({"owner": "a\nb"}, "one line"),
    ],
)
def test_a_declaration_that_does_not_hold_is_refused(attempt, csv_file, declaration, said):
    with pytest.raises(InvalidDeclarationError, match=said):
        attempt(csv_file, **declaration)


def test_a_missing_header_is_named_and_its_values_are_not(attempt, tmp_path):
    (tmp_path / "t.csv").write_text(f"39,{SECRET},x\n50,b,y\n")
    with pytest.raises(InvalidDeclarationError, match="first row looks like data"):
        attempt(tmp_path / "t.csv")


def test_a_name_that_is_a_path_is_refused(datasets, admin, declared, csv_file):
    for name in ("../people", "People", "", "a" * 64):
        with pytest.raises(InvalidError, match="name of a dataset"):
            datasets.add(name, [csv_file], by=admin, **declared)
