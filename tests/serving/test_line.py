# SPDX-License-Identifier: Apache-2.0
"""The line before an engine: nobody starves, nobody gets more than their share, and nothing is lost."""

from collections import Counter, deque
from dataclasses import dataclass
from itertools import count, cycle, islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelward.serving.line import QUANTUM_ROWS, Line

LARGEST = 200
sizes = st.one_of(st.integers(1, 4), st.sampled_from([15, 16, 17, 64]), st.integers(1, LARGEST))
limits = st.one_of(st.integers(1, 8), st.sampled_from([15, 16, 17, 24, 64]), st.integers(1, 2 * LARGEST))


@dataclass(eq=False)
class Asked:
    """A question in line."""

    caller: str
    rows: int = 1
    priority: int = 0
    group: str = ""
    at: int = 0


@dataclass(frozen=True)
class Left:
    """The caller of one of those who wait, by its place, leaves."""

    place: int


class FirstComeFirstServed:
    """What a line must not be."""

    def __init__(self):
        self._waiting = deque()

    def add(self, question):
        self._waiting.append(question)

    def take(self, limit_rows):
        taken = []
        while self._waiting and (not taken or sum(one.rows for one in taken) + self._waiting[0].rows <= limit_rows):
            taken.append(self._waiting.popleft())
        return taken


questions = st.builds(
    Asked, st.sampled_from("abcd"), sizes, priority=st.integers(0, 2), group=st.sampled_from(["", "", "", "other", "third"])
)
leaving = st.builds(Left, st.integers(0, 20))
histories = st.lists(st.one_of(questions, questions, questions, limits, leaving), max_size=80)


def replay(history):
    """Every taking of a history, and of what is left at its end: who waited before it, the limit, and who was taken."""
    line, waiting, places = Line(), [], count()
    for step in [*history, *[64] * len(history)]:
        if isinstance(step, Asked):
            step.at = next(places)
            waiting.append(step)
            line.add(step)
        elif isinstance(step, Left):
            # Whoever is not in line any more, or never was, may leave, too.
            line.remove(Asked("a"))
            for one in waiting[step.place : step.place + 1]:
                waiting.remove(one)
                line.remove(one)
                line.remove(one)
        else:
            taken = line.take(step)
            yield list(waiting), step, taken
            for one in taken:
                waiting.remove(one)
        assert line.rows == sum(one.rows for one in waiting)
    assert not waiting


@given(history=histories)
def test_whoever_stands_in_line_is_taken_once_and_somebody_always_is(history):
    for waiting, _, taken in replay(history):
        assert bool(taken) == bool(waiting)
        assert set(map(id, taken)) <= set(map(id, waiting))
        assert len(set(map(id, taken))) == len(taken)


@given(history=histories)
def test_what_cannot_be_computed_together_is_not_taken_together(history):
    for _, limit, taken in replay(history):
        assert len({one.group for one in taken}) <= 1
        assert sum(one.rows for one in taken) <= limit or len(taken) == 1


@given(history=histories)
def test_each_caller_is_served_by_priority_and_then_in_order(history):
    for waiting, _, taken in replay(history):
        for caller in {one.caller for one in taken}:
            theirs = sorted((one for one in waiting if one.caller == caller), key=lambda one: (-one.priority, one.at))
            served = [one for one in taken if one.caller == caller]
            assert served == theirs[: len(served)]


def check_fair(line, kinds, limits):
    """Serve callers who all wait, each with questions of some kinds over and over; at no time had one got more than their share."""
    largest = max(rows for theirs in kinds.values() for rows, _ in theirs)
    share = QUANTUM_ROWS + largest
    backlog = Counter()
    for caller, theirs in kinds.items():
        for rows, group in cycle(theirs):
            line.add(Asked(caller, rows, group=group))
            backlog[caller] += rows
            if backlog[caller] > 4 * share:
                break
    served = dict.fromkeys(kinds, 0)
    for limit in cycle(limits):
        for one in line.take(limit):
            served[one.caller] += one.rows
            if served[one.caller] == backlog[one.caller]:
                return
            assert max(served.values()) - min(served.values()) <= share


kinds = st.lists(st.tuples(sizes, st.sampled_from(["", "", "other"])), min_size=1, max_size=3)


