# SPDX-License-Identifier: Apache-2.0
"""A key asks as much as its quota is, in all processes together, and is told when it may ask again."""

import multiprocessing
from types import SimpleNamespace

import pytest

from modelward.access import Actor, Quota, Role
from modelward.serving import QuotaUsedUpError, TooManyRowsError
from modelward.serving.quotas import _PLACES, Quotas

MIDNIGHT = 1_795_305_600  # of a day in UTC


def caller(key="till0001", **limits) -> Actor:
    return Actor("service:till", "till", Role.CALLER, credential=key, quota=Quota(**limits))


@pytest.fixture
def counted(home):
    """Quotas, and a clock that is set by hand."""
    now = SimpleNamespace(at=MIDNIGHT + 3600.0)
    quotas = Quotas(home, clock=lambda: now.at)
    yield quotas, now
    quotas.close()


def test_who_has_no_quota_is_not_counted(counted, home):
    quotas, _ = counted
    quotas.take(Actor("service:till", "till", Role.CALLER, credential="till0001"), requests=1, rows=10**9)
    assert not (home / "quotas").exists()


@pytest.mark.parametrize("what", ["requests", "rows"])
def test_a_minute_has_so_many_and_the_next_as_many_again(counted, what):
    quotas, now = counted
    till = caller(**{f"{what}_per_minute": 3})
    for _ in range(2):
        now.at = now.at // 60 * 60 + 60 + 15.5
        for _ in range(3):
            quotas.take(till, **{what: 1})
        with pytest.raises(QuotaUsedUpError, match=rf"3 {what} a minute, is used up. Ask again in 45 s") as caught:
            quotas.take(till, **{what: 1})
        assert caught.value.retry_after_seconds == 45


def test_a_day_has_so_many(counted):
    quotas, now = counted
    till = caller(requests_per_day=2, requests_per_minute=100)
    for _ in range(2):
        now.at += 3600
        quotas.take(till, requests=1)
    now.at += 3600
    with pytest.raises(QuotaUsedUpError, match="2 requests a day") as caught:
        quotas.take(till, requests=1)
    assert caught.value.retry_after_seconds == 20 * 3600
    now.at = MIDNIGHT + 86_400.0
    quotas.take(till, requests=1)


def test_what_is_refused_is_not_counted(counted):
    quotas, _ = counted
    till = caller(rows_per_minute=10)
    quotas.take(till, rows=8)
    for _ in range(5):
        with pytest.raises(QuotaUsedUpError):
            quotas.take(till, rows=3)
    quotas.take(till, rows=2)
    with pytest.raises(QuotaUsedUpError):
        quotas.take(till, requests=1)


def test_who_was_refused_is_refused_before_anything_is_done_until_the_window_is_over(counted, home):
    quotas, now = counted
    other = Quotas(home, clock=lambda: now.at)
    till = caller(requests_per_minute=2)
    quotas.check(till)
    for _ in range(2):
        quotas.take(till, requests=1)
    other.check(till)
    for each in (quotas, other):
        with pytest.raises(QuotaUsedUpError):
            each.take(till, requests=1)
        with pytest.raises(QuotaUsedUpError):
            each.check(till)
    now.at += 60
    for each in (quotas, other):
        each.check(till)
    quotas.take(till, requests=2)
    with pytest.raises(QuotaUsedUpError):
        quotas.take(till, requests=1)
    other.close()


def test_who_was_refused_for_asking_much_may_ask_for_what_is_left(counted):
    quotas, _ = counted
    till = caller(rows_per_minute=10)
    quotas.take(till, requests=1, rows=8)
    with pytest.raises(QuotaUsedUpError):
        quotas.take(till, requests=1, rows=3)
    quotas.check(till)
    quotas.take(till, requests=1, rows=2)


def test_rows_that_fit_into_no_window_are_told_so(counted):
    quotas, _ = counted
    with pytest.raises(TooManyRowsError, match="11 rows, and the quota of this key is 10 a minute"):
        quotas.take(caller(rows_per_minute=10), rows=11)


def test_it_is_said_once_in_a_window_that_it_is_used_up(counted):
    quotas, now = counted
    till, told = caller(requests_per_minute=1, requests_per_day=2), []
    for seconds in (0, 0, 0, 60, 0, 0):
        now.at += seconds
        try:
            quotas.take(till, requests=1)
        except QuotaUsedUpError as fault:
            told.append((fault.is_first, "minute" in str(fault)))
    assert told == [(True, True), (False, True), (True, False), (False, False)]


def test_keys_are_counted_apart_also_where_their_places_collide(counted, home):
    quotas, _ = counted
    quotas.take(caller(requests_per_minute=5), requests=1)
    size = (home / "quotas").stat().st_size
    assert size == _PLACES * 64
    keys = [f"k{number:07d}" for number in range(5000)]
    for _ in range(2):
        for key in keys:
            quotas.take(caller(key, requests_per_minute=2), requests=1)
    for key in keys[::97]:
        with pytest.raises(QuotaUsedUpError):
            quotas.take(caller(key, requests_per_minute=2), requests=1)


def test_another_server_and_the_next_one_go_on_counting(counted, home):
    quotas, now = counted
    quotas.take(caller(requests_per_day=2), requests=1)
    other = Quotas(home, clock=lambda: now.at)
    other.take(caller(requests_per_day=2), requests=1)
    for each in (quotas, other):
        with pytest.raises(QuotaUsedUpError):
            each.take(caller(requests_per_day=2), requests=1)
    other.close()


def _take_all(home, said):
    quotas, taken, first = Quotas(home, clock=lambda: MIDNIGHT + 1.0), 0, 0
    for _ in range(4000):
        try:
            quotas.take(caller(requests_per_minute=5000), requests=1)
            taken += 1
        except QuotaUsedUpError as fault:
            first += fault.is_first
    said.put((taken, first))


def test_processes_that_count_at_once_lose_nothing(home):
    context = multiprocessing.get_context("spawn")
    said = context.SimpleQueue()
    crew = [context.Process(target=_take_all, args=(home, said)) for _ in range(3)]
    for each in crew:
        each.start()
    told = [said.get() for _ in crew]
    for each in crew:
        each.join()
    # But for who was stopped for long in the very moment of counting, on a machine that is very busy.
    assert 5000 <= sum(taken for taken, _ in told) <= 5002
    assert sum(first for _, first in told) == 1


def test_a_process_that_holds_the_lock_stops_nobody(counted, home):
    import fcntl

    quotas, _ = counted
    till = caller(requests_per_minute=2)
    quotas.take(till, requests=1)
    with (home / "quotas").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        quotas.take(till, requests=1)
        with pytest.raises(QuotaUsedUpError):
            quotas.take(till, requests=1)
