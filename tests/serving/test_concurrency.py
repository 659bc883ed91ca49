# SPDX-License-Identifier: Apache-2.0
"""Many callers at once: each gets its own answer, exactly once, or a reason; and the ledger tells the same story."""

import asyncio
import sqlite3
import threading

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from modelward.registry import InvalidRowsError
from modelward.serving import Answer, LedgerUnavailableError, Question, TooSlowError

ages = st.one_of(st.none(), st.floats(0, 100, width=32))
rows = st.fixed_dictionaries(
    {"age": ages, "hours": st.floats(0, 100, width=32), "sector": st.sampled_from(["public", "private", "new", None])}
)


@pytest.fixture
def gateway(live):
    """A gateway over `income:1` in an event loop of its own, and what runs a coroutine there."""
    loop = asyncio.new_event_loop()
    entered = loop.run_until_complete(live.serving.gateway().__aenter__())
    yield entered, loop.run_until_complete
    loop.run_until_complete(entered.__aexit__(None, None, None))
    loop.close()


def ask(live, asked):
    return Question(caller=live.admin, model="income", payload=msgspec.json.encode(asked))


def columns(asked):
    return {name: [row[name] for row in asked] for name in asked[0]}


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


def test_a_caller_who_leaves_takes_nobody_along_and_an_answer_not_begun_is_never_on_record(live, gateway):
    opened, run = gateway
    row = [{"age": 50, "hours": 38, "sector": "public"}]
    held = threading.Event()

    def slow(_computed):
        held.wait(10)
        return b"slow"

    async def some_leave():
        # Both engine threads are held, so that what is asked next is not begun.
        holding = []
        for _ in range(2):
            holding.append(asyncio.ensure_future(opened.infer(ask(live, row), columns(row), render=slow)))
            await asyncio.sleep(0.05)
        leaving = [asyncio.ensure_future(opened.predict(ask(live, row), row)) for _ in range(10)]
        staying = [asyncio.ensure_future(opened.predict(ask(live, row), row)) for _ in range(10)]
        await asyncio.sleep(0.05)
        for one in [*leaving, holding[0]]:
            one.cancel()
        await asyncio.sleep(0)
        held.set()
        return await asyncio.gather(*staying, holding[1])

    assert len(run(some_leave())) == 11
    # Of the two that were begun, the one whose caller left is not on record either.
    assert len(live.logged("inference.answered")) == 11
    assert opened.open_questions == 0


def test_a_question_that_cannot_be_answered_takes_no_other_along(live, gateway):
    opened, run = gateway
    good = [{"age": 50, "hours": 38, "sector": "public"}]
    bad = ([], [{**good[0], "hours": "many"}], [{**good[0], "hours": None}], [{"age": 1}], "rows", [good])
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

    async def together():
        renders = [fail if at % 3 == 0 else (lambda _computed: b"fine") for at in range(30)]
        return await asyncio.gather(
            *(opened.infer(ask(live, row), columns(row), render=render) for render in renders), return_exceptions=True
        )

    outcomes = run(together())
    assert [isinstance(outcome, ZeroDivisionError) for outcome in outcomes] == [at % 3 == 0 for at in range(30)]


def test_an_answer_that_takes_too_long_is_given_up(live, gateway):
    opened, run = gateway
    patient, opened._settings = opened._settings, msgspec.structs.replace(opened._settings, request_timeout_seconds=0.05)
    row, held = [{"age": 50, "hours": 38, "sector": "public"}], threading.Event()
    with pytest.raises(TooSlowError, match=r"0\.05 s"):
        run(opened.infer(ask(live, row), columns(row), render=lambda _computed: bytes(held.wait(0.5))))
    # A refusal is recorded without waiting for it, but before what comes after it.
    opened._settings = patient
    run(opened.predict(ask(live, row), row))
    (entry,) = live.logged("inference.refused")
    assert entry.facts["error"] == "TooSlowError"


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
