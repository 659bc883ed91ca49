# SPDX-License-Identifier: Apache-2.0
"""Classes that look alike: each row is in one, none is smaller than asked, and what is sensitive is as varied as asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.privacy import AnonymityUnreachableError, Axis, Sensitive, distance, divided


def axis(codes):
    codes = np.asarray(codes, dtype=np.int64)
    return Axis(codes, np.arange(codes.max() + 2, dtype=np.float64))


columns = st.integers(4, 60).flatmap(
    lambda rows: st.lists(st.lists(st.integers(0, 9), min_size=rows, max_size=rows), min_size=1, max_size=3)
)


@given(columns, st.integers(2, 4))
def test_every_row_is_in_a_class_of_at_least_k(given_, k):
    classes = divided([axis(codes) for codes in given_], k=k)
    sizes = np.bincount(classes)
    assert sizes.min() >= k
    assert sizes.sum() == len(given_[0])


@given(columns, st.integers(2, 3), st.data())
def test_every_class_has_as_many_sensitive_values_and_shares_as_near_as_asked(given_, values, data):
    rows = len(given_[0])
    codes = np.array(data.draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows)))
    sensitive = Sensitive(codes, is_ordered=True, diversity=values, closeness=0.3)
    if len({*codes}) < values:
        with pytest.raises(AnonymityUnreachableError, match="different values"):
            divided([axis(each) for each in given_], k=2, sensitive=sensitive)
        return
    classes = divided([axis(each) for each in given_], k=2, sensitive=sensitive)
    whole = sensitive.shares(np.arange(rows))
    for each in range(classes.max() + 1):
        held = codes[classes == each]
        assert len({*held}) >= values
        # Counted here as the work to carry earth from one heap to the next.
        steps = [abs(np.mean(held <= value) - np.mean(codes <= value)) for value in range(len(whole))]
        assert sum(steps) / max(len(whole) - 1, 1) <= 0.3 + 1e-9


def test_rows_of_one_value_stay_together():
    assert divided([axis([1] * 10)], k=2).max() == 0
    assert sorted(np.bincount(divided([axis([1] * 7 + [2] * 3)], k=3))) == [3, 7]


def test_the_widest_column_is_cut_first():
    wide, narrow = [1, 9] * 4, [1, 1, 1, 1, 1, 1, 2, 2]
    classes = divided([axis(narrow + [9] * 0), axis(wide)], k=4)
    assert {*classes[::2]} != {*classes[1::2]}


def test_what_cannot_be_reached_is_refused():
    with pytest.raises(AnonymityUnreachableError, match="9 rows"):
        divided([axis([1] * 9)], k=10)


def test_distances_are_those_of_the_paper():
    # Li, Li and Venkatasubramanian 2007, section 4.1: salaries 3k to 11k; {3k, 4k, 5k} is 0.375 away, {6k, 8k, 11k} 0.167.
    whole = np.full(9, 1 / 9)
    low, spread = np.zeros(9), np.zeros(9)
    low[[0, 1, 2]] = spread[[3, 5, 8]] = 1 / 3
    assert distance(low, whole, is_ordered=True) == pytest.approx(0.375)
    assert distance(spread, whole, is_ordered=True) == pytest.approx(0.167, abs=1e-3)
    assert distance(low, whole, is_ordered=False) == pytest.approx(2 / 3)
