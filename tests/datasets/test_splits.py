# SPDX-License-Identifier: Apache-2.0
from datetime import datetime

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelward.datasets import InvalidSplitError, Split, class_labels, make_split

SPLITS = st.builds(
    Split,
    by=st.sampled_from(["random", "stratified"]),
    test=st.floats(0.05, 0.45),
    validation=st.floats(0.05, 0.45),
    seed=st.integers(0, 2**32 - 1),
)


def classes(rows: int, kinds: int, seed: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"y": [f"c{code}" for code in np.random.default_rng(seed).integers(0, kinds, rows)]})


@settings(max_examples=60, deadline=None)
@given(split=SPLITS, rows=st.integers(20, 400), kinds=st.integers(2, 4))
def test_every_row_is_in_exactly_one_part(split, rows, kinds):
    table = classes(rows, kinds)
    try:
        parts = make_split(table, "y", split)
    except InvalidSplitError:
        assume(False)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert np.array_equal(np.sort(together), np.arange(rows))
    assert together.dtype == np.int64
    assert abs(len(parts.test) - split.test * rows) <= 1
    assert abs(len(parts.validation) - split.validation * rows) <= 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_stratified_split_keeps_the_share_of_every_class(seed):
    table = pl.DataFrame({"y": ["rare"] * 60 + ["common"] * 340})
    parts = make_split(table, "y", Split(by="stratified", seed=seed))
    assert [int((part < 60).sum()) for part in (parts.train, parts.validation, parts.test)] == [42, 6, 12]


def test_the_same_seed_gives_the_same_parts_and_another_seed_others():
    table = classes(300, 2)
    one, again, other = (make_split(table, "y", Split(seed=seed)) for seed in (7, 7, 8))
    assert one.digest == again.digest
    assert np.array_equal(one.test, again.test)
    assert one.digest != other.digest
    assert not np.array_equal(one.test, other.test)


def test_a_seed_means_the_same_rows_for_ever():
    parts = make_split(pl.DataFrame({"y": ["a", "b"] * 10}), "y", Split(seed=7))
    assert (parts.test.tolist(), parts.validation.tolist()) == ([3, 6, 11, 12], [4, 13])


@pytest.mark.parametrize(
    ("split", "digest"),
    [
        (Split(seed=7), "fd866a03d247a156429a3c882d74508a96423256ac10018cf31aa241cda5fe5f"),
        (Split(by="random", seed=7), "0512933b41199f54f24d3c418ceb079cb9b90ce19ea2354bf79e639fe532ed85"),
        (Split(by="time", column="x"), "d3207e6a280f1c6598b0cfa452bde1a7c6cc25167973da369a20e426bf9764d4"),
    ],
)
def test_versions_made_before_there_were_clusters_find_their_rows_again(split, digest):
    table = pl.DataFrame({"x": [float(place) for place in range(60)], "y": ["a", "b"] * 30})
    assert make_split(table, "y", split).digest == digest


def test_a_split_by_time_tests_on_the_latest_and_never_divides_a_moment():
    days = [datetime(2024, 1, 1 + place // 10) for place in range(200)]
    shuffled = np.random.default_rng(3).permutation(200)
    table = pl.DataFrame({"day": [days[place] for place in shuffled], "y": ["a" if place % 2 else "b" for place in shuffled]})
    parts = make_split(table, "y", Split(by="time", column="day", test=0.22, validation=0.1))
    moments = table.get_column("day").to_numpy()
    assert moments[parts.train].max() < moments[parts.validation].min()
    assert moments[parts.validation].max() < moments[parts.test].min()
    assert len(parts.test) == 50


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"test": 0.0}, "test share is 0"),
        ({"test": 1.2}, "between 0.01 and 1"),
        ({"validation": -0.1}, "validation share"),
        ({"validation": float("nan")}, "validation share"),
        ({"test": 0.6, "validation": 0.4}, "too little to train on"),
        ({"seed": -1}, "seed"),
        ({"by": "clusters"}, "not by 'clusters'"),
        ({"by": "cluster", "similarity": 0.4}, "between 0.5 and 1"),
        ({"by": "cluster", "similarity": float("nan")}, "between 0.5 and 1"),
        ({"by": "cluster", "column": "day"}, "no other"),
        ({"by": "random", "similarity": 0.8}, "a similarity is for one by cluster"),
        ({"by": "time"}, "needs the column"),
        ({"by": "random", "column": "day"}, "no other"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(InvalidSplitError, match=said):
        Split(**wrong)


def test_a_class_that_would_be_missing_from_a_part_is_refused():
    table = pl.DataFrame({"y": ["a"] * 98 + ["b"] * 2})
    with pytest.raises(InvalidSplitError, match=r"validation.* would lack a class"):
        make_split(table, "y", Split())


def test_a_split_by_time_needs_a_moment_in_every_row(table):
    for column, said in {"score": "missing in", "town": "neither dates nor numbers", "joind": "Did you mean 'joined'"}.items():
        with pytest.raises(InvalidSplitError, match=said):
            make_split(table, "label", Split(by="time", column=column))


def test_classes_have_plain_names():
    assert class_labels(pl.Series([0.0, 1.0])).to_list() == ["0", "1"]
    assert class_labels(pl.Series([True, False])).to_list() == ["true", "false"]


def test_a_split_travels_as_json():
    split = Split(by="time", column="day", test=0.25)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(split)), Split) == split
