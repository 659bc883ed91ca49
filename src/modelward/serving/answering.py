# SPDX-License-Identifier: Apache-2.0
"""What happens to questions off the event loop: they are computed, committed to, and handed to the ledger's writer.

Questions to one version that wait at the same time are computed in one call. That changes no answer, for an engine gives a row
the same bits in any company; and a question that cannot be answered takes no other along.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from modelward.access import Actor
from modelward.audit import Draft, Event, GroupCommit, Ledger
from modelward.serving.answer import (
    INFERENCE_ANSWERED,
    INFERENCE_EXPLAINED,
    Computed,
    LedgerUnavailableError,
    Reply,
)
from modelward.serving.deployments import Deployment
from modelward.serving.dispatch import Homeward, Job
from modelward.serving.question import Row


class Asked(NamedTuple):
    """Who asked what under which id, and which deployment answers."""

    actor: Actor
    request: str
    payload: bytes
    rows: int
    deployment: Deployment
    began: float


class ToPredict(NamedTuple):
    """Rows to be answered. `rows` makes them, and `render` writes the body, in the thread that answers."""

    asked: Asked
    rows: Callable[[], Sequence[Row]]
    render: Callable[[Computed], bytes]


class ToExplain(NamedTuple):
    """Rows to be explained. `explain` writes the body, in the thread that explains."""

    asked: Asked
    explain: Callable[[Deployment, str], bytes]


class Answering:
    """Does bunches of questions, in whatever thread."""

    def __init__(self, ledger: Ledger, commits: GroupCommit, homeward: Homeward) -> None:
        self._ledger = ledger
        self._commits = commits
        self._homeward = homeward

    def predict(self, bunch: Sequence[Job[ToPredict]]) -> None:
        """Answer each question of the bunch; those to one deployment together."""
        together: dict[int, list[Job[ToPredict]]] = {}
        for job in bunch:
            together.setdefault(id(job.task.asked.deployment), []).append(job)
        for jobs in together.values():
            self._predict(jobs[0].task.asked.deployment, jobs)

    def explain(self, bunch: Sequence[Job[ToExplain]]) -> None:
        """Explain one question after the other."""
        for job in bunch:
            asked = job.task.asked
            self._guard(job, INFERENCE_EXPLAINED, partial(job.task.explain, asked.deployment, asked.request))

    def _predict(self, deployment: Deployment, jobs: Sequence[Job[ToPredict]]) -> None:
        try:
            parts = [job.task.rows() for job in jobs]
            # A question without rows is a fault, which company must not hide.
            rows = list(chain.from_iterable(parts)) if all(parts) else []
            columns, unfamiliar = deployment.interface.encode([deployment.interface.table_of_rows(rows)])
            probabilities = deployment.engine.answers(columns)
        except Exception as fault:  # noqa: BLE001 (whoever asked is told)
            if len(jobs) == 1:
                self._homeward.send([(jobs[0].waiting, fault)])
                return
            # Who is to blame is found by halving, and the others are answered.
            half = len(jobs) // 2
            self._predict(deployment, jobs[:half])
            self._predict(deployment, jobs[half:])
            return
        at = 0
        for job, part in zip(jobs, parts, strict=True):
            until = at + len(part)
            computed = _computed(job.task.asked, probabilities[at:until], unfamiliar[at:until])
            at = until
            self._guard(job, INFERENCE_ANSWERED, partial(job.task.render, computed))

    def _guard(self, job: Job[Any], event: Event, body: Callable[[], bytes]) -> None:
        """Hand one answer to the ledger; what goes wrong with it concerns nobody else."""
        try:
            self._hand_over(job.waiting, job.task.asked, event, body())
        except Exception as fault:  # noqa: BLE001 (whoever asked is told)
            self._homeward.send([(job.waiting, fault)])

    def _hand_over(self, waiting: asyncio.Future[Reply], asked: Asked, event: Event, body: bytes) -> None:
        """Commit to what came in and goes out, and leave the rest to the ledger's writer."""
        key = self._ledger.request_key(asked.request)
        facts = {
            "input": key.commitment(asked.payload),
            "output": key.commitment(body),
            "rows": asked.rows,
            "version": asked.deployment.version.digest,
            "credential": asked.actor.credential,
            "milliseconds": round((time.perf_counter() - asked.began) * 1000, 3),
        }
        name = asked.deployment.name
        draft = Draft(event, actor=asked.actor.id, subject=name, facts=facts, request=asked.request, key=key)

        def release(entry: int | Exception) -> None:
            """In the writer's thread: the entry is durable, or the answer does not leave."""
            reply: Reply | LedgerUnavailableError
            if isinstance(entry, Exception):
                reply = _unrecorded(entry)
            else:
                reply = Reply(payload=body, request=asked.request, version=name, entry=entry)
            self._homeward.send([(waiting, reply)])

        # An answer that nobody waits for is not given, so it must not be on record as given.
        if not waiting.done():
            self._commits.submit(_Lone(draft, release, waiting))


class _Lone:
    """One answer for the ledger, wanted for as long as somebody waits for it."""

    def __init__(self, draft: Draft, release: Callable[[int | Exception], None], waiting: asyncio.Future[Reply]) -> None:
        self._draft = draft
        self._release = release
        self._waiting = waiting
        self._is_given = True

    def drafts(self) -> Sequence[Draft]:
        """The draft, unless the caller left."""
        self._is_given = not self._waiting.done()
        return [self._draft] if self._is_given else []

    def done(self, first: int | Exception) -> None:
        """The entry is durable, or is not in the ledger."""
        if self._is_given:
            self._release(first)


def _computed(asked: Asked, probabilities: Any, unfamiliar: Sequence[tuple[str, ...]]) -> Computed:
    version = asked.deployment.version
    return Computed(
        request=asked.request,
        model=version.model,
        number=version.number,
        interface=version.interface,
        probabilities=probabilities,
        unfamiliar=unfamiliar,
    )


def _unrecorded(fault: Exception) -> LedgerUnavailableError:
    error = LedgerUnavailableError(
        "The ledger could not be written, and no answer is given that is not on record. Ask again later; whoever runs the "
        "service finds the cause with `modelward doctor`."
    )
    error.__cause__ = fault
    return error
