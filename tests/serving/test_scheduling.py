# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is: between models, between callers, by priority; and who is turned away before they stand in line."""

import asyncio
import time
from contextlib import suppress

import msgspec
import pytest

from modelward.errors import ModelwardError
from modelward.serving import Asking, OverloadedError, Panel, Question, TooSlowError, answering, as_records
from modelward.serving.recording import Bunch
from serving.engines import Laborious, Noted
from serving.locking import locked


class Asker:
    """Asks models that are gated, by one age a row, which tells questions apart."""

    def __init__(self, house, gateway):
        self._house = house
        self.gateway = gateway

    def ask(self, *ages, model="gated", caller=None, group=None, **more):
        rows = [{"age": age, "hours": 38, "sector": "public"} for age in ages]
        question = Question(caller=caller or self._house.admin, model=model, payload=msgspec.json.encode(rows), **more)

        def read(interface):
            return Asking(interface.table_of_rows(rows), as_records, group)

        return asyncio.ensure_future(self.gateway.answer(question, read))

    def open_questions(self) -> int:
        said = Panel(self.gateway.meters.instruments).snapshot()
        return dict(said["modelward_inflight_requests"])[()][0]


@pytest.fixture
def asking(live, gate, entered):
    """A gateway over `income` and models that are gated, with one slot, and what runs a coroutine there."""

    def enter(*models, **settings):
        for model in models or ["gated"]:
            live.make_live(live.register(model))
        gateway, run = entered(**{"engine_threads": 1} | settings)
        gate.close()
        return Asker(live, gateway), run

    return enter


async def passes(number=10):
    """Let the loop look at everything that is due."""
    for _ in range(number):
        await asyncio.sleep(0)


def test_what_waits_while_the_slot_is_busy_is_computed_together(asking, gate):
    asker, run = asking()

    async def scenario():
        first = asker.ask(1)
        await asyncio.to_thread(gate.wait_for, 1)
        others = [asker.ask(age) for age in (2, 3, 4)]
        await asyncio.sleep(0.01)
        gate.open()
        await asyncio.gather(first, *others)

    run(scenario())
    assert [ages for _, ages in gate.calls] == [[1], [2, 3, 4]]


def test_callers_who_ask_again_at_once_do_not_stay_two_halves(live, engines, entered, monkeypatch):
    Laborious.together = calls = []
    live.make_live(live.register("laborious"))

    def calls_of_all(delay):
        """How many calls had a row of every caller."""
        gateway, run = entered(engine_threads=1, batch_delay_seconds=delay)
        asker = Asker(live, gateway)
        asked = 0

        async def caller(at):
            nonlocal asked
            for _ in range(16):
                answer = asker.ask(at, model="laborious")
                asked += 1
                await answer

        async def scenario():
            calls.clear()
            first = [asyncio.ensure_future(caller(at)) for at in range(3)]
            while not calls:
                await asyncio.sleep(0.001)
            await asyncio.gather(*first, *map(caller, range(3, 6)))

        # Whose answer was computed before asks again while the call goes on, so each half stays for itself.
        with monkeypatch.context() as patching:
            patching.setattr(Laborious, "all_are_there", lambda _: asked >= min(sum(calls[:-1]) + 6, 6 * 16))
            run(scenario())
        return calls.count(6)

    assert calls_of_all(0.0) == 0
    # No longer than a call takes is waited: who is not given the processor in that time comes later, now and then.
    assert any(calls_of_all(1.0) > 0 for _ in range(3))


def test_dear_rows_of_several_questions_do_not_make_one_long_call(asking, gate):
    asker, run = asking("weighty")

    async def scenario():
        first = asker.ask(1, model="weighty")
        await asyncio.to_thread(gate.wait_for, 1)
        others = [asker.ask(*[age] * 8, model="weighty") for age in range(2, 14)]
        await asyncio.sleep(0.01)
        gate.open()
        await asyncio.gather(first, *others)

    run(scenario())
    assert len(gate.calls[1][1]) > 8, "together, as far as it saves something"
    assert all(len(ages) <= 48 for _, ages in gate.calls)
    assert sum(len(ages) for _, ages in gate.calls) == 1 + 12 * 8


