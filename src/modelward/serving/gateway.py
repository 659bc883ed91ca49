# SPDX-License-Identifier: Apache-2.0
"""The gateway: every question to a model comes through here, in whatever protocol it was asked.

    who is it -> may they -> rows fit -> the engine answers -> commitments -> the entry is durable -> the answer leaves

The event loop does the first two steps, which are look-ups in memory. A thread does the work and hands the entry to the
ledger's writer, which makes a group of entries durable at once and sends their answers back to the loop together. An answer
whose entry is not durable does not leave: the gateway fails closed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Any, Self

import msgspec

from modelward.access import Actor, InvalidNameError, Permission, check_name
from modelward.audit import Draft, Event, GroupCommit, Ledger, WriterClosedError
from modelward.errors import ModelwardError
from modelward.serving.answer import (
    INFERENCE_ANSWERED,
    INFERENCE_EXPLAINED,
    INFERENCE_REFUSED,
    Computed,
    LedgerUnavailableError,
    OverloadedError,
    Reply,
    ShuttingDownError,
    TooManyRowsError,
    TooSlowError,
    new_request_id,
)
from modelward.serving.deployments import Deployment, Deployments
from modelward.serving.dispatch import Dispatch, Homeward
from modelward.serving.explanations import Explanation, Explanations
from modelward.serving.keychain import Allowance, Keychain
from modelward.serving.question import Question, Row, rows_of
from modelward.settings import Settings

_LOG = logging.getLogger("modelward.serving")
_LOOKS_A_SECOND = 5.0
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Task:
    """One question on its way: who asks, under which id, which deployment answers how, and what the ledger is told."""

    event: Event
    actor: Actor
    request: str
    question: Question
    rows: int
    deployment: Deployment
    compute: Callable[[Deployment, str], bytes]
    began: float


class Gateway:
    """Answers questions within one event loop: `async with Gateway(...) as gateway`.

    Entering opens what is live and starts the threads; leaving lets open questions finish, for as long as the settings say.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        deployments: Deployments,
        keychain: Keychain,
        explanations: Explanations,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._deployments = deployments
        self._keychain = keychain
        self._explanations = explanations
        self._settings = settings
        self._looks = Allowance(_LOOKS_A_SECOND)
        self._stopped = Flag()
        self._open = 0
        self._is_taking = False

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._refresh)
        self._homeward = Homeward(asyncio.get_running_loop())
        self._commits = GroupCommit(self._ledger)
        self._commits.start()
        self._answering = Dispatch(self._homeward, threads=self._settings.engine_threads, name="engine")
        self._explaining = Dispatch(self._homeward, threads=1, name="explainer")
        self._refresher = Thread(target=self._keep_fresh, name="refresher", daemon=True)
        self._refresher.start()
        self._is_taking = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._is_taking = False
        until = time.monotonic() + self._settings.shutdown_grace_seconds
        while self._open and time.monotonic() < until:
            await asyncio.sleep(0.01)
        self._stopped.set()
        await asyncio.to_thread(self._end)

    @property
    def open_questions(self) -> int:
        """How many are being answered now."""
        return self._open

    @property
    def is_taking(self) -> bool:
        """Whether questions are taken: entered, and not leaving."""
        return self._is_taking

    def actor(self, secret: str) -> Actor:
        """Who calls with this key; for the entrance's other routes.

        Raises:
            UnknownCredentialError: the key opens nothing.
        """
        return self._keychain.actor(secret)

    async def predict(self, question: Question, rows: Sequence[Row], *, render: Callable[[Computed], bytes] | None = None) -> Reply:
        """Answer rows of named features. `render` writes the body in the caller's protocol; without it, in that of records.

        Raises:
            UnauthenticatedError: the key opens nothing. RefusedError: it may not ask this model. NotFoundError: the model or
            version is not live. InvalidError: the rows do not fit, or are too many. UnavailableError: overload, too slow,
            shutting down, a version that cannot be opened, or a ledger that cannot be written: then no answer leaves.
        """

        def compute(deployment: Deployment, request: str) -> bytes:
            probabilities = deployment.engine.answers(deployment.interface.columns(rows))
            return (render or _records)(_computed(deployment, request, probabilities))

        return await self._ask(question, compute, rows=len(rows))

    async def infer(
        self, question: Question, columns: Mapping[str, Sequence[Any]], *, render: Callable[[Computed], bytes] | None = None
    ) -> Reply:
        """`predict`, for rows that come as one list of values per feature; the same interface checks them."""

        def compute(deployment: Deployment, request: str) -> bytes:
            probabilities = deployment.engine.answers(deployment.interface.columns(rows_of(columns)))
            return (render or _records)(_computed(deployment, request, probabilities))

        return await self._ask(question, compute, rows=max(map(len, columns.values()), default=0))

    async def explain(
        self,
        question: Question,
        rows: Sequence[Row],
        *,
        label: str | None = None,
        render: Callable[[Sequence[Explanation]], bytes] | None = None,
    ) -> Reply:
        """Explain the answer to each row: what every feature adds to the probability of `label`, or of the predicted class.

        Raises: as `predict`; and PrerequisiteError: the library that explains is not installed.
        """

        def compute(deployment: Deployment, request: str) -> bytes:
            found = self._explanations.explain(deployment.opened, rows, label=label, request=request)
            return (render or _explanations)(found)

        return await self._ask(question, compute, rows=len(rows), is_explanation=True)

    async def _ask(
        self, question: Question, compute: Callable[[Deployment, str], bytes], *, rows: int, is_explanation: bool = False
    ) -> Reply:
        if not self._is_taking:
            raise ShuttingDownError("The service is shutting down and takes no more questions. Ask again later.")
        caller = question.caller
        actor = caller if isinstance(caller, Actor) else self._keychain.actor(caller)
        request = question.request or new_request_id()
        if self._open >= self._settings.inflight_limit:
            raise OverloadedError(
                f"{self._open} questions are being answered, which is the limit. "
                f"Ask again in {OverloadedError.retry_after_seconds} s."
            )
        self._open += 1
        try:
            deployment = await self._permitted(actor, question, rows, is_explanation=is_explanation)
            event = INFERENCE_EXPLAINED if is_explanation else INFERENCE_ANSWERED
            task = _Task(event, actor, request, question, rows, deployment, compute, time.perf_counter())
            dispatch = self._explaining if is_explanation else self._answering
            async with asyncio.timeout(self._settings.request_timeout_seconds):
                reply: Reply = await dispatch.do(lambda waiting: self._answer(task, waiting))
                return reply
        except TimeoutError as slow:
            fault = TooSlowError(
                f"No answer within {self._settings.request_timeout_seconds:g} s. Ask again, or ask for fewer rows."
            )
            self._note(actor, request, question, fault)
            raise fault from slow
        except Exception as fault:
            self._note(actor, request, question, fault)
            raise
        finally:
            self._open -= 1

    async def _permitted(self, actor: Actor, question: Question, rows: int, *, is_explanation: bool) -> Deployment:
        """The deployment that answers, where `actor` may ask it and the question is not too large."""
        actor.require(Permission.MODELS_EXPLAIN if is_explanation else Permission.MODELS_PREDICT, model=question.model)
        limit = self._settings.explain_rows_limit if is_explanation else self._settings.rows_limit
        if rows > limit:
            raise TooManyRowsError(f"The request has {rows} rows; {limit} is the most. Send them in parts.")
        try:
            return self._deployments.get(question.model, question.number)
        except ModelwardError:
            # What went live a moment ago is looked for, as often as a flood of wrong names cannot make dear.
            if not self._looks.take() or not await asyncio.to_thread(self._deployments.refresh):
                raise
            return self._deployments.get(question.model, question.number)

    def _answer(self, task: _Task, waiting: asyncio.Future[Reply]) -> None:
        """In a thread: compute, commit to what came in and goes out, and leave the rest to the ledger's writer."""
        payload = task.compute(task.deployment, task.request)
        facts = {
            "input": self._ledger.commitment(task.request, task.question.payload),
            "output": self._ledger.commitment(task.request, payload),
            "rows": task.rows,
            "version": task.deployment.version.digest,
            "credential": task.actor.credential,
            "milliseconds": round((time.perf_counter() - task.began) * 1000, 3),
        }
        name = task.deployment.name
        draft = Draft(task.event, actor=task.actor.id, subject=name, facts=facts, request=task.request)

        def release(entry: int | Exception) -> None:
            """In the writer's thread: the entry is durable, or the answer does not leave."""
            reply: Reply | LedgerUnavailableError
            if isinstance(entry, Exception):
                reply = _unrecorded(entry)
            else:
                reply = Reply(payload=payload, request=task.request, version=name, entry=entry)
            self._homeward.send([(waiting, reply)])

        # An answer that nobody waits for is not given, so it must not be on record as given.
        if not waiting.done():
            self._commits.submit(draft, release)

    def _note(self, actor: Actor, request: str, question: Question, fault: Exception) -> None:
        """Put a refusal on record, without letting the caller wait for it. What cannot be recorded is not."""
        if isinstance(fault, LedgerUnavailableError):
            return
        number = "" if question.number is None else f":{question.number}"
        facts = {"error": type(fault).__name__, "credential": actor.credential}
        draft = Draft(INFERENCE_REFUSED, actor=actor.id, subject=_shown(question.model) + number, facts=facts, request=request)
        with suppress(WriterClosedError):
            self._commits.submit(draft, _forget)

    def _refresh(self) -> None:
        self._keychain.refresh()
        self._deployments.refresh()

    def _keep_fresh(self) -> None:
        while not self._stopped.wait(self._settings.refresh_seconds):
            try:
                self._refresh()
            except Exception as fault:  # noqa: BLE001 (a database that is busy now may answer next time)
                _LOG.warning("could not look for new releases and keys: %s", type(fault).__name__)

    def _end(self) -> None:
        self._refresher.join()
        self._answering.close()
        self._explaining.close()
        self._commits.close()
        self._deployments.close()


def _computed(deployment: Deployment, request: str, probabilities: Any) -> Computed:
    version = deployment.version
    return Computed(
        request=request, model=version.model, number=version.number, interface=version.interface, probabilities=probabilities
    )


def _records(computed: Computed) -> bytes:
    return _encode(computed.answer())


def _explanations(found: Sequence[Explanation]) -> bytes:
    return _encode({"explanations": found})


def _shown(model: str) -> str:
    """A model's name; nothing where it cannot be one, for it could be anything then."""
    try:
        return check_name("model", model)
    except InvalidNameError:
        return "?"


def _unrecorded(fault: Exception) -> LedgerUnavailableError:
    error = LedgerUnavailableError(
        "The ledger could not be written, and no answer is given that is not on record. Ask again later; whoever runs the "
        "service finds the cause with `modelward doctor`."
    )
    error.__cause__ = fault
    return error


def _forget(_entry: int | Exception) -> None:
    pass
