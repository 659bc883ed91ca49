# SPDX-License-Identifier: Apache-2.0
"""Engines made for tests. Where nothing else is said they obey the protocol of engines, and answer as ONNX Runtime does. A
model's name says which it gets.
"""

import threading
import time
from contextlib import contextmanager

import pytest

from modelward.serving import ENGINES
from modelward.serving.engines.onnx import OnnxEngine

POISON = 66.0


def work(seconds):
    """Keep a processor busy."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


class Poisonable(OnnxEngine):
    """Fails whenever any of its rows holds a certain age."""

    def answers(self, columns):
        if (columns["age"] == POISON).any():
            raise ArithmeticError("poison")
        return super().answers(columns)


class Dear(OnnxEngine):
    """Costs much of a processor, so that it is called in a slot."""

    def answers(self, columns):
        work(0.002)
        return super().answers(columns)


class DearAndPoisonable(Dear, Poisonable):
    """Both."""


class Sleepy(OnnxEngine):
    """Costs time and no work, so that it is called in the event loop's thread."""

    def answers(self, columns):
        time.sleep(0.001)
        return super().answers(columns)


class Lossy(OnnxEngine):
    """Loses a row of every large call, which no engine may do."""

    def answers(self, columns):
        answers = super().answers(columns)
        return answers[1:] if len(answers) > 3 else answers


class Gated(Dear):
    """Answers once its gate is open, and notes for the test, which no other engine may do, what it is asked."""

    gate: "Gate"

    def answers(self, columns):
        self.gate.pass_through(self._version.version.model, columns["age"].ravel().tolist())
        return super().answers(columns)


class Laborious(OnnxEngine):
    """Costs much of a processor, and is not done before all who ask it are there. Notes how many rows come together."""

    together: "list[int]"

    @staticmethod
    def all_are_there():
        """For a test to set."""
        return True

    def answers(self, columns):
        self.together.append(columns.rows)
        work(0.05)
        given_up = time.monotonic() + 30
        while not self.all_are_there():
            assert time.monotonic() < given_up, "somebody never came"
            time.sleep(0.001)
        return super().answers(columns)


class Noted(OnnxEngine):
    """Notes for the test what it is asked."""

    calls: "list[list[float]]"

    def answers(self, columns):
        self.calls.append(columns["age"].ravel().tolist())
        return super().answers(columns)


class Uneven(OnnxEngine):
    """Costs 0.1 ms of work for each row, so that large questions alone are dear; those have to pass the gate."""

    def answers(self, columns):
        ages = columns["age"].ravel().tolist()
        if len(ages) > 10:
            Gated.gate.pass_through(self._version.version.model, ages)
        work(0.0001 * len(ages))
        return super().answers(columns)


class Weighty(Gated):
    """Costs 4 ms of work for each row, whatever they are together."""

    def answers(self, columns):
        work(0.004 * columns.rows)
        return super().answers(columns)


class Gate:
    """Open at first. `calls` are the model and the ages of each call, in the order in which they came."""

    def __init__(self):
        self.calls = []
        self._open = threading.Event()
        self._came = threading.Condition()
        self.open()

    def open(self):
        """Let through whoever waits, and whoever comes."""
        self._open.set()

    def close(self):
        """Hold whoever comes, and forget who came."""
        self._open.clear()
        self.calls.clear()

    @contextmanager
    def closed(self):
        """Hold whoever comes until this is left."""
        self.close()
        yield self
        self.open()

    def pass_through(self, model, ages):
        """For the engine."""
        with self._came:
            self.calls.append((model, ages))
            self._came.notify_all()
        assert self._open.wait(30), "the gate was never opened"

    def wait_for(self, calls):
        """Until so many calls came."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.calls) >= calls, 30)


KINDS = {
    "poisonable": Poisonable,
    "dear": Dear,
    "dear-poisonable": DearAndPoisonable,
    "sleepy": Sleepy,
    "lossy": Lossy,
    "gated": Gated,
    "laborious": Laborious,
    "noted": Noted,
    "gated-too": Gated,
    "uneven": Uneven,
    "weighty": Weighty,
}


def engine_of(opened):
    """The engine of a model, by its name."""
    return KINDS.get(opened.version.model, OnnxEngine)(opened)


@contextmanager
def made_for_tests():
    """Meanwhile models get the engines made here, by their names, and those that are gated a gate of their own, open at first."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setitem(ENGINES.places, "onnx", "serving.engines:engine_of")
        Gated.gate = Gate()
        yield Gated.gate