@given(kinds=st.dictionaries(st.sampled_from("abcde"), kinds, min_size=2), limits=st.lists(limits, min_size=1, max_size=4))
@example(kinds={"a": [(1, "")], "b": [(1, "")]}, limits=[8])
@example(kinds={"a": [(1, ""), (1, "other")], "b": [(1, "")]}, limits=[64])
@example(kinds={"a": [(1, "")], "b": [(64, "")]}, limits=[24])
def test_callers_who_wait_are_served_alike_whatever_the_size_of_their_questions(kinds, limits):
    check_fair(Line(), kinds, limits)


def test_a_line_in_the_order_of_coming_is_found_unfair():
    with pytest.raises(AssertionError):
        check_fair(FirstComeFirstServed(), {"a": [(1, "")], "b": [(1, "")]}, [64])


class Crowd:
    """Callers who ask again as soon as they are served, and how many rows each got."""

    def __init__(self, line, theirs, groups):
        self.line = line
        self.served = Counter()
        self._next = {str(at): zip(cycle(rows), cycle(groups), strict=False) for at, rows in enumerate(theirs)}
        for caller in self._next:
            for _ in range(40):
                self.ask(caller)

    def ask(self, caller):
        rows, group = next(self._next[caller])
        self.line.add(Asked(caller, rows, group=group))

    def serve(self, limit):
        """Whoever is served in one call."""
        for one in self.line.take(limit):
            if one.caller in self._next:
                self.served[one.caller] += one.rows
                self.ask(one.caller)
            yield one.caller


@given(
    rows=sizes,
    others=st.lists(st.lists(sizes, min_size=1, max_size=3), min_size=1, max_size=4),
    limits=st.lists(limits, min_size=1, max_size=4),
    before=st.integers(0, 30),
    groups=st.sampled_from([("",), ("", "other")]),
)
def test_a_newcomer_is_served_while_others_never_stop_asking(rows, others, limits, before, groups):
    line = Line()
    crowd = Crowd(line, others, groups)
    for limit in islice(cycle(limits), before):
        list(crowd.serve(limit))
    crowd.served.clear()
    line.add(Asked("newcomer", rows))
    # The quanta that the newcomer needs, the round before and the round after; and what each of the others had saved.
    share = (-(-rows // QUANTUM_ROWS) + 2) * QUANTUM_ROWS + max(map(max, others))
    for limit in cycle(limits):
        for caller in crowd.serve(limit):
            if caller == "newcomer":
                return
            assert crowd.served[caller] <= share


small = st.builds(Asked, st.sampled_from("abcd"), st.integers(1, QUANTUM_ROWS), priority=st.integers(0, 2))


@given(waiting=st.lists(small, max_size=60), newcomer=small, limit=limits)
def test_no_more_comes_before_a_question_than_was_reckoned(waiting, newcomer, limit):
    line = Line()
    line.add(*waiting)
    reckoned = line.rows_before(newcomer)
    assert reckoned <= line.rows
    line.add(newcomer)
    before = 0
    while newcomer not in (taken := line.take(limit)):
        before += sum(one.rows for one in taken)
    assert before <= reckoned


def test_who_waits_behind_a_caller_of_many_questions_reckons_with_a_share_of_them():
    line = Line()
    line.add(*(Asked("greedy", 16) for _ in range(100)))
    assert line.rows_before(Asked("polite", 1)) <= 3 * QUANTUM_ROWS
    assert line.rows_before(Asked("greedy", 1)) == 1600
    assert line.rows_before(Asked("greedy", 1, priority=1)) == 0


def test_who_is_alone_fills_a_call():
    line = Line()
    for at in range(100):
        line.add(Asked("a", 1, at=at))
    assert [[one.at for one in line.take(64)], [one.at for one in line.take(64)]] == [[*range(64)], [*range(64, 100)]]


def test_a_question_larger_than_any_call_comes_alone_and_lets_others_go_first():
    line = Line()
    large, small = Asked("a", 500), [Asked("b", 1) for _ in range(100)]
    for one in (Asked("a", 1), large, *small):
        line.add(one)
    served = []
    while batch := line.take(64):
        assert large not in batch or batch == [large]
        served += batch
    assert small[0] in served[: served.index(large)]


def test_a_caller_whose_last_question_is_taken_away_has_no_turn_left():
    line, gone = Line(), Asked("a", 5)
    line.add(gone, Asked("b", 1))
    line.remove(gone)
    assert line.rows == 1
    assert [one.caller for one in line.take(64)] == ["b"]
    assert line.take(64) == []


def test_who_left_and_comes_again_has_saved_nothing():
    line = Line()
    line.add(Asked("a", 1))
    line.add(Asked("b", 1))
    while line.take(1):
        pass
    check_fair(line, {"a": [(1, "")], "b": [(1, "")]}, [3])
