# SPDX-License-Identifier: Apache-2.0
"""The verbs of training."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from modelward.access import Actor, Permission
from modelward.audit import Ledger
from modelward.datasets import Dataset, Datasets, View
from modelward.errors import UnavailableError
from modelward.registry import ModelMissingError, Registry, Version
from modelward.settings import Settings
from modelward.storage import Connection, Database, Vault
from modelward.training import checkpoints, store
from modelward.training.apart import ApartBench
from modelward.training.bench import Bench, Order, OwnBench, Prepared
from modelward.training.execution import Execution
from modelward.training.finding import Finding
from modelward.training.process import Process, beginning
from modelward.training.progress import SILENT, Progress
from modelward.training.run import (
    RUN_RESUMED,
    RUN_STARTED,
    Candidate,
    CandidateStatus,
    Run,
    RunBusyError,
    RunDataChangedError,
    RunFinishedError,
    RunMissingError,
    Status,
    names_of,
)
from modelward.training.spec import CandidateSpec, Spec, columns_read, parse_spec, render

_FOLDER = "scratch"


class OutOfMemoryError(UnavailableError):
    """The data did not fit into memory while it was prepared."""


class Training:
    """Makes versions out of data: each candidate of a spec, side by side, on the same rows."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        datasets: Datasets,
        registry: Registry,
        vault: Vault,
        *,
        settings: Settings,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._datasets = datasets
        self._registry = registry
        self._vault = vault
        self._settings = settings

    def train(self, spec: Spec, *, by: Actor, progress: Progress = SILENT) -> Run:
        """Train every candidate of `spec`; each that succeeds becomes the next version of the model, in the order of the spec.

        One that fails leaves the others alone. The run is done if there is a version at least. A run that is interrupted keeps
        the versions it made, and `resume` makes the rest.

        Raises:
            NotPermittedError: the actor may not train this model or read data. DatasetMissingError: there is no such dataset.
            TermsNotAcceptedError: those of the dataset are to be accepted first.
            GrantMissingError, GrantEndedError, OutsideGrantError, PurposeNotAgreedError: the dataset is not granted to the model,
            or not so much of it, or for another purpose; see `Grants.opened`.
            InvalidError: spec and data do not go together, or the data cannot be learned from; nothing was written.
            UnfitCandidateError: a candidate cannot be trained on these rows or on this machine; nothing was written.
            RunFailedError: no candidate became a version; the message says why of each, and the run is kept.
        """
        by.require(Permission.TRAINING_RUN, model=spec.model)
        view = self._opened(spec, by=by)
        with self._bench() as bench:
            blamed = {f"candidates[{place}]": each for place, each in enumerate(spec.candidates)}
            prepared = self._prepare(bench, spec, view, blamed)
            run = self._start(spec, view.dataset, prepared.findings, bench.isolation, by=by)
            return self._execution(run, spec, bench, prepared, view, by=by).carry_out(progress)

    def resume(self, id: str, *, by: Actor, progress: Progress = SILENT) -> Run:
        """Go on with a run that was interrupted or in which candidates failed: train those that have no version yet.

        A candidate that left a checkpoint goes on from there, and ends as if it had never been stopped.

        Raises:
            RunMissingError: there is none. RunBusyError: it is going on. RunFinishedError: each candidate has its version.
            RunDataChangedError: the grant of the data shows other rows or columns than it began on.
            Otherwise as `train`.
        """
        run = self.show(id, by=by)
        by.require(Permission.TRAINING_RUN, model=run.model)
        _check_resumable(run)
        spec = parse_spec(run.spec)
        view = self._opened(spec, by=by)
        if view.dataset.fingerprint != run.fingerprint:
            raise RunDataChangedError(
                f"Run {run.id} began on other columns or rows of dataset {run.dataset!r} than its grant {view.grant.id} gives now. "
                "Train the spec anew."
            )
        blamed = {each.name: CandidateSpec(recipe=each.recipe, parameters=each.parameters) for each in run.unfinished}
        with self._bench() as bench:
            prepared = self._prepare(bench, spec, view, blamed)
            run = self._restart(run, bench.isolation, by)
            return self._execution(run, spec, bench, prepared, view, by=by).carry_out(progress)

    def runs(self, *, by: Actor) -> list[Run]:
        """Every run of a model the actor may see, the latest first. One whose process is gone is interrupted."""
        by.require(Permission.TRAINING_READ)
        with self._database.look() as connection:
            found = store.every(connection)
        return [_as_it_is(run, process) for run, process in found if by.may(Permission.TRAINING_READ, model=run.model)]

    def show(self, id: str, *, by: Actor) -> Run:
        """The run called `id`.

        Raises:
            RunMissingError: there is none.
        """
        by.require(Permission.TRAINING_READ)
        with self._database.look() as connection:
            run = _found(connection, id, by=by)
        by.require(Permission.TRAINING_READ, model=run.model)
        return run

    @staticmethod
    def names(connection: Connection) -> set[str]:
        """The name of every model that a run was to make, also where it made none."""
        return {run.model for run, _ in store.every(connection)}

    def sweep(self, *, idle_seconds: float) -> int:
        """Remove the checkpoints that no run will go on from, if nobody wrote to them for so long; how many files that were."""
        with self._database.look() as connection:
            unfinished = {run.id for run, _ in store.every(connection) if run.unfinished}
        return checkpoints.sweep(self._settings.home, kept=unfinished, idle_seconds=idle_seconds)

    def _opened(self, spec: Spec, *, by: Actor) -> View:
        """What the model may have of the data: nothing else of it is seen from here on."""
        asked = columns_read(spec.data)
        return self._datasets.grants.opened(
            spec.model, spec.data.dataset, use="training", purpose=spec.purpose or "", columns=asked, by=by
        )

    def _bench(self) -> Bench:
        isolation = self._settings.training_isolation
        if isolation == "none":
            return OwnBench()
        home = self._settings.home
        hidden = (home, self._settings.keyring_path)
        return ApartBench(folder=home / _FOLDER, hidden=hidden, is_required=isolation == "required")

    @staticmethod
    def _prepare(bench: Bench, spec: Spec, view: View, blamed: Mapping[str, CandidateSpec]) -> Prepared:
        """Hand over what the grant shows, and nothing else of the dataset."""
        dataset = view.dataset
        # What the model was not granted is left out already.
        left_out = tuple(name for name in spec.data.exclude if name not in view.withheld)
        shown = msgspec.structs.replace(spec, data=msgspec.structs.replace(spec.data, exclude=left_out))
        try:
            order = Order(spec=shown, dataset=dataset, warnings=view.profile.warnings, candidates=blamed)
            return bench.prepare(order, view.table)
        except MemoryError as full:
            fewer = "Lower `data.prepare.size`" if spec.data.image else "Lower `data.prepare.max_categories`, exclude columns"
            raise OutOfMemoryError(
                f"Dataset {dataset.name!r} with {dataset.rows:,} rows did not fit into memory once prepared. {fewer}, or train on "
                "a machine with more memory."
            ) from full

    def _start(self, spec: Spec, dataset: Dataset, findings: tuple[Finding, ...], isolation: str, *, by: Actor) -> Run:
        names = names_of(candidate.recipe for candidate in spec.candidates)
        with beginning() as mark, self._database.change() as connection:
            run = Run(
                id=_new_id(connection),
                model=spec.model,
                spec=render(spec),
                spec_digest=spec.digest,
                dataset=dataset.name,
                fingerprint=dataset.fingerprint,
                seed=spec.seed,
                status=Status.RUNNING,
                candidates=tuple(
                    Candidate(name=name, recipe=each.recipe, parameters=each.parameters)
                    for name, each in zip(names, spec.candidates, strict=True)
                ),
                started=datetime.now(UTC),
                by=by.id,
                findings=findings,
            )
            mark(run.id)
            store.add(connection, run, process=Process.current())
            facts = {"spec": run.spec_digest, "dataset": run.dataset, "fingerprint": run.fingerprint, "seed": run.seed}
            facts |= {"candidates": names, "isolation": isolation}
            self._ledger.record(connection, RUN_STARTED, actor=by.id, subject=run.id, facts=facts)
        return run

    def _restart(self, run: Run, isolation: str, by: Actor) -> Run:
        """Take over a run, and the versions that it registered without being told any more."""
        made = self._versions_of(run, by)
        with beginning() as mark, self._database.change() as connection:
            run = _found(connection, run.id, by=by)
            _check_resumable(run)
            mark(run.id)
            candidates = tuple(_restarted(each, made.get(each.name)) for each in run.candidates)
            for each in candidates:
                store.set_candidate(connection, run.id, each)
            store.set_status(connection, run.id, Status.RUNNING)
            store.set_process(connection, run.id, Process.current())
            run = replace(run, status=Status.RUNNING, candidates=candidates, ended=None, message="")
            facts = {"candidates": [each.name for each in run.unfinished], "isolation": isolation}
            self._ledger.record(connection, RUN_RESUMED, actor=by.id, subject=run.id, facts=facts)
        return run

    def _versions_of(self, run: Run, by: Actor) -> dict[str, Version]:
        try:
            versions = self._registry.versions(run.model, by=by)
        except ModelMissingError:
            return {}
        return {str(version.facts.get("candidate")): version for version in versions if version.lineage.run == run.id}

    def _execution(self, run: Run, spec: Spec, bench: Bench, prepared: Prepared, view: View, *, by: Actor) -> Execution:
        return Execution(
            run=run,
            spec=spec,
            bench=bench,
            split_digest=prepared.split_digest,
            purpose=spec.purpose or view.grant.purpose,
            owner=spec.owner or view.dataset.owner,
            grant=view.grant.id,
            still_granted=self._datasets.grants.checking(view),
            by=by,
            database=self._database,
            ledger=self._ledger,
            registry=self._registry,
            vault=self._vault,
            settings=self._settings,
        )


