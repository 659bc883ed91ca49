# SPDX-License-Identifier: Apache-2.0
"""Files answered by versions that give texts or numbers."""

import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrances.speakers import register
from modelward.registry import InvalidRowsError
from modelward.serving.computed import shortest


@pytest.fixture
def speakers(house):
    """A house in which they are live."""
    for name in register(house.registry, by=house.admin):
        house.make_live(name)
    return house


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_is_answered_with_one_column_of_text(speakers, tmp_path, form):
    pl.DataFrame({"said": ["abc", None, 'x, "y"']}).write_parquet(tmp_path / "rows.parquet")
    batch = speakers.serving.predict_file("echo", tmp_path / "rows.parquet", form=form, by=speakers.admin)
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet}[form]
    table = read(io.BytesIO(batch.payload))
    assert table.columns == ["row", "text", "unfamiliar"]
    assert [text or "" for text in table["text"].to_list()] == ["bcd", "", "y-!#z#"]


def test_numbers_have_a_column_each_or_one_for_all(speakers, tmp_path):
    pl.DataFrame({"x": [2.0, 4.0], "y": [3.0, 1.0]}).write_csv(tmp_path / "rows.csv")
    told = {}
    for model in ("sums", "grid"):
        batch = speakers.serving.predict_file(model, tmp_path / "rows.csv", form="csv", by=speakers.admin)
        told[model] = pl.read_csv(io.BytesIO(batch.payload))
    assert told["sums"].columns == ["row", "value_sum", "value_difference", "unfamiliar"]
    assert told["sums"]["value_difference"].to_list() == [-1.0, 3.0]
    assert told["grid"]["values"].to_list() == ["[[5.0,-1.0]]", "[[5.0,3.0]]"]


def test_rows_that_were_made_come_in_the_words_and_with_the_decimals_of_their_table(speakers, tmp_path):
    pl.DataFrame({"seed": [3, 7], "level": ["low", "high"]}).write_csv(tmp_path / "orders.csv")
    batch = speakers.serving.predict_file("maker", tmp_path / "orders.csv", form="csv", by=speakers.admin)
    assert batch.payload == b"row,value_town,value_price,unfamiliar\n1,north,0.3,\n2,2,0.7,\n"
    batch = speakers.serving.predict_file("maker", tmp_path / "orders.csv", form="parquet", by=speakers.admin)
    assert pl.read_parquet(io.BytesIO(batch.payload))["value_town"].to_list() == ["north", "2"]


def test_an_order_of_a_file_that_cannot_be_met_is_refused_by_its_row(speakers, tmp_path):
    (tmp_path / "orders.csv").write_text("seed,level\n3,low\n3.5,high\n")
    with pytest.raises(InvalidRowsError, match="Row 2: feature 'seed' must be a whole number from 0 to 99"):
        speakers.serving.predict_file("maker", tmp_path / "orders.csv", by=speakers.admin)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_number_told_shortly_is_the_same_number(values):
    array = np.array(values, dtype=np.float32)
    assert (shortest(array).astype(np.float32) == array).all()


def test_a_number_has_as_few_decimals_as_it_needs():
    told = shortest(np.array([[3937.42, 0.1], [7, 1e-9]], dtype=np.float32)).tolist()
    assert told[0] == [3937.42, 0.1]
    assert told[1] == [7.0, float(np.float32(1e-9))]