def test_a_model_whose_line_never_ends_does_not_keep_another_waiting(asking, gate):
    asker, run = asking("gated", "gated-too", batch_rows=1)

    async def scenario():
        busy = [asker.ask(age) for age in range(20)]
        await asyncio.to_thread(gate.wait_for, 1)
        quiet = asker.ask(50, model="gated-too")
        await passes()
        gate.open()
        await asyncio.gather(*busy, quiet)

    run(scenario())
    # One call was waiting for the slot before.
    assert [model for model, _ in gate.calls].index("gated-too") <= 2


def test_a_slot_that_nobody_needs_any_more_goes_to_who_does(asking, gate):
    asker, run = asking("gated", "gated-too")

    async def scenario():
        first = asker.ask(1)
        await asyncio.to_thread(gate.wait_for, 1)
        leaving = asker.ask(2)
        await passes()
        staying = asker.ask(3, model="gated-too")
        await passes()
        leaving.cancel()
        await passes()
        gate.open()
        await asyncio.wait_for(asyncio.gather(first, staying), 20)

    run(scenario())
    assert gate.calls == [("gated", [1]), ("gated-too", [3])]
    assert asker.open_questions() == 0


def test_questions_that_nobody_waits_for_any_more_keep_nobody_from_being_admitted(asking, gate):
    asker, run = asking(batch_rows=1)

    async def scenario():
        first = asker.ask(1)
        await asyncio.to_thread(gate.wait_for, 1)
        # Each takes 2 ms of work, so that as many as these would take longer than the last caller waits.
        leaving = [asker.ask(age) for age in range(2, 62) for _ in range(10)]
        await passes()
        for question in leaving:
            question.cancel()
        await passes()
        staying = asker.ask(1.5, timeout_seconds=1.0)
        await passes()
        assert not staying.done()
        gate.open()
        await first
        return await staying

    assert run(scenario()).rows == 1


def test_a_question_too_large_to_be_answered_on_the_way_waits_for_a_slot_and_keeps_no_small_one_waiting(asking, gate):
    asker, run = asking("gated", "uneven")

    async def scenario():
        busy = asker.ask(1)
        await asyncio.to_thread(gate.wait_for, 1)
        large, leaving = (asker.ask(*[age] * 40, model="uneven") for age in (2, 3))
        await passes()
        leaving.cancel()
        for age in (4, 5):
            await asyncio.wait_for(asker.ask(age, model="uneven"), 20)
        assert not large.done()
        gate.open()
        return await asyncio.gather(busy, large)

    assert len(run(scenario())) == 2
    assert gate.calls == [("gated", [1]), ("uneven", [2] * 40)], "what was not begun was not done"
    assert asker.open_questions() == 0


def test_a_caller_with_a_long_line_does_not_keep_another_waiting(asking, live, gate):
    asker, run = asking(batch_rows=8)
    busy, quiet = live.key("busy"), live.key("quiet")

    async def scenario():
        many = [asker.ask(age, caller=busy) for age in range(100)]
        await asyncio.to_thread(gate.wait_for, 1)
        one = asker.ask(200, caller=quiet)
        await passes()
        gate.open()
        await asyncio.gather(*many, one)

    run(scenario())
    assert next(at for at, (_, ages) in enumerate(gate.calls) if 200 in ages) <= 3


def test_of_one_callers_questions_the_more_urgent_go_first(asking, gate):
    asker, run = asking(batch_rows=1)

    async def scenario():
        asked = [asker.ask(0)]
        await asyncio.to_thread(gate.wait_for, 1)
        asked += [asker.ask(age, priority=priority) for age, priority in ((1, 0), (2, 0), (3, 9), (4, 5), (5, 9))]
        await passes()
        gate.open()
        await asyncio.gather(*asked)

    run(scenario())
    assert [ages for _, ages in gate.calls] == [[0], [3], [5], [4], [1], [2]]


def test_questions_of_different_groups_are_computed_apart(asking, gate):
    asker, run = asking()

    async def scenario():
        asked = [asker.ask(0)]
        await asyncio.to_thread(gate.wait_for, 1)
        asked += [asker.ask(age, group=group) for age, group in ((1, "a"), (2, "a"), (3, "b"), (4, "a"))]
        await passes()
        gate.open()
        await asyncio.gather(*asked)

    run(scenario())
    assert [ages for _, ages in gate.calls] == [[0], [1, 2], [3], [4]]


