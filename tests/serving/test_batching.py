# SPDX-License-Identifier: Apache-2.0
"""The law of batching, under random arrivals, departures, deadlines, faults, releases and a ledger that is locked at times:
each caller gets exactly the answer to their own rows, the one they get alone, or one error that is due to themselves; the ledger
says of each question what its caller was told; and nobody waits for ever.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from modelward.serving.batcher import Batcher, Outcome
from modelward.serving.computed import CallAnswers
from modelward.serving.recording import Bunch, Recording
from serving.engines import POISON
from serving.trial import CALLERS, MODELS, Asked, Ground, Trial

ROWS = [
    {"age": at + 0.5 if at % 7 else None, "hours": at * 1.7 % 90, "sector": ("public", "private", "new", None)[at % 4]}
    for at in range(60)
]
FAULTY = {"poison": ROWS[1] | {"age": POISON}, "misfit": ROWS[1] | {"hours": None}}
SWAPS = 3


def made(first, size, fault, **more):
    rows = [ROWS[(first + at) % len(ROWS)] for at in range(size)]
    if fault in FAULTY:
        rows[first % size] = FAULTY[fault]
    return Asked(rows=rows, is_writable=fault != "unwritable", **more)


asked = st.builds(
    made,
    first=st.integers(0, len(ROWS) - 1),
    size=st.sampled_from([1, 1, 1, 2, 3, 5, 25]),
    fault=st.sampled_from([""] * 8 + ["poison", "poison", "misfit", "unwritable"]),
    caller=st.integers(0, CALLERS - 1),
    model=st.sampled_from(MODELS),
    priority=st.integers(0, 2),
    seconds=st.sampled_from([None, None, None, None, 0.0, 0.002, 0.02]),
    group=st.sampled_from([None, None, None, "other"]),
)


class Interleavings(RuleBasedStateMachine):
    """Whatever may happen at a gateway, in any order."""

    ground: Ground

    def __init__(self):
        super().__init__()
        self.trial = Trial(self.ground)
        self.swaps = 0

    @rule(together=st.lists(asked, min_size=4, max_size=20))
    def arrive(self, together):
        self.trial.arrive(*together)

    @rule(model=st.sampled_from(MODELS), together=st.lists(asked, min_size=4, max_size=16))
    def arrive_at_one_model(self, model, together):
        self.trial.arrive(*(one._replace(model=model, group=None) for one in together))

    @rule(number=st.integers(1, 4))
    def step(self, number):
        self.trial.steps(number)

    @rule(milliseconds=st.integers(1, 4))
    def wait(self, milliseconds):
        self.trial.wait(milliseconds / 1000)

    @precondition(lambda self: self.trial.cases)
    @rule(places=st.lists(st.integers(0, 40), min_size=1, max_size=5))
    def drop(self, places):
        for place in places:
            self.trial.drop(-1 - place)

    @precondition(lambda self: self.swaps < SWAPS)
    @rule(together=st.lists(asked, min_size=1, max_size=8), number=st.integers(0, 4))
    def swap(self, together, number):
        self.swaps += 1
        self.trial.arrive(*together)
        self.trial.steps(number)
        self.trial.swap(together[0].model)
        self.trial.arrive(*together)

    @rule()
    def lock(self):
        self.trial.lock()

    @rule()
    def unlock(self):
        self.trial.unlock()

    def teardown(self):
        self.trial.judge()


@pytest.fixture
def ground(live, engines, entered, home):
    """What makes a ground with some settings."""
    for model in MODELS:
        if model != "income":
            live.make_live(live.register(model))
        live.register(model, weight=0.2)

    def enter(**settings):
        return Ground(live, home, *entered(**{"engine_threads": 2, "batch_rows": 16} | settings))

    return enter


@pytest.mark.parametrize("set_to", [{}, {"batch_delay_seconds": 0.002, "engine_threads": 1}], ids=["at-once", "delayed"])
def test_each_gets_their_own_answer_or_their_own_fault(ground, set_to):
    machine = type("OnThisGround", (Interleavings,), {"ground": ground(**set_to)})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def shifted(outcome):
    said = outcome.answers
    return Outcome(outcome.batch, CallAnswers(said.interface, np.roll(said.array, 1, axis=0), said.unfamiliar))


def with_halves_swapped(outcome):
    half = len(outcome.batch) // 2
    return Outcome([*outcome.batch[half:], *outcome.batch[:half]], outcome.answers)


def without_its_tail(outcome):
    said = outcome.answers
    return Outcome(outcome.batch, CallAnswers(said.interface, said.array[:-1], said.unfamiliar[:-1]))


def without_its_last_question(outcome):
    return Outcome(outcome.batch[:-1], outcome.answers)


def with_the_first_answer_for_all(outcome):
    said = outcome.answers
    return Outcome(outcome.batch, CallAnswers(said.interface, said.array[:1].repeat(len(said.unfamiliar), 0), said.unfamiliar))


MIXED_UP = [shifted, with_halves_swapped, without_its_tail, without_its_last_question, with_the_first_answer_for_all]


def mix_up(monkeypatch, how):
    """A batcher that mixes up what its engine says."""

    def outcomes(batcher, batch, outcomes=Batcher._outcomes):
        found = outcomes(batcher, batch)
        return [how(one) if isinstance(one.answers, CallAnswers) and len(one.batch) > 1 else one for one in found]

    monkeypatch.setattr(Batcher, "_outcomes", outcomes)


def blame_all(monkeypatch):
    """A batcher that gives the fault of one to all who were asked together."""

    def outcomes(batcher, batch, outcomes=Batcher._outcomes):
        found = outcomes(batcher, batch)
        faults = [one.answers for one in found if isinstance(one.answers, Exception)]
        return [Outcome(batch, faults[0])] if faults else found

    monkeypatch.setattr(Batcher, "_outcomes", outcomes)


def record_who_left(monkeypatch):
    """A ledger that does not care whether anybody waits."""
    monkeypatch.setattr(Bunch, "drafts", lambda bunch: bunch._drafts)


def record_twice(monkeypatch):
    """A ledger that has an answer twice."""
    monkeypatch.setattr(Bunch, "drafts", lambda bunch, drafts=Bunch.drafts: [*drafts(bunch), *drafts(bunch)[:1]])


def record_another(monkeypatch):
    """A ledger that commits to the answer of somebody else."""

    def drafts(recording, written, event, *, now, drafts=Recording.drafts):
        own = [pending.written for pending in written]
        for pending, another in zip(written, [*own[1:], *own[:1]], strict=True):
            pending.written = another
        found = drafts(recording, written, event, now=now)
        for pending, answer in zip(written, own, strict=True):
            pending.written = answer
        return found

    monkeypatch.setattr(Recording, "drafts", drafts)


def replay(ground):
    """Questions to each model at the same time, some of them faulty, and callers who leave before anything can be recorded."""
    trial = Trial(ground)
    trial.lock()
    faults = {5: "poison", 11: "misfit", 17: "unwritable"}
    questions = [
        made(7 * at + place, 1 + at % 4, faults.get(at, ""), caller=at % CALLERS, model=model)
        for at in range(24)
        for place, model in enumerate(MODELS)
    ]
    trial.arrive(*questions)
    trial.steps(8)
    for place in (3, 20, 40):
        trial.drop(place)
    trial.unlock()
    trial.judge(patience_seconds=3)


def plant(fault, patching):
    if fault in MIXED_UP:
        mix_up(patching, fault)
    else:
        fault(patching)


def test_planted_faults_are_found_out(ground, monkeypatch):
    """And where none is planted none is found."""
    entered = ground()
    replay(entered)
    for fault in (*MIXED_UP, blame_all, record_who_left, record_twice, record_another):
        with monkeypatch.context() as patching:
            plant(fault, patching)
            with pytest.raises(AssertionError):
                replay(entered)
    replay(entered)
