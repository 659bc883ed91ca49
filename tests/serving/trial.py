# SPDX-License-Identifier: Apache-2.0
"""A trial of a gateway: who asks what, and whether each got what is theirs, and the ledger says so."""

import asyncio
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

import msgspec

from modelward.registry import InvalidRowsError
from modelward.serving import Answer, Asking, OverloadedError, Panel, Prediction, Question, TooSlowError, as_records, new_request_id
from modelward.serving.engines.onnx import OnnxEngine
from serving.engines import POISON

MODELS = ("income", "poisonable", "dear-poisonable", "sleepy")
CALLERS = 3
PATIENCE_SECONDS = 30


class Asked(NamedTuple):
    """What one question is. `seconds` is None for who has time; `is_writable` says whether its answer can be written."""

    caller: int
    model: str
    rows: list
    priority: int = 0
    seconds: float | None = None
    group: str | None = None
    is_writable: bool = True


@dataclass(eq=False)
class Case:
    """One question on its way. `versions` are those that were live at some time while it was."""

    asked: Asked
    payload: bytes
    request: str
    versions: set
    lock: int | None
    task: asyncio.Future = None
    is_dropped: bool = False
    was_never_recorded: bool = False


class UnwritableError(Exception):
    """An answer cannot be written."""


def _unwritable(_computed):
    raise UnwritableError


class Ground:
    """What trials share: a house in which every model has two versions, one of them live, and a gateway in a loop of its own."""

    def __init__(self, house, home, gateway, run):
        self.house = house
        self.gateway = gateway
        self.run = run
        self.database = home / "modelward.db"
        self.keys = [house.key(f"caller-{at}") for at in range(CALLERS)]
        self.live = {model: f"{model}:1" for model in MODELS}
        self._versions = {}
        self._engines = {}

    def version(self, name):
        if name not in self._versions:
            self._versions[name] = self.house.registry.find(name, by=self.house.admin)
        return self._versions[name]

    def alone(self, name, rows):
        """What a version says to some rows when nobody else asks."""
        interface = self.version(name).interface
        if name not in self._engines:
            self._engines[name] = OnnxEngine(self.house.registry.open(self.version(name)))
        columns, unfamiliar, _ = interface.encode([interface.table_of_rows(rows)])
        said = self._engines[name].answers(columns).tolist()
        return tuple(
            Prediction(interface.classes[row.index(max(row))], dict(zip(interface.classes, row, strict=True)), unfamiliar=strange)
            for row, strange in zip(said, unfamiliar, strict=True)
        )