def test_who_can_not_be_answered_in_time_is_turned_away_before_they_stand_in_line_and_nobody_else_is(asking, live, gate):
    asker, run = asking(batch_rows=1)

    async def scenario():
        # Each call costs 2 ms at least, and one is made after the other.
        line = [asker.ask(age) for age in range(30)]
        await asyncio.to_thread(gate.wait_for, 1)
        before = asker.open_questions()
        hasty = asker.ask(99, timeout_seconds=0.02)
        patient = asker.ask(100, timeout_seconds=20)
        with pytest.raises(OverloadedError, match="Ask again later") as refused:
            await hasty
        assert refused.value.retry_after_seconds > 0.02
        assert asker.open_questions() == before + 1
        gate.open()
        await asyncio.gather(*line, patient)

    run(scenario())
    computed = [age for _, ages in gate.calls for age in ages]
    assert computed == [*range(30), 100]
    assert live.logged("inference.refused") == [], "overload is not put on record"


def test_an_urgent_question_is_not_turned_away_for_those_it_overtakes(asking, gate):
    asker, run = asking(batch_rows=1)

    async def scenario():
        line = [asker.ask(1)]
        await asyncio.to_thread(gate.wait_for, 1)
        # Each takes 2 ms of work, which is far longer than a second for all of them.
        line += [asker.ask(age) for age in range(2, 62) for _ in range(15)]
        await passes()
        urgent = asker.ask(100, timeout_seconds=1.0, priority=9)
        with pytest.raises(OverloadedError):
            await asker.ask(200, timeout_seconds=1.0)
        assert not urgent.done()
        gate.open()
        await urgent
        for question in line:
            question.cancel()

    run(scenario())
    assert gate.calls[1] == ("gated", [100])


def test_a_caller_is_not_turned_away_for_those_of_another_who_come_after_it(asking, gate, live):
    asker, run = asking(batch_rows=16)
    greedy, polite = live.key("greedy"), live.key("polite")

    async def scenario():
        line = [asker.ask(1, caller=greedy)]
        await asyncio.to_thread(gate.wait_for, 1)
        # As many calls of 2 ms or more as take longer than a second.
        line += [asker.ask(*[2] * 16, caller=greedy) for _ in range(600)]
        await passes()
        asked = asker.ask(100, caller=polite, timeout_seconds=1.0)
        with pytest.raises(OverloadedError):
            await asker.ask(200, caller=greedy, timeout_seconds=1.0)
        assert not asked.done()
        gate.open()
        await asked
        for question in line:
            question.cancel()

    run(scenario())
    assert any(100 in ages for _, ages in gate.calls[:5])


@pytest.mark.parametrize(("slots", "is_in_time"), [(1, False), (8, True)])
def test_what_several_slots_do_at_once_is_reckoned_with(asking, gate, slots, is_in_time):
    asker, run = asking(batch_rows=1, engine_threads=slots)

    async def scenario():
        first = [asker.ask(age) for age in range(slots)]
        await asyncio.to_thread(gate.wait_for, slots)
        # Each takes 2 ms of work or a little more: more than a second one after the other, and much less in eight slots.
        line = [asker.ask(age) for age in range(700)]
        await passes()
        hasty = asker.ask(800, timeout_seconds=1.0)
        await passes()
        assert hasty.done() is not is_in_time
        gate.open()
        for question in (*line, hasty):
            question.cancel()
        await asyncio.gather(*first)

    run(scenario())


def test_the_wait_for_regulars_makes_no_answer_too_late(live, engines, entered):
    Laborious.together = []
    live.make_live(live.register("laborious"))
    gateway, run = entered(engine_threads=1, batch_delay_seconds=1.0)
    asker = Asker(live, gateway)

    async def scenario():
        async def regular(rounds):
            for _ in range(rounds):
                await asker.ask(1, model="laborious")

        await asyncio.gather(*(regular(10) for _ in range(4)))
        # They are waited for now, and do not come. Whoever asks instead has time for a call, and not for the wait as well.
        (batcher,) = gateway._batchers.values()
        hasty = asker.ask(2, model="laborious", timeout_seconds=1.5 * batcher.cost.seconds(1))
        await passes()
        assert batcher._under_way == 1
        with suppress(ModelwardError):
            await hasty

    run(scenario())


