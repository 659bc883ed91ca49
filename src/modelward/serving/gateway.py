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
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Any, Self

import msgspec

from modelward.access import Actor, InvalidNameError, Permission, check_name
from modelward.audit import Draft, GroupCommit, Ledger, WriterClosedError
from modelward.errors import ModelwardError
from modelward.serving.answer import (
    INFERENCE_REFUSED,
    Computed,
    LedgerUnavailableError,
    OverloadedError,
    Reply,
    ShuttingDownError,
    TooManyRowsError,
    TooSlowError,
)
from modelward.serving.answering import Answering, Asked, ToExplain, ToPredict
from modelward.serving.deployments import Deployment, Deployments
from modelward.serving.dispatch import Dispatch, Homeward
from modelward.serving.explanations import Explanations
from modelward.serving.keychain import Allowance, Keychain
from modelward.serving.question import Question, Row, rows_of
from modelward.serving.request_id import new_request_id
from modelward.settings import Settings

_LOG = logging.getLogger("modelward.serving")
_LOOKS_A_SECOND = 5.0
_encode = msgspec.json.Encoder().encode


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
        answering = Answering(self._ledger, self._commits, self._homeward)
        self._predicting = Dispatch(self._homeward, answering.predict, threads=self._settings.engine_threads, name="engine")
        self._explaining = Dispatch(self._homeward, answering.explain, threads=1, name="explainer")
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

    def record_refusal(self, question: Question, fault: Exception) -> None:
        """Put on record that the entrance refused a question, whose caller it knows, before it came here."""
        if self._is_taking and isinstance(question.caller, Actor):
            self._note(question.caller, question.request or new_request_id(), question, fault)

    async def predict(self, question: Question, rows: Sequence[Row]) -> Reply:
        """Answer rows of named features, in the protocol of records.

        Raises:
            UnauthenticatedError: the key opens nothing. RefusedError: it may not ask this model. NotFoundError: the model or
            version is not live. InvalidError: the rows do not fit, or are too many. UnavailableError: overload, too slow,
            shutting down, a version that cannot be opened, or a ledger that cannot be written: then no answer leaves.
        """

        def hand_in(asked: Asked) -> asyncio.Future[Reply]:
            return self._predicting.do(ToPredict(asked, lambda: rows, _records), seconds=_seconds(asked))

        return await self._ask(question, Permission.MODELS_PREDICT, hand_in, rows=len(rows), limit=self._settings.rows_limit)

    async def infer(
        self, question: Question, columns: Mapping[str, Sequence[Any]], *, render: Callable[[Computed], bytes]
    ) -> Reply:
        """`predict`, for rows that come as one list of values per feature, checked by the same interface. `render` writes the body
        in the caller's protocol.
        """

        def hand_in(asked: Asked) -> asyncio.Future[Reply]:
            return self._predicting.do(ToPredict(asked, lambda: rows_of(columns), render), seconds=_seconds(asked))

        rows = max(map(len, columns.values()), default=0)
        return await self._ask(question, Permission.MODELS_PREDICT, hand_in, rows=rows, limit=self._settings.rows_limit)

    async def explain(self, question: Question, rows: Sequence[Row], *, label: str | None = None) -> Reply:
        """Explain the answer to each row: what every feature adds to the probability of `label`, or of the predicted class.

        Raises: as `predict`; and PrerequisiteError: the library that explains is not installed.
        """

        def explain(deployment: Deployment, request: str) -> bytes:
            found = self._explanations.explain(deployment.opened, rows, label=label, request=request)
            return _encode({"explanations": found})

        def hand_in(asked: Asked) -> asyncio.Future[Reply]:
            return self._explaining.do(ToExplain(asked, explain), seconds=1.0)

        limit = self._settings.explain_rows_limit
        return await self._ask(question, Permission.MODELS_EXPLAIN, hand_in, rows=len(rows), limit=limit)

    async def _ask(
        self,
        question: Question,
        permission: Permission,
        hand_in: Callable[[Asked], asyncio.Future[Reply]],
        *,
        rows: int,
        limit: int,
    ) -> Reply:
        if not self._is_taking:
            raise ShuttingDownError("The service is shutting down and takes no more questions. Ask again later.")
        caller, began = question.caller, time.perf_counter()
        actor = caller if isinstance(caller, Actor) else self._keychain.actor(caller)
        request = question.request or new_request_id()
        if self._open >= self._settings.inflight_limit:
            raise OverloadedError(
                f"{self._open} questions are being answered, which is the limit. "
                f"Ask again in {OverloadedError.retry_after_seconds} s."
            )
        self._open += 1
        try:
            actor.require(permission, model=question.model)
            if rows > limit:
                raise TooManyRowsError(f"The request has {rows} rows; {limit} is the most. Send them in parts.")
            deployment = await self._deployment(question)
            async with asyncio.timeout(self._settings.request_timeout_seconds):
                return await hand_in(Asked(actor, request, question.payload, rows, deployment, began))
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

    async def _deployment(self, question: Question) -> Deployment:
        """The deployment that answers. What went live a moment ago is looked for, as often as a flood of wrong names cannot make
        dear.
        """
        try:
            return self._deployments.get(question.model, question.number)
        except ModelwardError:
            if not self._looks.take() or not await asyncio.to_thread(self._deployments.refresh):
                raise
            return self._deployments.get(question.model, question.number)

    def _note(self, actor: Actor, request: str, question: Question, fault: Exception) -> None:
        """Put a refusal on record, without letting the caller wait for it. What cannot be recorded is not."""
        if isinstance(fault, LedgerUnavailableError):
            return
        number = "" if question.number is None else f":{question.number}"
        facts = {"error": type(fault).__name__, "credential": actor.credential}
        draft = Draft(INFERENCE_REFUSED, actor=actor.id, subject=_shown(question.model) + number, facts=facts, request=request)
        with suppress(WriterClosedError):
            self._commits.submit(_Note(draft))

    def _refresh(self) -> None:
        try:
            self._keychain.refresh()
        finally:
            self._deployments.refresh()

    def _keep_fresh(self) -> None:
        while not self._stopped.wait(self._settings.refresh_seconds):
            try:
                self._refresh()
            except Exception as fault:  # noqa: BLE001 (a database that is busy now may answer next time)
                _LOG.warning("could not look for new releases and keys: %s", type(fault).__name__)

    def _end(self) -> None:
        self._refresher.join()
        self._predicting.close()
        self._explaining.close()
        self._commits.close()
        self._deployments.close()


def _seconds(asked: Asked) -> float:
    return asked.rows * asked.deployment.engine.cost.row_seconds


def _records(computed: Computed) -> bytes:
    return _encode(computed.answer())


def _shown(model: str) -> str:
    """A model's name; nothing where it cannot be one, for it could be anything then."""
    try:
        return check_name("model", model)
    except InvalidNameError:
        return "?"


class _Note:
    """An entry that nobody waits for."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def drafts(self) -> Sequence[Draft]:
        """The one."""
        return [self._draft]

    def done(self, first: int | Exception) -> None:
        """Whether it was recorded, the caller was told already what went wrong."""
