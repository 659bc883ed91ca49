# SPDX-License-Identifier: Apache-2.0
"""How numbers are spread, without telling of single rows."""

import numpy as np
import polars as pl
import pytest

from modelward.datasets.histogram import BINS, histogram


def test_a_histogram_counts_every_row_in_fives_and_what_lies_beyond_at_the_ends():
    values = np.concatenate([np.arange(1000.0), [-1e9, 1e9]])
    found = histogram(pl.Series(values))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, (0.01, 0.99))))
    exact = np.histogram(np.clip(values, found.low, found.high), bins=BINS, range=(found.low, found.high))[0]
    assert list(found.counts) == [int(count) // 5 * 5 for count in exact]


def test_no_bin_tells_of_fewer_than_five_rows():
    found = histogram(pl.Series([0.0] * 96 + [10.0] * 4))
    assert found is not None
    assert {*found.counts} == {0, 95}


@pytest.mark.parametrize("values", [[float(n) for n in range(49)], [3.0] * 100, [-1e308] * 50 + [1e308] * 50])
def test_few_rows_and_numbers_all_alike_have_none(values):
    assert histogram(pl.Series(values)) is None


def test_a_long_column_is_counted_whole():
    found = histogram(pl.Series(np.tile(np.arange(20.0), 10_000)))
    assert found is not None
    assert found.counts == (10_000,) * BINS
