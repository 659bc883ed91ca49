# SPDX-License-Identifier: Apache-2.0
"""The bench of a run: where its rows are prepared and its candidates are made, in this process or in one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from modelward.compute import JobCancelledError
from modelward.datasets import Dataset, ProfileWarning, Table
from modelward.training.checkpoints import KeptCheckpoints
from modelward.training.energy import Meter
from modelward.training.failing import Failure, failure_of
from modelward.training.finding import Finding
from modelward.training.fitness import check_fitness
from modelward.training.forewarning import forewarn, quick_reference
from modelward.training.history_material import gather_histories
from modelward.training.making import Product, Terms, Watched, make
from modelward.training.material import Material, gather
from modelward.training.reference import Reference
from modelward.training.run import Candidate
from modelward.training.spec import CandidateSpec, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is to learn from, and which candidates must be able to begin, by the name in which they are blamed. Of what was
    found about the data there is only what concerns the columns that are learned from.
    """

    spec: Spec
    dataset: Dataset
    warnings: tuple[ProfileWarning, ...]
    candidates: Mapping[str, CandidateSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is known of the rows of a run once they are prepared."""

    findings: tuple[Finding, ...]
    split_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One candidate to be made, and what the others of its run have in common with it."""

    candidate: Candidate
    forewarned: tuple[Finding, ...]
    may_retry: bool
    watts_per_core: float
    is_alone: bool


class MakingFailedError(Exception):
    """A candidate was not made; `failure` says why, in words that may be told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Bench(Protocol):
    """Prepares the rows of one run, and makes its candidates. `isolation` says how far it lies from this process: `none`,
    `process`, or `landlock-N` where that process is closed in.
    """

    @property
    def isolation(self) -> str: ...

    def prepare(self, order: Order, table: Table) -> Prepared:
        """Read what is learned from, once.

        Raises:
            ModelwardError: as `gather` and `check_fitness`. MemoryError: the rows did not fit into memory.
            WorkshopLostError: the process at work is gone.
        """
        ...

    def make(self, task: Task, *, report: Watched, checkpoints: KeptCheckpoints) -> Product:
        """Make a candidate, in the thread of its job.

        Raises:
            MakingFailedError: it was not made. WorkshopLostError: the process at work is gone, and with it all that was not
                kept. Whatever `report` raises.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        """Forget the rows."""
        ...


class OwnBench:
    """The bench of this very process: its threads hold the rows beside all else that the process holds."""

    isolation = "none"

    def __init__(self) -> None:
        self._material: Material | None = None
        self._reference: Reference | None = None

    def prepare(self, order: Order, table: Table) -> Prepared:
        """See `Bench.prepare`."""
        spec, dataset = order.spec, order.dataset
        gathered = gather if spec.data.history is None else gather_histories
        material = gathered(spec, dataset, table)
        check_fitness(order.candidates, material.inputs)
        self._material, self._reference = material, quick_reference(material)
        found = forewarn(material, spec.data, order.warnings, self._reference)
        return Prepared(findings=found, split_digest=material.split_digest)

    def make(self, task: Task, *, report: Watched, checkpoints: KeptCheckpoints) -> Product:
        """See `Bench.make`."""
        assert self._material is not None, "prepared before"
        candidate, material = task.candidate, self._material
        terms = Terms(reference=self._reference, forewarned=task.forewarned, may_retry=task.may_retry)
        meter = Meter(watts_per_core=task.watts_per_core, is_alone=task.is_alone)
        try:
            return make(candidate, material, terms=terms, meter=meter, report=report, checkpoints=checkpoints)
        except JobCancelledError:
            raise
        except Exception as fault:
            raise MakingFailedError(failure_of(fault, candidate, material.learnt)) from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._material = self._reference = None
