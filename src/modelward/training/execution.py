# SPDX-License-Identifier: Apache-2.0
"""Carries out one run: its candidates side by side, and then each onto the shelf in the order of the spec.

A version is registered in a transaction of its own and the run's row is written in the next. Where the power is cut between the
two, the version says which run and which candidate it came from, and `Training.resume` finds it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import modelward
from modelward.access import Actor
from modelward.audit import Event, Ledger
from modelward.compute import EXECUTORS, Executor, Job, Report, Ticket, WorkshopLostError, usable_cores
from modelward.errors import InvalidError, ModelwardError, RefusedError
from modelward.registry import Lineage, Registry, Version
from modelward.settings import Settings
from modelward.storage import Connection, Database, Vault
from modelward.training import store
from modelward.training.bench import Bench, MakingFailedError, Task
from modelward.training.checkpoints import SealedCheckpoints, checkpoints_of
from modelward.training.failing import Failure, failure_of
from modelward.training.heeding import Heeding
from modelward.training.making import Product, Watched, libraries
from modelward.training.process import UNDER_WAY
from modelward.training.progress import Progress
from modelward.training.run import (
    CANDIDATE_FAILED,
    RUN_FAILED,
    RUN_FINISHED,
    RUN_INTERRUPTED,
    Candidate,
    CandidateStatus,
    Run,
    RunFailedError,
    Status,
)
from modelward.training.spec import Spec, spec_json
from modelward.training.standing import Recording

HearCurves = Callable[[Mapping[str, Sequence[float]]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run that was started or resumed, and everything it needs. `still_granted` raises once the data is not granted any more;
    it is asked at each epoch, and before a version is registered.
    """

    run: Run
    spec: Spec
    bench: Bench
    split_digest: str
    purpose: str
    owner: str
    grant: str
    still_granted: Callable[[], None]
    by: Actor
    database: Database
    ledger: Ledger
    registry: Registry
    vault: Vault
    settings: Settings
    _starved: list[str] = field(default_factory=list)

    def carry_out(self, progress: Progress) -> Run:
        """Make a version of every candidate that has none.

        Raises:
            RunFailedError: none became one. Whatever stops the run leaves it interrupted, with the versions it made.
        """
        try:
            with Recording(self.run.id, self.database, progress) as recording:
                return self._carry_out(recording)
        finally:
            UNDER_WAY.discard(self.run.id)

    def _carry_out(self, progress: Recording) -> Run:
        unfinished = self.run.unfinished
        workers = min(self.settings.training_workers or usable_cores(), max(len(unfinished), 1))
        ended = {candidate.name: candidate for candidate in self.run.candidates}
        try:
            progress.started(self.run)
            with EXECUTORS.load("in_process")(workers=workers) as opened:
                tickets = self._submit(opened, unfinished, progress, is_alone=workers == 1)
                for candidate, ticket in zip(unfinished, tickets, strict=True):
                    ended[candidate.name] = self._conclude(candidate, ticket)
                    progress.candidate(candidate.name, 1.0, _outcome(ended[candidate.name]))
            told = (replace(each, standing=progress.standing(each.name, each.standing)) for each in ended.values())
            return self._finish(tuple(told))
        except RunFailedError:
            raise
        except BaseException as stopped:
            # The disk may be full, or the database held: that it is no longer `UNDER_WAY` tells the same.
            with suppress(ModelwardError):
                self._interrupt(stopped)
            raise

    def _submit(
        self, executor: Executor, candidates: Sequence[Candidate], progress: Recording, *, is_alone: bool
    ) -> list[Ticket[Product]]:
        return [
            executor.submit(
                Job(candidate.name, partial(self._make, candidate, partial(progress.curves, candidate.name), is_alone=is_alone)),
                heard=partial(progress.candidate, candidate.name),
            )
            for candidate in candidates
        ]

    def _make(self, candidate: Candidate, curves: HearCurves, report: Report, *, is_alone: bool) -> Product:
        with self.database.change() as connection:
            store.set_candidate(connection, self.run.id, replace(candidate, status=CandidateStatus.RUNNING))
        task = Task(
            candidate=candidate,
            forewarned=self.run.findings,
            may_retry=self.spec.out_of_memory == "smaller-batch",
            watts_per_core=self.settings.watts_per_core,
            is_alone=is_alone,
        )
        watched = Watched(Heeding(report, self.still_granted), curves)
        return self.bench.make(task, report=watched, checkpoints=self._checkpoints(candidate))

    def _checkpoints(self, candidate: Candidate) -> SealedCheckpoints:
        return checkpoints_of(
            self.run.id,
            candidate.name,
            made_from=(self.run.spec_digest, self.run.fingerprint, self.split_digest),
            home=self.settings.home,
            sealer=self.vault.sealer,
            seconds=self.settings.checkpoint_seconds,
        )

    def _discard_checkpoints(self, candidate: Candidate) -> None:
        kept = self._checkpoints(candidate)
        kept.discard()
        self.vault.forget(kept.sealer.label)

    def _conclude(self, candidate: Candidate, ticket: Ticket[Product]) -> Candidate:
        """Wait for a candidate, and register it or say why not."""
        try:
            product = ticket.result()
        except WorkshopLostError:
            # It was the process of every candidate, so it stops the run, to be resumed.
            raise
        except MakingFailedError as failed:
            return self._fail(candidate, failed.failure)
        except Exception as fault:  # noqa: BLE001  # one candidate's failure, of whatever kind, must not stop the others
            return self._fail(candidate, failure_of(fault, candidate))
        try:
            self.still_granted()
            version = self._register(candidate, product)
        except (InvalidError, RefusedError) as fault:
            # A full disk or a held database is neither: it stops every candidate alike, so it stops the run, to be resumed.
            return self._fail(candidate, failure_of(fault, candidate))
        made = replace(candidate, version=version.name, seconds=product.seconds, findings=product.findings)
        done = replace(made, status=CandidateStatus.DONE, message="")
        with self.database.change() as connection:
            store.set_candidate(connection, self.run.id, done)
        self._discard_checkpoints(candidate)
        return done

    def _register(self, candidate: Candidate, product: Product) -> Version:
        return self.registry.register(
            self.run.model,
            {**product.files, "spec.json": spec_json(self.spec)},
            lineage=self._lineage(candidate, product.parameters),
            interface=product.interface,
            purpose=self.purpose,
            owner=self.owner,
            facts={**product.facts, "candidate": candidate.name, "grant": self.grant, "isolation": self.bench.isolation},
            by=self.by,
        )

    def _fail(self, candidate: Candidate, failure: Failure) -> Candidate:
        failed = replace(candidate, status=failure.status, message=failure.message)
        if failure.may_go_well:
            self._starved.append(candidate.name)
        facts = {"candidate": candidate.name, "recipe": candidate.recipe, "status": failure.status, "kind": failure.kind}
        with self.database.change() as connection:
            store.set_candidate(connection, self.run.id, failed)
            self._record(connection, CANDIDATE_FAILED, facts)
        # It would fail again from there.
        self._discard_checkpoints(candidate)
        return failed

    def _lineage(self, candidate: Candidate, parameters: dict[str, Any]) -> Lineage:
        return Lineage(
            dataset=self.run.dataset,
            fingerprint=self.run.fingerprint,
            split=self.split_digest,
            spec=self.run.spec_digest,
            run=self.run.id,
            recipe=candidate.recipe,
            parameters=parameters,
            seed=self.run.seed,
            code=modelward.__version__,
            libraries=libraries(),
        )

    def _finish(self, candidates: tuple[Candidate, ...]) -> Run:
        ended = replace(self.run, candidates=candidates, ended=datetime.now(UTC))
        is_done = bool(ended.versions)
        reasons = "; ".join(f"{each.name}: {each.message}" for each in candidates if each.message)
        if not is_done:
            reasons = f"{reasons} {self._what_helps()}"
        ended = replace(ended, status=Status.DONE if is_done else Status.FAILED, message=reasons)
        facts = {"versions": list(ended.versions), "without_version": [each.name for each in ended.unfinished]}
        with self.database.change() as connection:
            store.set_status(connection, ended.id, ended.status, ended=ended.ended, message=reasons)
            self._record(connection, RUN_FINISHED if is_done else RUN_FAILED, facts)
        if not is_done:
            raise ended.failure()
        return ended

    def _what_helps(self) -> str:
        if self._starved:
            return f"Once that is there, go on with `modelward runs resume {self.run.id}`, or train another spec."
        return "Mend the spec and train again; resumed as it is, the run would end the same."

    def _interrupt(self, stopped: BaseException) -> None:
        why = str(stopped) if isinstance(stopped, WorkshopLostError) else f"Stopped by {type(stopped).__name__}."
        message = f"{why} Run `modelward runs resume {self.run.id}`."
        with self.database.change() as connection:
            store.stop_candidates(connection, self.run.id)
            store.set_status(connection, self.run.id, Status.INTERRUPTED, ended=datetime.now(UTC), message=message)
            self._record(connection, RUN_INTERRUPTED, {"kind": type(stopped).__name__, "isolation": self.bench.isolation})

    def _record(self, connection: Connection, event: Event, facts: Mapping[str, object]) -> None:
        self.ledger.record(connection, event, actor=self.by.id, subject=self.run.id, facts=facts)


def _outcome(candidate: Candidate) -> str:
    return candidate.version or f"{candidate.status}: {candidate.message}"
