# SPDX-License-Identifier: Apache-2.0
"""Loads: how a service is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from modelward.client.latencies import LEAST_BEYOND, Latencies
from modelward.errors import UnavailableError

Arrivals: TypeAlias = Literal["poisson", "constant"]
ARRIVALS: tuple[Arrivals, ...] = ("poisson", "constant")
_BUSY_SHARE = 0.9
_LATE_MS = 0.5
_SHORTFALL = 0.98


class NoAnswerError(UnavailableError):
    """Not one request was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to ask: on so many connections, or several numbers of them in turn; as fast as the answers come, or at the `rates` a
    second, whatever becomes of the questions. What is met in the time to warm up is not kept.
    """

    connections: tuple[int, ...] = (64,)
    rates: tuple[float, ...] = ()
    arrivals: Arrivals = "poisson"
    seconds: float = 5.0
    warm_up_seconds: float = 1.0
    rows: int = 1
    protocol: str = "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one number of connections, and one rate where there is one, met.

    `requests` were answered well, `requests_in_time` of them before the time was over; `refused` were turned away with 429 or
    503; `failed` came to nothing; `unanswered` are those of them that waited in vain, and stand in the latencies with the time
    that they waited. `generator_share` is how much of one core this client used. `waited` questions were due while every
    connection was busy, and `late_ms` is how late this client sent one in a hundred of the others. `notes` are what one has to
    know to read the figures.
    """

    connections: int
    rate: float | None
    requests: int
    requests_in_time: int
    refused: int
    failed: int
    unanswered: int
    statuses: dict[str, int]
    requests_per_second: float
    rows_per_second: float
    latencies: Latencies | None
    generator_share: float
    waited: int
    late_ms: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a plan met. Times are as this client saw them. `versions` answered, of a `service` which names itself."""

    url: str
    service: str
    model: str
    versions: tuple[str, ...]
    at: datetime
    machine: dict[str, str]
    plan: Plan
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def notes_of(step: Step) -> Iterator[str]:
    """What one has to know to read the figures."""
    if step.generator_share >= _BUSY_SHARE:
        yield (
            f"This client used {step.generator_share:.0%} of a core, so it was the slower side: the service can do more. Measure "
            "with a compiled one, such as wrk."
        )
    if step.rate is not None:
        yield from _notes_of_rate(step)
    if step.unanswered:
        yield (
            f"{_counted(step.unanswered)} never answered, and counted with the time of waiting, so the tail is longer than shown."
        )
    if step.failed > step.unanswered:
        yield f"{step.failed - step.unanswered:,} failed."
    accidental = [one.percent for one in step.latencies.percentiles if one.is_accidental] if step.latencies else []
    if accidental:
        names = ", ".join(f"p{percent:g}" for percent in accidental)
        yield f"{names}: fewer than {LEAST_BEYOND} answers were slower, so another run may well tell otherwise. Measure for longer."


def _notes_of_rate(step: Step) -> Iterator[str]:
    asked = step.requests + step.refused + step.failed
    if step.requests_in_time < _SHORTFALL * asked:
        yield f"{step.requests_in_time:,} of {asked:,} questions were answered well in time."
    if step.waited:
        yield f"{_counted(step.waited)} due while every connection was busy; the wait is in the latencies."
    if step.late_ms is not None and step.late_ms > _LATE_MS:
        yield f"This client sent one in a hundred {step.late_ms:.1f} ms late or more, which is in the latencies."


def _counted(questions: int) -> str:
    return "1 question was" if questions == 1 else f"{questions:,} questions were"
