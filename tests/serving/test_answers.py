# SPDX-License-Identifier: Apache-2.0
"""Files answered by versions that give texts or numbers."""

import io

import polars as pl
import pytest

from entrances.speakers import register


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
