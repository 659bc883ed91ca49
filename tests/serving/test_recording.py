# SPDX-License-Identifier: Apache-2.0
"""The ledger says of every question what its caller was told, also of those who were given up at the last moment."""

import asyncio
import threading
import time

import msgspec
import pytest

from modelward.registry import InvalidRowsError
from modelward.serving import LedgerUnavailableError, Panel, Question, TooSlowError, recording
from modelward.serving.recording import Bunch
from serving.locking import locked

ROW = [{"age": 50, "hours": 38, "sector": "public"}]


def ask(live, opened, **more):
    question = Question(caller=live.admin, model="income", payload=msgspec.json.encode(ROW), **more)
    return asyncio.ensure_future(opened.predict(question, ROW))


class Held:
    """Holds the writer of the ledger after it has chosen what to record, and before that is durable."""

    def __init__(self, monkeypatch):
        self.chosen = threading.Event()
        self.end = threading.Event()
        choose = Bunch.drafts

        def drafts(bunch):
            found = choose(bunch)
            if bunch.answers:
                self.chosen.set()
                assert self.end.wait(30)
            return found

        monkeypatch.setattr(Bunch, "drafts", drafts)


@pytest.fixture
def held(monkeypatch):
    holding = Held(monkeypatch)
    yield holding
    holding.end.set()


def test_whose_time_is_over_while_the_ledger_is_locked_is_told_at_once_and_not_on_record_as_answered(live, entered, home):
    opened, run = entered()

    async def scenario():
        with locked(home):
            with pytest.raises(TooSlowError, match=r"0\.1 s"):
                await ask(live, opened, timeout_seconds=0.1)
            assert len(opened._open) == 0
        return await ask(live, opened)

    reply = run(scenario())
    assert [entry.request for entry in live.logged("inference.answered")] == [reply.request]
    assert [entry.facts["error"] for entry in live.logged("inference.refused")] == ["TooSlowError"]


def test_whose_time_is_over_while_their_answer_is_made_durable_gets_it(live, entered, held):
    opened, run = entered()

    async def scenario():
        asked = ask(live, opened, timeout_seconds=0.1)
        await asyncio.to_thread(held.chosen.wait, 30)
        await asyncio.sleep(0.2)
        held.end.set()
        return await asked

    reply = run(scenario())
    assert [entry.request for entry in live.logged("inference.answered")] == [reply.request]
    assert live.logged("inference.refused") == []
    assert len(opened._open) == 0


def test_nobody_looks_again_and_again_for_who_is_told_once_it_is_known_whether_they_are_on_record(live, entered, held):
    opened, run = entered()
    given_up = []

    async def scenario():
        give_up = opened._answering.give_up
        opened._answering.give_up = lambda pending, fault: (given_up.append(pending), give_up(pending, fault))
        asked = [ask(live, opened, timeout_seconds=0.1) for _ in range(5)]
        await asyncio.to_thread(held.chosen.wait, 30)
        await asyncio.sleep(0.5)
        held.end.set()
        await asyncio.gather(*asked)

    run(scenario())
    assert 0 < len(given_up) <= 5


def test_of_answers_made_durable_together_the_ones_given_up_before_are_left_out(live, entered, home):
    opened, run = entered()

    async def scenario():
        with locked(home):
            staying = [ask(live, opened) for _ in range(3)]
            hasty = ask(live, opened, timeout_seconds=0.1)
            leaving = ask(live, opened)
            with pytest.raises(TooSlowError):
                await hasty
            leaving.cancel()
            await asyncio.sleep(0)
        return await asyncio.gather(*staying)

    replies = run(scenario())
    answered = live.logged("inference.answered")
    assert {entry.request for entry in answered} == {reply.request for reply in replies}
    assert {entry.index: entry.request for entry in answered} == {reply.entry: reply.request for reply in replies}
    assert len(live.logged("inference.refused")) == 1


def test_at_the_end_whose_answer_is_made_durable_still_gets_it(live, held):
    async def scenario():
        async with live.serving.gateway() as gateway:
            gateway._settings = msgspec.structs.replace(gateway._settings, shutdown_grace_seconds=0.1)
            asked = ask(live, gateway)
            await asyncio.to_thread(held.chosen.wait, 30)
            asyncio.get_running_loop().call_later(0.3, held.end.set)
        return await asked

    reply = asyncio.run(scenario())
    assert [entry.request for entry in live.logged("inference.answered")] == [reply.request]


@pytest.mark.parametrize("durability", ["full", "relaxed"])
def test_every_answer_is_counted_once(live, entered, durability):
    opened, run = entered(ledger_durability=durability)

    async def scenario():
        await asyncio.gather(*(ask(live, opened) for _ in range(7)))
        # In the other order than answers come, so that the entries are written by now.
        await asyncio.to_thread(opened._commits.close)
        await asyncio.sleep(0.01)

    run(scenario())
    said = Panel(opened.meters.instruments).snapshot()
    assert dict(said["modelward_questions_total"]) == {("answered",): [7]}
    assert dict(said["modelward_predictions_total"]) == {("income", "1"): [7]}
    assert len(live.logged("inference.answered")) == 7


async def refusals(live, gateway, number):
    question = Question(caller=live.admin, model="income", payload=b"{}")
    for _ in range(number):
        with pytest.raises(InvalidRowsError):
            await gateway.predict(question, [])


def unrecorded(gateway):
    return dict(Panel(gateway.meters.instruments).snapshot()["modelward_unrecorded_refusals_total"]).get((), [0])[0]


def test_refusals_do_not_pile_up_while_the_ledger_is_locked_and_those_that_are_lost_are_counted_and_told_once(
    live, entered, home, caplog, monkeypatch
):
    limit = 50
    monkeypatch.setattr(recording, "NOTES_LIMIT", limit)
    gateway, run = entered()
    waiting = gateway._commits._waiting
    with locked(home):
        run(refusals(live, gateway, 3 * limit))
        assert waiting.qsize() <= limit
    lost = unrecorded(gateway)
    assert 2 * limit <= lost < 3 * limit
    assert [record.levelname for record in caplog.records if "refusals wait" in record.message] == ["WARNING"]
    run(until(lambda: len(live.logged("inference.refused")) == 3 * limit - lost))
    run(refusals(live, gateway, 1))
    run(until(lambda: len(live.logged("inference.refused")) == 3 * limit - lost + 1))
    assert unrecorded(gateway) == lost


@pytest.mark.parametrize("durability", ["strict", "relaxed"])
def test_answers_that_nobody_waits_for_any_more_do_not_pile_up_while_the_ledger_is_locked(
    live, entered, home, monkeypatch, durability
):
    """In relaxed mode they leave as long as what they left is not too much to be kept until it can be recorded."""
    limit = 40
    monkeypatch.setattr(recording, "NOTES_LIMIT", limit)
    gateway, run = entered(inflight_limit=10, ledger_durability=durability)

    async def ask_in_vain():
        return await asyncio.gather(*(ask(live, gateway, timeout_seconds=0.01) for _ in range(5)), return_exceptions=True)

    with locked(home):
        last = [run(ask_in_vain()) for _ in range(20)][-1]
        assert gateway._answering._recording._answers.waiting < limit + 5
    assert {type(found) for found in last} == {LedgerUnavailableError}
    assert not gateway.meters.is_recording
    run(until(lambda: gateway._answering._recording._answers.waiting == 0))
    assert run(ask_once(live, gateway)).entry is None or durability == "strict"


async def ask_once(live, gateway):
    return await ask(live, gateway)


async def until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)
