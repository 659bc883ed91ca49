# SPDX-License-Identifier: Apache-2.0
"""Many callers at once: each gets its own answer, exactly once, or a reason; and the ledger tells the same story."""

import asyncio
import sqlite3

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from modelward.registry import InvalidRowsError
from modelward.serving import Answer, Asking, LedgerUnavailableError, Question, TooSlowError, as_records

ages = st.one_of(st.none(), st.floats(0, 100, width=32))
rows = st.fixed_dictionaries(
    {"age": ages, "hours": st.floats(0, 100, width=32), "sector": st.sampled_from(["public", "private", "new", None])}
)


@pytest.fixture
def gateway(entered):
    """A gateway over `income:1` in an event loop of its own, and what runs a coroutine there."""
    return entered()


def ask(live, asked, *, model="income", **more):
    return Question(caller=live.admin, model=model, payload=msgspec.json.encode(asked), **more)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions=st.lists(st.lists(rows, min_size=1, max_size=5), min_size=1, max_size=40))
def test_together_everybody_gets_what_they_get_alone(live, gateway, questions):
    opened, run = gateway

    async def together():
        return await asyncio.gather(*(opened.predict(ask(live, asked), asked) for asked in questions))

    async def alone():
        return [await opened.predict(ask(live, asked), asked) for asked in questions]

    assert [answers(reply) for reply in run(together())] == [answers(reply) for reply in run(alone())]


def answers(reply):
    return msgspec.json.decode(reply.payload, type=Answer).predictions


def test_every_answer_has_one_entry_of_its_own(live, gateway):
    opened, run = gateway

    async def together():
        asked = [[{"age": age, "hours": 38, "sector": "public"}] for age in range(200)]
        return await asyncio.gather(*(opened.predict(ask(live, one), one) for one in asked))

    replies = run(together())
    logged = {entry.index: entry for entry in live.logged("inference.answered")}
    assert len({reply.entry for reply in replies}) == 200
    for reply in replies:
        assert logged[reply.entry].request == reply.request
        assert logged[reply.entry].facts["output"] == live.ledger.request_key(reply.request).commitment(reply.payload)


def test_a_caller_who_leaves_takes_nobody_along_and_an_answer_not_begun_is_never_on_record(live, gate, entered):
    live.make_live(live.register("gated"))
    opened, run = entered(engine_threads=2)
    gate.close()

    def asking(age):
        row = [{"age": age, "hours": 38, "sector": "public"}]
        return asyncio.ensure_future(opened.predict(ask(live, row, model="gated"), row))

    async def some_leave():
        # Both slots are taken, so that what is asked next is not begun.
        holding = []
        for age in range(2):
            holding.append(asking(age))
            await asyncio.to_thread(gate.wait_for, age + 1)
        leaving = [asking(age) for age in range(10, 20)]
        staying = [asking(age) for age in range(20, 30)]
        await asyncio.sleep(0.01)
        for one in [*leaving, holding[0]]:
            one.cancel()
        await asyncio.sleep(0)
        gate.open()
        return await asyncio.gather(*staying, holding[1])

    replies = run(some_leave())
    # Of the two that were begun, the one whose caller left is not on record either.
    assert {entry.request for entry in live.logged("inference.answered")} == {reply.request for reply in replies}
    assert len(replies) == 11
    computed = [age for _, ages in gate.calls for age in ages]
    assert sorted(computed) == [0, 1, *range(20, 30)], "what was not begun was not done"
    assert len(opened._open) == 0


def test_a_question_that_cannot_be_answered_takes_no_other_along(live, gateway):
    opened, run = gateway
    good = [{"age": 50, "hours": 38, "sector": "public"}]
    bad = ([], [{**good[0], "hours": "many"}], [{**good[0], "hours": None}], [{"age": 1}], [3], [good])
    asked = [bad[at % 12 // 2] if at % 2 else good for at in range(60)]

    async def together():
        return await asyncio.gather(*(opened.predict(ask(live, one), one) for one in asked), return_exceptions=True)

    for one, outcome in zip(asked, run(together()), strict=True):
        if one is good:
            assert len(answers(outcome)) == 1
        else:
            assert isinstance(outcome, InvalidRowsError)
            assert str(outcome).startswith(("Row 1", "There are no rows"))
    assert len(live.logged("inference.answered")) == 30


def test_an_answer_that_cannot_be_written_takes_no_other_along(live, gateway):
    opened, run = gateway
    row = [{"age": 50, "hours": 38, "sector": "public"}]

    def fail(_computed):
        raise ZeroDivisionError

    def asking(render):
        return opened.answer(ask(live, row), lambda interface: Asking(interface.table_of_rows(row), render))

    async def together():
        renders = [fail if at % 3 == 0 else as_records for at in range(30)]
        return await asyncio.gather(*map(asking, renders), return_exceptions=True)

    outcomes = run(together())
    assert [isinstance(outcome, ZeroDivisionError) for outcome in outcomes] == [at % 3 == 0 for at in range(30)]
    assert len(live.logged("inference.answered")) == 20


def test_an_engine_that_loses_a_row_gives_nobody_the_answer_of_another(live, engines, entered):
    live.make_live(live.register("lossy"))
    opened, run = entered()
    asked = [[{"age": age, "hours": 38, "sector": "public"}] for age in range(20)]

    async def together():
        many = [asked[0][0]] * 10
        lossy = (opened.predict(ask(live, one, model="lossy"), one) for one in [*asked, many])
        return await asyncio.gather(*lossy, return_exceptions=True)

    async def alone():
        return [await opened.predict(ask(live, one), one) for one in asked]

    *outcomes, of_many = run(together())
    assert [answers(reply) for reply in outcomes] == [answers(reply) for reply in run(alone())]
    assert isinstance(of_many, ValueError)


@pytest.mark.parametrize(("set_to", "asked"), [({}, {"timeout_seconds": 0.2}), ({"request_timeout_seconds": 0.2}, {})])
def test_an_answer_that_takes_too_long_is_given_up(live, gate, entered, set_to, asked):
    """Whether it is the caller or the settings that allow no more time."""
    live.make_live(live.register("gated"))
    opened, run = entered(**set_to)
    row = [{"age": 50, "hours": 38, "sector": "public"}]
    gate.close()
    with pytest.raises(TooSlowError, match=r"0\.2 s"):
        run(opened.predict(ask(live, row, model="gated", **asked), row))
    assert len(opened._open) == 0
    gate.open()
    # A refusal is recorded without waiting for it, but before what comes after it.
    run(opened.predict(ask(live, row), row))
    (entry,) = live.logged("inference.refused")
    assert entry.facts["error"] == "TooSlowError"
    assert len(live.logged("inference.answered")) == 1


def test_without_a_ledger_there_is_no_answer(live, gateway, home):
    opened, run = gateway
    row = [{"age": 50, "hours": 38, "sector": "public"}]
    run(opened.predict(ask(live, row), row))
    connection = sqlite3.connect(home / "modelward.db")
    connection.execute("ALTER TABLE ledger_entries RENAME TO elsewhere")
    with pytest.raises(LedgerUnavailableError, match="no answer is given"):
        run(opened.predict(ask(live, row), row))
    connection.execute("ALTER TABLE elsewhere RENAME TO ledger_entries")
    connection.close()
    assert answers(run(opened.predict(ask(live, row), row)))
    assert len(live.logged("inference.answered")) == 2
    assert live.ledger.verify().is_sound
