# SPDX-License-Identifier: Apache-2.0
"""Routes of training. A run goes on after its request is answered; it is looked at until it ends."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import msgspec

from modelward.access import Permission
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint
from modelward.errors import ModelwardError
from modelward.training import Progress, Run, override, parse_spec


class NewRun(msgspec.Struct, forbid_unknown_fields=True):
    """A spec to carry out, as YAML; `set` overrides places of it, `key=value` each."""

    spec: str
    set: list[str] = []


class _Beginning:
    """Waits until a run has an id, or has failed before it had one."""

    def __init__(self) -> None:
        self._known = Event()
        self._run: Run | None = None
        self._fault: BaseException | None = None

    def started(self, run: Run) -> None:
        self._run = run
        self._known.set()

    def candidate(self, name: str, share: float, word: str) -> None:
        pass

    def carry_out(self, work: Callable[[Progress], Run]) -> None:
        try:
            self.started(work(self))
        except BaseException as fault:  # noqa: BLE001  # whoever waits is told; after that, the run's own row tells it
            self._fault = fault
            self._known.set()

    def wait(self) -> Run:
        self._known.wait()
        if self._run is not None:
            return self._run
        assert self._fault is not None
        raise self._fault if isinstance(self._fault, ModelwardError) else RuntimeError("training did not begin")


def _begin(work: Callable[[Progress], Run]) -> Run:
    beginning = _Beginning()
    Thread(target=beginning.carry_out, args=(work,), name="run", daemon=True).start()
    return beginning.wait()


def _train(call: Call) -> Run:
    new: NewRun = call.body
    spec = parse_spec(override(new.spec, new.set))
    return _begin(lambda progress: call.platform.training.train(spec, by=call.actor, progress=progress))


def _resume(call: Call) -> Run:
    return _begin(lambda progress: call.platform.training.resume(call.path["id"], by=call.actor, progress=progress))


def _runs(call: Call) -> Any:
    return call.platform.training.runs(by=call.actor)


ENDPOINTS = (
    Endpoint("GET", "/api/v1/runs", Permission.TRAINING_READ, _runs, "List runs, newest first.", list[Run]),
    Endpoint(
        "POST",
        "/api/v1/runs",
        Permission.TRAINING_RUN,
        _train,
        "Begin to train every candidate of a spec; look at the run until it ends.",
        Run,
        takes=NewRun,
        status=202,
    ),
    Endpoint(
        "GET",
        "/api/v1/runs/{id}",
        Permission.TRAINING_READ,
        lambda call: call.platform.training.show(call.path["id"], by=call.actor),
        "Show a run and its candidates.",
        Run,
    ),
    Endpoint(
        "POST",
        "/api/v1/runs/{id}/resume",
        Permission.TRAINING_RUN,
        _resume,
        "Train what an interrupted run did not come to.",
        Run,
        status=202,
    ),
)
