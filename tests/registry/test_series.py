# SPDX-License-Identifier: Apache-2.0
"""Series as they are read: what is one, what is refused and how it is told, and what a graph is given."""

import numpy as np
import pytest

from modelward.registry import Feature, Interface, InvalidInterfaceError, InvalidRowsError, json_hint, parse_interface


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "is empty, and no series was when the version was trained"),
        (None, "is empty, and no series was"),
        ("", "is empty, and no series was"),
        ([None, None], "is empty, and no series was"),
        ([1.0] * 100_001, "has 100,001 steps; the limit is 100,000. Keep the last ones"),
        ([1.0, "2"], "holds something that is no number in step 2: each step is a number, null where one is missing"),
        ([True], "holds something that is no number in step 1"),
        (np.array([True]), "holds something that is no number in step 1"),
        ([{"a": 1}], "holds something that is no number in step 1"),
        ([[1.0, 2.0]], "has 2 numbers in step 1, and not 1: each step is a number"),
        (np.ones((3, 2)), "has 2 numbers in step 1, and not 1"),
        ([[]], "has 0 numbers in step 1, and not 1"),
        ([1.0, [2.0]], "mixes numbers and lists of numbers: each step is a number"),
        ([[[1.0]]], "is nested too deep in step 1: each step is a number"),
        (np.ones((3, 1, 1)), "is nested too deep in step 1"),
        ([1e39], "beyond what float32 holds"),
        ([10**400], "beyond what float32 holds"),
        ([float("inf")], "beyond what float32 holds"),
        ("[1, NaN]", "holds NaN, None or Infinity, which JSON has not: write null where a number is missing"),
        ("[1, 2", "is a text that holds no list of numbers"),
        ("[" * 10_000, "is a text that holds no list of numbers"),
        ("7", "must be a list and is none: each step is a number"),
        (7.0, "must be a list of numbers and is a number"),
        ({"a": 1}, "must be a list of numbers and is an object"),
    ],
)
def test_what_is_no_series_is_refused_by_row_and_feature(value, said):
    interface = Interface((Feature("wave", "series", shape=(12, 1)),), "pace", ("fast", "slow"))
    with pytest.raises(InvalidRowsError) as refused:
        interface.columns([{"wave": [1.0, 2.0]}, {"wave": value}])
    assert said in str(refused.value)
    assert "Row 2" in str(refused.value)


def test_a_series_with_a_number_that_training_never_saw_is_unfamiliar():
    feature = Feature("wave", "series", shape=(3, 2), nullable=True, minimum=-1.5, maximum=2.0)
    interface = Interface((feature,), "pace", ("fast", "slow"))
    values = [[[-1.5, 2.0]], [[0, 2.1]], [[0, 0], [-1.6, None]], [[9, 9], [0, 0], [0, 0], [1, 1]], None]
    encoded = interface.encode([interface.table_of_rows([{"wave": value} for value in values])])
    assert encoded.unfamiliar == [(), ("wave",), ("wave",), (), ()], "steps that are not read do not count"


def test_a_graph_is_given_the_last_steps_and_nan_behind_the_end():
    feature = Feature("wave", "series", shape=(3, 2), nullable=True)
    interface = Interface((feature,), "pace", ("fast", "slow"))
    values = [[[1, 2], [3, 4], [5, 6], [7, 8]], "[[1, null]]", None, [[None, None], [1, 2], [None, None]]]
    column = interface.columns([{"wave": value} for value in values])["wave"]
    nan = np.nan
    wanted = [
        [[3, 4], [5, 6], [7, 8]],
        [[1, nan], [nan, nan], [nan, nan]],
        [[nan, nan]] * 3,
        [[nan, nan], [1, 2], [nan, nan]],
    ]
    assert column.dtype == np.float32
    assert np.array_equal(column, np.array(wanted, dtype=np.float32), equal_nan=True)
    assert parse_interface(interface.to_json()) == interface
    assert interface.columns([interface.plain_row])["wave"].shape == (1, 3, 2)


@pytest.mark.parametrize("shape", [(), (0, 1), (5,), (5, 0), (1 << 15, 1), (1 << 14, 1024), (5, 1, 1)])
def test_a_series_of_no_or_too_many_numbers_is_refused(shape):
    with pytest.raises(InvalidInterfaceError, match="it is steps, 1 to 16384, and channels"):
        Interface((Feature("wave", "series", shape=shape),), "pace", ("fast", "slow"))


@pytest.mark.parametrize("kind", [np.float32, np.float64, object])
def test_an_array_of_series_is_one_for_each_row(kind):
    interface = Interface((Feature("wave", "series", shape=(3, 1)),), "pace", ("fast", "slow"))
    given = np.array([[[1], [2]], [[3], [None]]], dtype=kind)
    column = interface.encode([interface.table_of_columns({"wave": given})]).columns["wave"][:, :, 0]
    assert np.array_equal(column, [[1, 2, np.nan], [3, np.nan, np.nan]], equal_nan=True)


@pytest.mark.parametrize("body", [b'["' + b'\\"' * 500_000 + b"NaN", b'["' + b'"' * 1_000_001, b'["' + b"\\" * 1_000_001])
def test_a_long_text_that_never_ends_is_looked_through_once(body):
    assert json_hint(body) == ""
    assert json_hint(b'{"a": "NaN", "b": [1, NaN]}') == json_hint(b'{"a": -Infinity}') != ""