def test_large_questions_to_a_cheap_model_are_served_in_turn(asking, gate, live):
    asker, run = asking("uneven", batch_rows=40)
    greedy, polite = live.key("greedy"), live.key("polite")

    async def scenario():
        line = [asker.ask(*[at] * 40, model="uneven", caller=greedy) for at in range(1, 40)]
        await asyncio.to_thread(gate.wait_for, 1)
        line.append(asker.ask(*[100] * 40, model="uneven", caller=polite))
        line.append(asker.ask(*[200] * 40, model="uneven", caller=greedy, priority=9))
        await passes()
        gate.open()
        await asyncio.gather(*line)

    run(scenario())
    asked = [ages[0] for _, ages in gate.calls]
    assert asked.index(100) <= 6
    assert asked.index(200) <= 6


def test_one_long_call_does_not_turn_callers_away_for_ever(asking, gate):
    """Without calls nothing would ever be learned again of what a call takes."""
    asker, run = asking()

    async def scenario():
        first = asker.ask(1)
        await asyncio.to_thread(gate.wait_for, 1)
        # As if the machine had stood still.
        await asyncio.sleep(0.3)
        gate.open()
        await first
        with pytest.raises(OverloadedError):
            await asker.ask(2, timeout_seconds=0.05)
        for _ in range(1000):
            with suppress(ModelwardError):
                return await asker.ask(3, timeout_seconds=0.05)
            await asyncio.sleep(0.05)
        raise AssertionError("nobody was ever answered again")

    run(asyncio.wait_for(scenario(), 30))


def test_whose_time_is_over_before_their_turn_is_told_so_and_not_computed(asking, gate):
    asker, run = asking()

    async def scenario():
        first = asker.ask(1)
        await asyncio.to_thread(gate.wait_for, 1)
        late, patient = asker.ask(2, timeout_seconds=0.1), asker.ask(3)
        with pytest.raises(TooSlowError):
            await late
        gate.open()
        await asyncio.gather(first, patient)

    run(scenario())
    assert [ages for _, ages in gate.calls] == [[1], [3]]


def test_no_more_questions_are_open_than_the_limit(asking, gate):
    asker, run = asking(inflight_limit=5)

    async def scenario():
        asked, most = [], 0
        for age in range(20):
            asked.append(asker.ask(age))
            await passes()
            most = max(most, asker.open_questions())
        gate.open()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(outcome, OverloadedError) for outcome in outcomes] == [False] * 5 + [True] * 15
        assert all(outcome.retry_after_seconds > 0 for outcome in outcomes[5:])
        return most

    assert run(scenario()) == 5
    assert asker.open_questions() == 0


@pytest.fixture
def noted(live, engines, entered):
    """A gateway over a cheap model, what runs a coroutine there, and the ages that the engine was asked in each call."""
    Noted.calls = []
    for model in ("noted", "dear"):
        live.make_live(live.register(model))
    gateway, run = entered()
    # When it is opened it is tried.
    Noted.calls.clear()
    return Asker(live, gateway), run, Noted.calls


async def one_by_one(asker, *ages, **more):
    """Ask so that the loop has dealt with each before the next comes."""
    asked = []
    for age in ages:
        asked.append(asker.ask(age, model="noted", **more))
        await passes()
    return asked


def test_what_would_wait_for_the_ledger_anyway_is_computed_together(noted, home):
    asker, run, calls = noted

    async def scenario():
        with locked(home):
            asked = await one_by_one(asker, 1, 2, 3, 4)
            assert calls == [[1]]
        await asyncio.gather(*asked)

    run(scenario())
    assert calls == [[1], [2, 3, 4]]


def test_who_is_in_haste_does_not_wait_for_company(noted, home):
    asker, run, calls = noted

    async def scenario():
        with locked(home):
            asked = await one_by_one(asker, 1, 2)
            asked += await one_by_one(asker, 3, timeout_seconds=0.08)
            assert calls == [[1], [2, 3]]
        await asyncio.gather(*asked, return_exceptions=True)

    run(scenario())