@dataclass
class Trial:
    """Asks, and judges at the end. It steps through the loop by hand, so that anything can happen between two steps."""

    ground: Ground
    cases: list = field(default_factory=list)

    def __post_init__(self):
        self._locks = count()
        self._lock = None
        self._locking = None
        self._first_entry = self.ground.house.ledger.head().size

    def arrive(self, *together):
        """Some ask at the same time."""
        cases = [self._case(asked) for asked in together]
        self.cases += cases

        async def ask():
            for case in cases:
                case.task = asyncio.ensure_future(self._ask(case))

        self.ground.run(ask())

    def _case(self, asked):
        request = new_request_id()
        payload = msgspec.json.encode([request, asked.rows])
        return Case(asked, payload, request, {self.ground.live[asked.model]}, self._lock)

    def _ask(self, case):
        asked = case.asked
        question = Question(
            caller=self.ground.keys[asked.caller],
            model=asked.model,
            payload=case.payload,
            request=case.request,
            priority=asked.priority,
            timeout_seconds=asked.seconds,
        )

        def read(interface):
            return Asking(interface.table_of_rows(asked.rows), as_records if asked.is_writable else _unwritable, asked.group)

        return self.ground.gateway.answer(question, read)

    def steps(self, number):
        """The loop looks so often at what is due."""

        async def step():
            for _ in range(number):
                await asyncio.sleep(0)

        self.ground.run(step())

    def wait(self, seconds):
        """Time passes."""
        self.ground.run(asyncio.sleep(seconds))

    def drop(self, place):
        """Somebody leaves, if they wait still."""
        case = self.cases[place % len(self.cases)] if self.cases else None
        if case is None or case.task.done():
            return
        case.is_dropped = True
        # Nothing that was asked since the ledger was locked can have been recorded.
        case.was_never_recorded = self._lock is not None and case.lock == self._lock
        case.task.cancel()

    def lock(self):
        """Nobody can write to the ledger for a while."""
        if self._lock is None:
            self._locking = sqlite3.connect(self.ground.database, isolation_level=None, timeout=30)
            self._locking.execute("BEGIN IMMEDIATE")
            self._lock = next(self._locks)

    def unlock(self):
        """They can again."""
        if self._lock is not None:
            # Who was cancelled has left once the loop has come to it.
            self.steps(2)
            self._locking.execute("ROLLBACK")
            self._locking.close()
            self._lock = None

    def swap(self, model):
        """Another version of a model goes live."""
        if self._lock is not None:
            return
        ground = self.ground
        number = 3 - int(ground.live[model].partition(":")[2])
        ground.house.make_live(f"{model}:{number}")
        ground.live[model] = f"{model}:{number}"
        for case in self.cases:
            if case.asked.model == model and not case.task.done():
                case.versions.add(ground.live[model])
        ground.house.serving.deployments.refresh()

    def judge(self, patience_seconds=PATIENCE_SECONDS):
        """Wait until everybody was told, and hold what they got, and what the ledger says, against the law."""
        self.unlock()
        for _ in range(2):
            # What is put on record without waiting for it is there once the answer to a later question is.
            self.arrive(*(Asked(0, model, [{"age": 1.5, "hours": 2.5, "sector": None}]) for model in MODELS))
            self._settle(patience_seconds)
        entries = self._entries()
        for case in self.cases:
            self._judge(case, entries.get(case.request, []))
        strangers = entries.keys() - {case.request for case in self.cases}
        assert not strangers, "the ledger speaks of questions that nobody asked"
        self._nothing_is_left()

    def _settle(self, patience_seconds):
        _, pending = self.ground.run(asyncio.wait([case.task for case in self.cases], timeout=patience_seconds))
        for task in pending:
            task.cancel()
        self.steps(2)
        # Looked at, so that asyncio does not complain of those that are not judged after the first fault.
        for case in self.cases:
            _ = case.task.cancelled() or case.task.exception()
        assert not pending, f"{len(pending)} of {len(self.cases)} questions were never answered"

    def _entries(self):
        found = {}
        for logged in self.ground.house.ledger.entries(since=self._first_entry, limit=10_000, newest_first=False):
            if logged.entry.event.startswith("inference."):
                found.setdefault(logged.entry.request, []).append(logged.entry)
        return found

    def _judge(self, case, entries):
        kinds = Counter(entry.event.partition(".")[2] for entry in entries)
        if case.task.cancelled():
            assert case.is_dropped
            assert kinds in ({}, {"answered": 1}, {"refused": 1})
            assert not (case.was_never_recorded and kinds["answered"]), "a dropped question is on record as answered"
        elif (fault := case.task.exception()) is not None:
            self._judge_fault(case.asked, fault)
            assert kinds == ({} if isinstance(fault, OverloadedError) else {"refused": 1})
        else:
            self._judge_answer(case, case.task.result())
            assert kinds == {"answered": 1}
            self._judge_entry(case, entries[0])

    def _judge_fault(self, asked, fault):
        if isinstance(fault, TooSlowError | OverloadedError):
            assert asked.seconds is not None, f"who had time got {fault!r}"
        elif isinstance(fault, InvalidRowsError):
            assert any(row["hours"] is None for row in asked.rows)
        elif isinstance(fault, UnwritableError):
            assert not asked.is_writable
        else:
            assert isinstance(fault, ArithmeticError), f"a fault that nobody asked for: {fault!r}"
            assert "poisonable" in asked.model
            assert any(row["age"] == POISON for row in asked.rows), "somebody got the fault of another"

    def _judge_answer(self, case, reply):
        assert reply.request == case.request
        assert reply.version in case.versions
        alone = self.ground.alone(reply.version, case.asked.rows)
        answer = Answer(predictions=alone, model=case.asked.model, version=int(reply.version[-1]), request_id=case.request)
        assert msgspec.json.decode(reply.payload, type=Answer) == answer, "this is not the answer that the question gets alone"

    def _judge_entry(self, case, entry):
        reply, key = case.task.result(), self.ground.house.ledger.request_key(case.request)
        assert entry.index == reply.entry
        assert entry.subject == reply.version
        assert entry.facts["input"] == key.commitment(case.payload)
        assert entry.facts["output"] == key.commitment(reply.payload)
        assert entry.facts["rows"] == len(case.asked.rows)
        assert entry.facts["version"] == self.ground.version(reply.version).digest

    def _nothing_is_left(self):
        said = Panel(self.ground.gateway.meters.instruments).snapshot()
        assert dict(said["modelward_inflight_requests"]) == {(): [0]}
        assert dict(said["modelward_questions_total"]).keys() <= {("answered",), ("rejected",), ("dropped",)}
