# SPDX-License-Identifier: Apache-2.0
"""Who is always back within a moment is waited for, and nobody else is."""

import pytest

from modelward.serving.regulars import Regulars


def taught(rounds, *, back, answered=10):
    """What is learned of so many rounds a second apart, after which so many of those answered were back."""
    regulars = Regulars()
    for at in range(rounds):
        regulars.answered(answered, now=float(at), within=0.5)
        regulars.came(back, now=at + 0.1)
    regulars.answered(answered, now=float(rounds), within=0.5)
    return regulars, float(rounds)


def test_callers_who_were_always_back_in_time_are_waited_for_until_they_are_or_the_moment_is_over():
    regulars, now = taught(10, back=10)
    assert regulars.seconds(now + 0.1) == pytest.approx(0.4)
    regulars.came(9, now=now + 0.2)
    assert regulars.seconds(now + 0.2) == pytest.approx(0.3)
    regulars.came(1, now=now + 0.3)
    assert regulars.seconds(now + 0.3) == 0
    later, now = taught(10, back=10)
    assert later.seconds(now + 0.5) == 0


def test_nobody_is_waited_for_before_it_is_known_that_they_come():
    assert Regulars().seconds(0.0) == 0
    regulars, now = taught(1, back=10)
    assert regulars.seconds(now) == 0


@pytest.mark.parametrize("back", [0, 3, 6])
def test_callers_who_come_by_chance_are_not_waited_for(back):
    regulars, now = taught(20, back=back)
    assert regulars.seconds(now) == 0


def test_who_comes_after_the_moment_is_over_does_not_count():
    regulars = Regulars()
    for at in range(10):
        regulars.answered(10, now=float(at), within=0.5)
        regulars.came(10, now=at + 0.6)
    regulars.answered(10, now=10.0, within=0.5)
    assert regulars.seconds(10.0) == 0


def test_callers_who_stop_coming_are_waited_for_a_few_times_only():
    regulars, now = taught(10, back=10)
    waits = 0
    for at in range(10):
        waits += regulars.seconds(now + at) > 0
        regulars.answered(10, now=now + at + 1, within=0.5)
    assert waits <= 2


def test_who_is_still_awaited_when_the_next_are_answered_is_awaited_with_them():
    regulars, now = taught(10, back=10)
    regulars.came(4, now=now + 0.1)
    regulars.answered(10, now=now + 0.2, within=0.5)
    regulars.came(15, now=now + 0.3)
    assert regulars.seconds(now + 0.3) > 0
    regulars.came(1, now=now + 0.3)
    assert regulars.seconds(now + 0.3) == 0
