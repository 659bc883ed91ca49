# SPDX-License-Identifier: Apache-2.0
"""What a call costs is learned from calls: through noise, on a machine that changes, and whatever a clock says."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.serving.cost import CallCost

calls = st.floats(1e-6, 1e-2)
rows = st.floats(0, 1e-3)
LARGEST = 64


def teach(cost, *, call, row, times, noise=0.0, seed=0):
    chance = random.Random(seed)
    for _ in range(times):
        size = chance.randint(1, LARGEST)
        cost.learn(size, (call + row * size) * chance.uniform(1 - noise, 1 + noise))


@given(call=calls, row=rows, guessed_call=calls, guessed_row=rows, seed=st.integers(0, 1000))
def test_call_and_row_are_learned_from_noisy_calls_whatever_was_thought_before(call, row, guessed_call, guessed_row, seed):
    """Of fifty calls, which is what is remembered, each off by 10 % at most, the line is off by 1.6 % of the largest call at one
    standard deviation: it is never off by 12 of them.
    """
    cost = CallCost(call_seconds=guessed_call, row_seconds=guessed_row)
    teach(cost, call=call, row=row, times=1000, noise=0.1, seed=seed)
    for size in (1, 16, LARGEST):
        assert cost.seconds(size) == pytest.approx(call + row * size, abs=0.2 * (call + row * LARGEST))


@given(before=st.tuples(calls, rows), after=st.tuples(calls, rows))
def test_a_machine_that_became_another_is_known_again(before, after):
    cost = CallCost(call_seconds=1e-3, row_seconds=1e-5)
    teach(cost, call=before[0], row=before[1], times=300)
    teach(cost, call=after[0], row=after[1], times=1000)
    for size in (1, 16, LARGEST):
        assert cost.seconds(size) == pytest.approx(after[0] + after[1] * size, rel=1e-3, abs=1e-6)


@given(call=calls, row=rows, factor=st.floats(10, 1e6), times=st.integers(1, 20))
def test_calls_that_were_held_up_are_soon_forgotten(call, row, factor, times):
    cost = CallCost(call_seconds=call, row_seconds=row)
    teach(cost, call=call, row=row, times=100)
    teach(cost, call=call * factor, row=row * factor, times=times)
    teach(cost, call=call, row=row, times=40)
    for size in (1, 16, LARGEST):
        assert cost.seconds(size) <= 5 * (call + row * LARGEST)


@given(size=st.integers(1, 4096), call=calls, row=rows)
def test_where_all_calls_are_alike_their_cost_is_known(size, call, row):
    cost = CallCost(call_seconds=1e-3, row_seconds=1e-5)
    for _ in range(1000):
        cost.learn(size, call + row * size)
    assert cost.seconds(size) == pytest.approx(call + row * size, rel=1e-3, abs=1e-6)


told = st.tuples(st.integers(1, 65536), st.one_of(st.floats(0, 1e-6), st.floats(0, 1), st.floats(0, 1e6)))


@given(call=st.floats(0, 10), row=st.floats(0, 1), learned=st.lists(told, max_size=60), within=st.floats(0, 1))
def test_a_cost_is_never_negative_and_always_a_number(call, row, learned, within):
    cost = CallCost(call_seconds=call, row_seconds=row)
    for size, seconds in learned:
        cost.learn(size, seconds)
        assert cost.call_seconds > 0
        assert cost.row_seconds >= 0
        assert math.isfinite(cost.seconds(65536))
        assert cost.seconds(1) <= cost.seconds(2)
        assert cost.rows_within(within) >= 1


@given(call=calls, row=rows, within=st.floats(1e-6, 1))
def test_what_fits_into_a_time_is_within_it(call, row, within):
    cost = CallCost(call_seconds=call, row_seconds=row)
    size = cost.rows_within(within)
    assert size == 1 or cost.seconds(size) <= within * (1 + 1e-9)
