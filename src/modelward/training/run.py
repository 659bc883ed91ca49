# SPDX-License-Identifier: Apache-2.0
"""Runs: one spec carried out once on one state of the data, candidate by candidate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, NotFoundError
from modelward.training.finding import Finding

RUN_STARTED = Event(
    "run.started", "Training began: the data was read, divided and prepared, and the candidates are about to train."
)
RUN_RESUMED = Event("run.resumed", "An interrupted or failed run went on with the candidates that have no version yet.")
RUN_FINISHED = Event("run.finished", "Training ended, and at least one candidate became a version.")
RUN_FAILED = Event("run.failed", "Training ended, and no candidate became a version.")
RUN_INTERRUPTED = Event("run.interrupted", "Training was stopped before its end; it can be resumed.")
CANDIDATE_FAILED = Event("candidate.failed", "A candidate of a run became no version; the others were not touched.")


class RunMissingError(NotFoundError):
    """No run has that id."""


class RunBusyError(ConflictError):
    """The run is still going on."""


class RunDataChangedError(ConflictError):
    """The run began on other columns or rows than are granted now."""


class RunFinishedError(ConflictError):
    """Every candidate of the run has its version: there is nothing to resume."""


class RunFailedError(InvalidError):
    """No candidate of the run became a version; the message gives the reason of each."""


class Status(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class CandidateStatus(StrEnum):
    """How far a candidate is. Refused: trained, and its graph does not compute what was trained. Failed: not trained."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """`values` after the epochs or rounds `at`, which count from 1 and need not be all: a long curve is thinned out."""

    at: tuple[int, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a candidate was when it was last heard of: `share` of its work done, 0 to 1, and `word` says with what it was busy.
    `curves` are those so far, by name; a list of runs leaves them out.
    """

    share: float = 0.0
    word: str = ""
    curves: Mapping[str, Curve] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One candidate of a run. `name` is unique in it; `version` is like `income:3` once there is one. `findings` say why it came
    out as it did.
    """

    name: str
    recipe: str
    parameters: dict[str, Any]
    status: CandidateStatus = CandidateStatus.WAITING
    version: str = ""
    seconds: float = 0.0
    message: str = ""
    findings: tuple[Finding, ...] = ()
    standing: Standing = field(default_factory=Standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`spec` is the whole spec as YAML, defaults written out; `fingerprint` is the dataset's. `findings` are about its rows, and
    were known before anything was trained. `message` says why candidates failed, and what helps where none became a version.
    """

    id: str
    model: str
    spec: str
    spec_digest: str
    dataset: str
    fingerprint: str
    seed: int
    status: Status
    candidates: tuple[Candidate, ...]
    started: datetime
    ended: datetime | None = None
    by: str
    message: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions it made, in the order of the candidates."""
        return tuple(candidate.version for candidate in self.candidates if candidate.version)

    @property
    def unfinished(self) -> tuple[Candidate, ...]:
        """The candidates without a version."""
        return tuple(candidate for candidate in self.candidates if not candidate.version)

    def failure(self) -> RunFailedError:
        """What is raised of a run that failed."""
        return RunFailedError(f"Run {self.id} made no version. {self.message}")

    def as_interrupted(self, message: str) -> Run:
        """The run as it is once the process that carried it out is gone."""
        candidates = tuple(
            replace(each, status=CandidateStatus.WAITING) if each.status is CandidateStatus.RUNNING else each
            for each in self.candidates
        )
        return replace(self, status=Status.INTERRUPTED, candidates=candidates, message=message)


def names_of(recipes: Iterable[str]) -> list[str]:
    """A name for each candidate: its recipe, numbered from the second one of a recipe on."""
    names: list[str] = []
    counts: dict[str, int] = {}
    for recipe in recipes:
        counts[recipe] = counts.get(recipe, 0) + 1
        names.append(recipe if counts[recipe] == 1 else f"{recipe}-{counts[recipe]}")
    return names
