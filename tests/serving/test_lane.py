# SPDX-License-Identifier: Apache-2.0
"""What takes long has a line of its own, which is fair, works for nobody who has left, and is no longer than its callers wait."""

import asyncio
import threading
import time

import pytest

from modelward.serving import Asking, OverloadedError, Question, TooSlowError, Why, as_records

ROW = {"age": 62, "hours": 12.5, "sector": "public"}
LARGE = b" " * (300 << 10)


class Held:
    """Work that is done once it may be, and what of it was begun."""

    def __init__(self):
        self.begun = []
        self.may_end = threading.Event()

    def begin(self, age):
        self.begun.append(age)
        assert self.may_end.wait(30), "the test never let it end"


@pytest.fixture
def held():
    work = Held()
    yield work
    work.may_end.set()


@pytest.fixture
def gateway(live, entered, held, monkeypatch):
    found, run = entered()
    explain = found._explanations.explain

    def explain_held(opened, rows, **more):
        held.begin(rows[0]["age"])
        return explain(opened, rows, **more)

    monkeypatch.setattr(found._explanations, "explain", explain_held)
    return found, run


def explaining(gateway, key, age, *, seconds=None, priority=0):
    question = Question(caller=key, model="income", payload=b"{}", timeout_seconds=seconds, priority=priority)
    return asyncio.ensure_future(gateway.explain(question, lambda: Why([{**ROW, "age": age}])))


def reading(gateway, key, age, held, *, seconds=None, priority=0):
    question = Question(caller=key, model="income", payload=LARGE, timeout_seconds=seconds, priority=priority)

    def read(interface):
        held.begin(age)
        return Asking(interface.table_of_rows([{**ROW, "age": age}]), as_records)

    return asyncio.ensure_future(gateway.answer(question, read))


@pytest.fixture(params=["explaining", "reading"])
def ask(request, gateway, held):
    """Ask something for which there is one thread."""
    found, _ = gateway
    if request.param == "explaining":
        return lambda key, age, **more: explaining(found, key, age, **more)
    return lambda key, age, **more: reading(found, key, age, held, **more)


async def until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


def test_nothing_is_begun_for_who_has_left_or_waited_in_vain(live, gateway, ask, held):
    key = live.key()

    async def run():
        first = ask(key, 1)
        await until(lambda: held.begun)
        gone = [ask(key, age) for age in range(2, 6)]
        late = [ask(key, age, seconds=0.02) for age in range(6, 10)]
        last = ask(key, 10)
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        assert {type(fault) for fault in await asyncio.gather(*late, return_exceptions=True)} == {TooSlowError}
        held.may_end.set()
        await asyncio.gather(first, last)

    gateway[1](run())
    assert held.begun == [1, 10]
    assert len(live.logged("inference.explained") + live.logged("inference.answered")) == 2


def test_who_leaves_while_it_is_made_is_not_on_record_as_answered_and_the_next_one_is_served(live, gateway, ask, held):
    key = live.key()

    async def run():
        first = ask(key, 1)
        await until(lambda: held.begun)
        next_one = ask(key, 2)
        first.cancel()
        held.may_end.set()
        await next_one

    gateway[1](run())
    assert held.begun == [1, 2]
    assert len(live.logged("inference.explained") + live.logged("inference.answered")) == 1


async def take_long(ask, held, key, *, seconds):
    """So long it takes, as far as is known from now on; the first counts for nothing, for it may load libraries."""
    held.may_end.set()
    await ask(key, 0)
    held.may_end.clear()
    held.begun.clear()
    slow = ask(key, 1)
    await until(lambda: held.begun)
    await asyncio.sleep(seconds)
    held.may_end.set()
    await slow
    held.may_end.clear()


def test_whose_turn_would_come_too_late_is_told_at_once_and_who_comes_alone_never_is(live, gateway, ask, held):
    key = live.key()

    async def run():
        await take_long(ask, held, key, seconds=0.3)
        alone = ask(key, 2, seconds=30)
        await until(lambda: len(held.begun) == 2)
        with pytest.raises(OverloadedError, match="others wait before it") as told:
            await ask(key, 3, seconds=0.25)
        assert told.value.retry_after_seconds > 0.25
        patient = ask(key, 4, seconds=30)
        held.may_end.set()
        await asyncio.gather(alone, patient)
        await ask(key, 5, seconds=20)

    gateway[1](run())
    assert held.begun == [1, 2, 4, 5]


def test_one_that_took_long_turns_callers_away_no_longer_than_until_the_next_is_quick(live, gateway, ask, held):
    key = live.key()

    async def run():
        await take_long(ask, held, key, seconds=2)
        held.may_end.set()
        await ask(key, 2)
        held.may_end.clear()
        under_way = ask(key, 3)
        await until(lambda: len(held.begun) == 3)
        after = ask(key, 4, seconds=1.5)
        await asyncio.sleep(0.01)
        held.may_end.set()
        await asyncio.gather(under_way, after)

    gateway[1](run())
    assert held.begun == [1, 2, 3, 4]


def test_the_first_which_loads_libraries_turns_nobody_away(live, gateway, ask, held):
    key = live.key()

    async def run():
        first = ask(key, 1)
        await until(lambda: held.begun)
        await asyncio.sleep(1)
        held.may_end.set()
        await first
        held.may_end.clear()
        second = ask(key, 2)
        await until(lambda: len(held.begun) == 2)
        third = ask(key, 3, seconds=0.9)
        await asyncio.sleep(0.01)
        held.may_end.set()
        await asyncio.gather(second, third)

    gateway[1](run())
    assert held.begun == [1, 2, 3]


def test_a_caller_who_asks_much_does_not_keep_another_waiting_and_the_more_urgent_goes_first(live, gateway, ask, held):
    greedy, polite = live.key("greedy"), live.key("polite")

    async def run():
        tasks = [ask(greedy, 1)]
        await until(lambda: held.begun)
        tasks += [ask(greedy, age) for age in (2, 3, 4)]
        tasks += [ask(polite, 5), ask(polite, 6, priority=1)]
        await asyncio.sleep(0.01)
        held.may_end.set()
        await asyncio.gather(*tasks)

    gateway[1](run())
    assert held.begun == [1, 2, 6, 3, 5, 4]