def test_who_cannot_wait_for_the_ledger_is_turned_away_before_the_work(noted, monkeypatch):
    asker, run, calls = noted
    drafts = Bunch.drafts

    def slow(bunch):
        found = drafts(bunch)
        time.sleep(0.3)
        return found

    async def refused_at_once():
        await asker.ask(1, model="noted")
        calls.clear()
        with pytest.raises(ModelwardError) as told:
            await asker.ask(2, model="noted", timeout_seconds=0.2)
        return isinstance(told.value, OverloadedError) and calls == []

    async def scenario():
        monkeypatch.setattr(Bunch, "drafts", slow)
        # Where the machine stands still between the two, it is forgotten what the ledger took.
        for _ in range(20):
            if await refused_at_once():
                break
        else:
            raise AssertionError("the work was always done first")
        monkeypatch.setattr(Bunch, "drafts", drafts)
        # Nobody asks any more who could wait so long, and still it is found out that it is over.
        for _ in range(1000):
            with suppress(ModelwardError):
                return await asker.ask(3, model="noted", timeout_seconds=0.2)
            await asyncio.sleep(0.05)
        raise AssertionError("nobody was ever answered again")

    run(asyncio.wait_for(scenario(), 30))


def test_who_waits_for_the_ledger_waits_for_one_transaction_however_many_follow(noted):
    asker, run, calls = noted

    async def scenario():
        # As if others' answers were always being written.
        asker.gateway._recording._under_way.add(Bunch([], [], None, None))
        waiting = await one_by_one(asker, 1)
        assert calls == []
        await asker.ask(2, model="dear")
        await asyncio.gather(*waiting)

    run(asyncio.wait_for(scenario(), 20))
    assert calls == [[1]]


def test_whose_time_is_over_sooner_is_not_kept_waiting_for_others(asking, gate, monkeypatch):
    monkeypatch.setattr(answering, "_SWEEP_SECONDS", 60)
    asker, run = asking()

    async def scenario():
        first = asker.ask(1)
        await asyncio.to_thread(gate.wait_for, 1)
        later = asker.ask(2, timeout_seconds=25)
        await passes()
        with pytest.raises(TooSlowError):
            await asker.ask(3, timeout_seconds=0.05)
        assert not later.done()
        gate.open()
        await asyncio.gather(first, later)

    run(asyncio.wait_for(scenario(), 20))


def test_who_waits_as_long_as_the_settings_say_is_not_kept_waiting_for_who_allows_more(asking, gate, monkeypatch):
    monkeypatch.setattr(answering, "_SWEEP_SECONDS", 0.05)
    asker, run = asking(request_timeout_seconds=1)

    async def scenario():
        first = asker.ask(1)
        await asyncio.to_thread(gate.wait_for, 1)
        # As if their time were longer than what the settings allow.
        asker.gateway._longest_seconds = 25
        patient = asker.ask(2, timeout_seconds=25)
        with pytest.raises(TooSlowError):
            await first
        assert not patient.done()
        gate.open()
        await patient

    run(asyncio.wait_for(scenario(), 20))


def test_no_more_rows_wait_than_the_limit_but_those_of_who_has_few(asking, gate, live):
    asker, run = asking(waiting_rows_limit=20)
    greedy, polite = live.key("greedy"), live.key("polite")

    async def scenario():
        first = asker.ask(0, caller=greedy)
        await asyncio.to_thread(gate.wait_for, 1)
        # All at once, and one by one.
        waiting = [asker.ask(*[at] * 8, caller=greedy) for at in (1, 2, 3)]
        await passes()
        waiting.append(asker.ask(*[4] * 4, caller=greedy))
        await passes()
        waiting.append(asker.ask(5, caller=greedy))
        await passes()
        waiting += [asker.ask(*[at] * 5, caller=polite) for at in (6, 7, 8)]
        await passes()
        gate.open()
        await first
        return await asyncio.gather(*waiting, return_exceptions=True)

    told = run(scenario())
    refused = [isinstance(outcome, OverloadedError) for outcome in told]
    assert refused == [False, False, True, False, True, False, False, True]
    assert "20 may" in str(told[2])
    assert told[2].retry_after_seconds > 0
    assert {age for _, ages in gate.calls for age in ages} == {0, 1, 2, 4, 6, 7}


def test_what_is_larger_than_all_that_may_wait_is_answered_where_nobody_waits(asking, gate):
    asker, run = asking(waiting_rows_limit=2)
    gate.open()

    async def scenario():
        return await asker.ask(1, 2, 3, 4)

    assert run(scenario()).rows == 4
