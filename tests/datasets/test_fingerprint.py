# SPDX-License-Identifier: Apache-2.0
from datetime import datetime

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets.whole import read_table
from modelward.datasets import fingerprint

ROWS = 25
# Numbers of four decimals, and whole seconds: what a cell of a workbook holds exactly. Letters of every script.
NUMBERS = st.integers(-(10**9), 10**9).map(lambda number: number / 10**4)
WORDS = st.sampled_from(["Ulm", "Jena", "北京", "Ağrı", "a,b", 'say "x"', "x;y", "12 or 13", "ＡＢ", "é"])
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


def columns_of(values):
    """A column of values and gaps, and at least two values that say what it is."""
    return st.lists(st.none() | values, min_size=ROWS, max_size=ROWS).flatmap(
        lambda found: st.tuples(values, values).map(lambda sure: [*found, *sure])
    )


TABLES = st.fixed_dictionaries(
    {"n": columns_of(NUMBERS), "w": columns_of(WORDS), "b": columns_of(st.booleans()), "d": columns_of(MOMENTS)}
)


def taken(path) -> str:
    return fingerprint(read_table([path], limit_bytes=1 << 22))


def of(tmp_path, values) -> str:
    pl.DataFrame(values).write_parquet(tmp_path / "one.parquet")
    return taken(tmp_path / "one.parquet")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=TABLES)
def test_a_table_has_one_fingerprint_as_csv_as_excel_and_as_parquet(values, tmp_path):
    table = pl.DataFrame(values, schema={"n": pl.Float64, "w": pl.String, "b": pl.Boolean, "d": pl.Datetime("us")})
    table.write_csv(tmp_path / "t.csv")
    table.write_excel(tmp_path / "t.xlsx")
    table.write_parquet(tmp_path / "t.parquet")
    assert len({taken(tmp_path / f"t.{ending}") for ending in ("csv", "xlsx", "parquet")}) == 1


def test_the_fingerprint_of_version_one_never_changes(tmp_path):
    values = {"n": [1.5, None, -0.0], "w": ["é", "", None], "b": [True, None, False], "d": [datetime(2020, 1, 2), None, None]}
    assert of(tmp_path, values) == "cc2b7ac3d627a836a4b29382579e6bf4369dd12494f7f7b9e0aa09bc82f5c21a"


def test_a_change_of_any_value_name_or_order_changes_the_fingerprint(tmp_path):
    plain = {"a": [1.0, 2.0, 3.0], "b": ["x", "yz", "w"]}
    others = [
        {"a": [1.0, 2.0, 3.0000001], "b": ["x", "yz", "w"]},
        {"a": [2.0, 1.0, 3.0], "b": ["yz", "x", "w"]},
        {"a": [1.0, 2.0, 3.0], "b": ["xy", "z", "w"]},
        {"a": [1.0, 2.0, None], "b": ["x", "yz", "w"]},
        {"a": [1.0, 2.0, 3.0], "c": ["x", "yz", "w"]},
        {"b": ["x", "yz", "w"], "a": [1.0, 2.0, 3.0]},
        {"a": [1.0, 2.0], "b": ["x", "yz"]},
        {"a": [0.0, 2.0, 3.0], "b": ["x", "yz", "w"]},
        {"a": [None, 2.0, 3.0], "b": ["x", "yz", "w"]},
    ]
    marks = [of(tmp_path, values) for values in (plain, *others)]
    assert len(set(marks)) == len(marks)
    assert of(tmp_path, {name: list(values) for name, values in plain.items()}) == marks[0]