def _found(connection: Connection, run: str, *, by: Actor) -> Run:
    """The run, where it is not another tenant's: that reads as if it were not there."""
    found = store.find(connection, run)
    if found is None or not by.sees(found[0].model):
        raise RunMissingError(f"No run is called {run[:80]!r}. `modelward runs list` shows those that there are.")
    return _as_it_is(*found)


def _as_it_is(run: Run, process: Process) -> Run:
    """What a run says of itself, unless whoever would have changed it is gone."""
    if run.status is Status.RUNNING and process.is_done_with(run.id):
        return run.as_interrupted(f"It ended without a word. Run `modelward runs resume {run.id}`.")
    return run


def _check_resumable(run: Run) -> None:
    if run.status is Status.RUNNING:
        raise RunBusyError(f"Run {run.id} is going on. Wait until it ends: `modelward runs show {run.id}`.")
    if not run.unfinished:
        raise RunFinishedError(f"Every candidate of run {run.id} has its version: {', '.join(run.versions)}. Train the spec anew.")


def _restarted(candidate: Candidate, made: Version | None) -> Candidate:
    if candidate.version:
        return candidate
    if made is None:
        return replace(candidate, status=CandidateStatus.WAITING, message="", seconds=0.0)
    return replace(candidate, status=CandidateStatus.DONE, message="", version=made.name, seconds=float(made.facts["seconds"]))


def _new_id(connection: Connection) -> str:
    while store.find(connection, run := f"run-{secrets.token_hex(3)}"):
        continue
    return run
