# SPDX-License-Identifier: Apache-2.0
"""Where no more questions can be open, no caller keeps all the others out, to whichever model they ask."""

import asyncio

import msgspec
import pytest

from modelward.serving import Asking, OverloadedError, Question, as_records
from modelward.serving.room import make_room

ROW = {"age": 40.0, "hours": 38.5, "sector": "public"}
LIMIT = 12


class Asked:
    """What room is made by."""

    def __init__(self, caller, began, priority=0):
        self.caller, self.began, self.priority = caller, began, priority

    def __repr__(self):
        return f"{self.caller}{self.began}"


def made(held, late):
    room = make_room([Asked(*one) for one in held], [Asked(*one) for one in late])
    return repr(room.entering), repr(room.leaving)


def test_the_newest_of_who_holds_most_goes_for_who_holds_less_than_a_share():
    held = [("a", place) for place in range(8)] + [("b", 8), ("b", 9)]
    assert made(held, [("c", 20)]) == ("[c20]", "[a7]")
    assert made(held, [("c", 20), ("a", 21), ("b", 22), ("b", 23)]) == ("[c20, b22]", "[a7, a6]")


def test_the_least_urgent_goes_first():
    assert made([("a", 0), ("a", 1, 5), ("a", 2, 9), ("a", 3, 9)], [("b", 9)]) == ("[b9]", "[a0]")


@pytest.mark.parametrize(
    ("held", "late"),
    [
        ([("a", 0), ("a", 1)], [("a", 2)]),
        ([("a", 0), ("a", 1), ("b", 2), ("b", 3)], [("a", 4), ("b", 5)]),
        ([("a", 0), ("b", 1)], [("c", 2), ("d", 3)]),
        ([], [("a", 0)]),
    ],
)
def test_nobody_goes_for_who_holds_an_equal_share(held, late):
    assert made(held, late) == ("[]", "[]")


def test_nobody_is_left_with_less_than_who_came_in():
    room = make_room([Asked("a", place) for place in range(9)], [Asked("b", 10 + place) for place in range(20)])
    assert (len(room.entering), len(room.leaving)) == (4, 4)


@pytest.fixture
def ask(live, gate, entered):
    live.make_live(live.register("gated"))
    gateway, run = entered(engine_threads=1, inflight_limit=LIMIT)
    gate.close()

    def ask_one(caller, model):
        question = Question(caller=caller, model=model, payload=msgspec.json.encode([ROW]))

        def read(interface):
            return Asking(interface.table_of_rows([ROW]), as_records)

        return asyncio.ensure_future(gateway.answer(question, read))

    return ask_one, run


@pytest.mark.parametrize("model", ["gated", "income"])
def test_a_caller_who_asks_all_there_is_room_for_keeps_no_other_out_of_any_model(live, gate, ask, model):
    ask_one, run = ask
    greedy, polite = live.key("greedy"), live.key("polite")

    async def scenario():
        first = [ask_one(greedy, "gated") for _ in range(LIMIT)]
        await asyncio.sleep(0.01)
        more = [ask_one(greedy, "gated") for _ in range(5)]
        await asyncio.sleep(0.01)
        assert all(task.done() for task in more)
        other = [ask_one(polite, model) for _ in range(2)]
        await asyncio.sleep(0.01)
        gate.open()
        return [await asyncio.gather(*tasks, return_exceptions=True) for tasks in (first, more, other)]

    first, more, other = run(scenario())
    assert [type(found).__name__ for found in other] == ["Reply", "Reply"]
    assert all(isinstance(found, OverloadedError) for found in more)
    gone = [place for place, found in enumerate(first) if isinstance(found, OverloadedError)]
    assert gone == [LIMIT - 2, LIMIT - 1]
    assert "others have fewer" in str(first[-1])


def test_who_comes_at_the_same_time_as_a_crowd_is_let_in(live, gate, ask):
    ask_one, run = ask
    greedy, polite = live.key("greedy"), live.key("polite")

    async def scenario():
        crowd = [ask_one(greedy, "gated") for _ in range(3 * LIMIT)]
        other = ask_one(polite, "gated")
        await asyncio.sleep(0.01)
        gate.open()
        crowd = await asyncio.gather(*crowd, return_exceptions=True)
        await other
        return crowd

    answered = [found for found in run(scenario()) if not isinstance(found, OverloadedError)]
    assert len(answered) == LIMIT - 1
    assert sum(len(ages) for _, ages in gate.calls) == LIMIT
