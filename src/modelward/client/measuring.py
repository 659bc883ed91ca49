# SPDX-License-Identifier: Apache-2.0
"""Measures a service: asks it by a plan, and adds up what it met."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from modelward.assessment import describe_machine
from modelward.client.connection import part
from modelward.client.latencies import summarise
from modelward.client.load import Arrivals, Load, NoAnswerError, Plan, Step, notes_of
from modelward.client.observed import Observed
from modelward.client.traffic import Traffic, TrafficAtARate
from modelward.client.wire import PROTOCOLS, Inputs, path_of, requests_of
from modelward.errors import ModelwardError

if TYPE_CHECKING:
    from modelward.client.connection import Connection

_BODIES = 64
_SWITCH_SECONDS = 0.0005
_HERE = {"127.0.0.1", "::1", "localhost"}


def measure(connection: Connection, model: str, *, plan: Plan, examples: Sequence[Mapping[str, Any]] = ()) -> Load:
    """Ask `model` by the plan, with rows drawn from `examples`, or one made up from the model's inputs.

    Raises:
        NoAnswerError: nothing was answered. Whatever the service answers to the first question, which is asked alone.
    """
    rows, inputs = _rows_and_inputs(connection, model, examples, plan)
    draw = random.Random(0)  # noqa: S311  # which rows are asked is no secret
    bodies = [PROTOCOLS[plan.protocol].write(draw.choices(rows, k=plan.rows), inputs) for _ in range(_BODIES)]
    headers = dict(line.split(": ", 1) for line in bodies[0].headers)
    connection.send("POST", path_of(plan.protocol, model), content=bodies[0].data, headers=headers)
    requests = requests_of(plan.protocol, bodies, url=connection.url, key=connection.key, model=model)
    versions: dict[str, None] = {}
    steps = []
    for rate, connections in itertools.product(plan.rates or (None,), plan.connections):
        observed = _observe(connection, requests, plan, connections=connections, rate=rate)
        versions |= dict.fromkeys(observed.versions)
        steps.append(_step(observed, plan, connections=connections, rate=rate))
    if not any(step.requests for step in steps):
        raise NoAnswerError(
            f"No request to {model} at {_shown(connection.url)} was answered: {_told(steps[0])}. Look at the log of the service, "
            "or ask on fewer connections."
        )
    place = urlsplit(connection.url).hostname
    return Load(
        url=_shown(connection.url),
        service=_service(connection),
        model=model,
        versions=tuple(versions),
        at=datetime.now(UTC),
        machine=describe_machine(),
        plan=plan,
        steps=tuple(steps),
        notes=("The service and this client shared one machine.",) if place in _HERE else (),
    )


def _rows_and_inputs(
    connection: Connection, model: str, examples: Sequence[Mapping[str, Any]], plan: Plan
) -> tuple[list[Mapping[str, Any]], Inputs]:
    if examples and plan.protocol == "records":
        return list(examples), {}
    told = connection.fetch(dict[str, Any], "GET", f"/v2/models/{part(model)}")
    inputs = {given["name"]: given["datatype"] for given in told["inputs"]}
    made_up = {name: "x" if datatype == "BYTES" else 1.0 for name, datatype in inputs.items()}
    return list(examples) or [made_up], inputs


def _observe(connection: Connection, requests: Sequence[bytes], plan: Plan, *, connections: int, rate: float | None) -> Observed:
    import uvloop

    url, times = connection.url, {"warm_up_seconds": plan.warm_up_seconds, "seconds": plan.seconds}
    if rate is None:
        traffic = Traffic(url, requests, connections=connections, tls=connection.tls, **times)
    else:
        traffic = TrafficAtARate(
            url, requests, connections=connections, arrivals=_arrivals(rate, plan.arrivals), tls=connection.tls, **times
        )
    with _undisturbed(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(traffic.run())


@contextmanager
def _undisturbed() -> Iterator[None]:
    """The collector does not stop what is timed, and whoever waits for the interpreter gets it soon."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        sys.setswitchinterval(before)


def _arrivals(rate: float, kind: Arrivals) -> Iterator[float]:
    """The moments, in seconds, at which questions are due."""
    if kind == "constant":
        yield from (at / rate for at in itertools.count())
    draw, moment = random.Random(0), 0.0  # noqa: S311  # when questions come is no secret
    while True:
        moment += draw.expovariate(rate)
        yield moment


def _step(observed: Observed, plan: Plan, *, connections: int, rate: float | None) -> Step:
    step = Step(
        connections=connections,
        rate=rate,
        requests=observed.answered,
        requests_in_time=observed.answered_in_time,
        refused=observed.refused,
        failed=observed.failed,
        unanswered=observed.unanswered,
        statuses=dict(observed.statuses.most_common()),
        requests_per_second=observed.answered_in_time / plan.seconds,
        rows_per_second=observed.answered_in_time * plan.rows / plan.seconds,
        latencies=summarise(observed.began, observed.took, seconds=plan.seconds),
        generator_share=observed.cpu_share,
        waited=observed.waited,
        late_ms=1e3 * float(np.percentile(observed.late, 99)) if observed.late else None,
    )
    return replace(step, notes=tuple(notes_of(step)))


def _told(step: Step) -> str:
    found = {**step.statuses, "without an answer": step.failed - sum(step.statuses.values())}
    return ", ".join(f"{count:,} {status}" for status, count in found.items() if count > 0)


def _service(connection: Connection) -> str:
    """What answers says of itself; nothing where it says nothing."""
    try:
        told = connection.fetch(dict[str, Any], "GET", "/v2")
    except ModelwardError:
        return ""
    return f"{told.get('name', '')} {told.get('version', '')}".strip()


def _shown(url: str) -> str:
    """An address without what one may have put before the host."""
    place = urlsplit(url)
    return place._replace(netloc=place.netloc.rpartition("@")[2], query="", fragment="").geturl()
