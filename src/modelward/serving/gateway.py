# SPDX-License-Identifier: Apache-2.0
"""The gateway: every question to a model comes through here, in whatever protocol it was asked.

    who is it -> may they -> is there room -> rows fit -> the engine answers -> commitments -> the entry is durable -> it leaves

The event loop does all of it but calls of dear engines and the ledger's transactions, which have threads of their own. An
answer whose entry is not durable does not leave: the gateway fails closed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from modelward.access import Actor, InvalidNameError, Permission, check_name
from modelward.audit import Draft, Event, GroupCommit, Ledger
from modelward.errors import ModelwardError
from modelward.registry import Interface
from modelward.serving.answer import (
    INFERENCE_ANSWERED,
    INFERENCE_EXPLAINED,
    INFERENCE_REFUSED,
    Answers,
    Computed,
    LedgerUnavailableError,
    OverloadedError,
    Reply,
    ShuttingDownError,
    TooManyRowsError,
    TooSlowError,
    Written,
)
from modelward.serving.batcher import Batcher, Call, Slots
from modelward.serving.deployments import Deployment, Deployments
from modelward.serving.explanations import Explanations
from modelward.serving.keychain import Allowance, Keychain
from modelward.serving.meters import Meters
from modelward.serving.pending import Pending, Standing
from modelward.serving.question import Asking, Question, Read, Row
from modelward.serving.recording import Recording
from modelward.serving.records import as_records
from modelward.serving.request_id import new_request_id
from modelward.settings import Settings

_LOG = logging.getLogger("modelward.serving")
_LOOKS_A_SECOND = 5.0
_SWEEP_SECONDS = 0.5
# Reading more than this takes longer than others should have to wait for it.
_LARGE_BYTES = 256 << 10
T = TypeVar("T")
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
        meters: Meters,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._deployments = deployments
        self._keychain = keychain
        self._explanations = explanations
        self._settings = settings
        self._inflight_limit = settings.inflight_limit
        self.meters = meters
        meters.inflight.follow(lambda: len(self._open))
        self._looks = Allowance(_LOOKS_A_SECOND)
        self._stopped = Flag()
        self._open: set[Pending] = set()
        self._batchers: dict[str, Batcher] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_taking = False

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._refresh)
        self._loop = asyncio.get_running_loop()
        self._commits = GroupCommit(self._ledger, on_commit=self.meters.note_commit)
        self._commits.start()
        is_relaxed = self._settings.ledger_durability == "relaxed"
        self._recording = Recording(self._ledger, self._commits, release=self._release, is_relaxed=is_relaxed)
        self._slots = Slots(self._settings.engine_threads or len(os.sched_getaffinity(0)))
        # One thread each: what is large to read, and what is explained, must not crowd out what is quick.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._explainer = ThreadPoolExecutor(1, thread_name_prefix="explainer")
        self._refresher = Thread(target=self._keep_fresh, name="refresher", daemon=True)
        self._refresher.start()
        self._is_taking = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._is_taking = False
        until = time.monotonic() + self._settings.shutdown_grace_seconds
        while self._open and time.monotonic() < until:
            await asyncio.sleep(0.01)
        for pending in list(self._open):
            self._settle(pending, ShuttingDownError("The service is shutting down and began no more answers. Ask again later."))
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._stopped.set()
        await asyncio.to_thread(self._end)

    @property
    def open_questions(self) -> int:
        """How many are being answered now."""
        return len(self._open)

    @property
    def is_taking(self) -> bool:
        """Whether questions are taken: entered, and not leaving."""
        return self._is_taking

    def standing(
        self, caller: Actor | str, *, model: str, number: int | None, permission: Permission = Permission.MODELS_PREDICT
    ) -> Standing:
        """That `caller`, known or by the secret of their key, may ask this model; it holds while `holds` says so.

        Raises:
            UnauthenticatedError: the key opens nothing. RefusedError: it may not ask this model.
        """
        revision, expires = self._keychain.revision, None
        if isinstance(caller, str):
            credential = self._keychain.credential(caller)
            # Looking for a key may have found that keys changed.
            caller, expires, revision = credential.actor, credential.expires, self._keychain.revision
        caller.require(permission, model=model)
        return Standing(caller, model=model, number=number, permission=permission, revision=revision, expires=expires)

    def holds(self, standing: Standing) -> bool:
        """Whether it is still as it was found."""
        return standing.revision == self._keychain.revision and not (standing.expires and standing.has_expired)

    def actor(self, secret: str) -> Actor:
        """Who calls with this key; for the entrance's other routes.

        Raises:
            UnknownCredentialError: the key opens nothing.
        """
        return self._keychain.credential(secret).actor

    def record_refusal(self, actor: Actor, fault: Exception, *, model: str, number: int | None, request: str) -> None:
        """Put on record that a question was refused before it came here."""
        if self._is_taking:
            self._note(actor, fault, request=request, subject=_shown(model) + ("" if number is None else f":{number}"))

    def ask(self, pending: Pending) -> None:
        """Have a question answered whose standing holds; `pending` is told, maybe before this returns."""
        if self._admits(pending):
            self._find(pending, self._read)

    async def answer(self, question: Question, read: Read) -> Reply:
        """Answer what `read` makes of the question against the interface of the version that answers.

        Raises:
            UnauthenticatedError: the key opens nothing. RefusedError: it may not ask this model. NotFoundError: the model or
            version is not live. InvalidError: the rows do not fit, or are too many. UnavailableError: overload, too slow,
            shutting down, a version that cannot be opened, or a ledger that cannot be written: then no answer leaves. Whatever
            `read` raises.
        """
        pending = self._awaited(question, Permission.MODELS_PREDICT, read)
        self.ask(pending)
        return await self._waited(pending)

    async def predict(self, question: Question, rows: Sequence[Row]) -> Reply:
        """`answer`, to rows of named features in the protocol of records."""
        return await self.answer(question, lambda interface: Asking(interface.table_of_rows(rows), as_records))

    async def explain(self, question: Question, rows: Sequence[Row], *, label: str | None = None) -> Reply:
        """Explain the answer to each row: what every feature adds to the probability of `label`, or of the predicted class.

        Raises: as `answer`; and PrerequisiteError: the library that explains is not installed.
        """
        pending = self._awaited(question, Permission.MODELS_EXPLAIN, _unread)
        if not self._admits(pending):
            return await self._waited(pending)

        def explain(deployment: Deployment) -> Written:
            found = self._explanations.explain(deployment.opened, rows, label=label, request=pending.request)
            return Written(_encode({"explanations": found}))

        def explained(written: Written) -> None:
            pending.written = written
            self._record([pending], INFERENCE_EXPLAINED)

        def begin(pending: Pending, deployment: Deployment) -> None:
            self._check_rows(len(rows), self._settings.explain_rows_limit)
            pending.deployment, pending.rows = deployment, len(rows)
            self._elsewhere(pending, self._explainer, lambda: explain(deployment), explained)

        self._find(pending, begin)
        return await self._waited(pending)

    def _awaited(self, question: Question, permission: Permission, read: Read) -> Awaited:
        request = question.request or new_request_id()
        try:
            standing = self.standing(question.caller, model=question.model, number=question.number, permission=permission)
        except ModelwardError as fault:
            self.meters.note_rejection(fault)
            if isinstance(question.caller, Actor):
                self.record_refusal(question.caller, fault, model=question.model, number=question.number, request=request)
            raise
        return Awaited(
            standing,
            payload=question.payload,
            request=request,
            seconds=self.seconds(question.timeout_seconds),
            priority=question.priority,
            read=read,
            waiting=self._loop.create_future(),
        )

    async def _waited(self, pending: Awaited) -> Reply:
        try:
            return await pending.waiting
        except asyncio.CancelledError:
            self.drop(pending)
            raise

    def seconds(self, allowed: float | None) -> float:
        """How long an answer may take for a caller who allows so much."""
        most = self._settings.request_timeout_seconds
        return most if allowed is None else min(most, allowed)

    def drop(self, pending: Pending) -> None:
        """The caller left: what was not begun is not done."""
        if pending.is_wanted:
            self.meters.note_drops()
        pending.drop()
        self._open.discard(pending)

    def _admits(self, pending: Pending) -> bool:
        """Whether there is room for another question; if not, it is told."""
        waiting = self._open
        fault: ModelwardError | None = None
        if not self._is_taking:
            fault = ShuttingDownError("The service is shutting down and takes no more questions. Ask again later.")
        elif len(waiting) >= self._inflight_limit:
            text = f"{len(waiting)} questions are being answered, which is the limit. Ask again in 1 s."
            fault = OverloadedError(text, retry_after_seconds=1)
        if fault is not None:
            self._settle(pending, fault)
            return False
        waiting.add(pending)
        if pending.deadline - pending.began < self._settings.request_timeout_seconds:
            pending.timer = self._loop.call_later(pending.deadline - pending.began, self._too_slow, pending)
        elif self._sweeper is None:
            self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
        return True

    def _find(self, pending: Pending, then: Callable[[Pending, Deployment], None]) -> None:
        """Go on with the deployment that answers. What went live a moment ago is looked for, as often as a flood of wrong names
        cannot make dear.
        """
        standing = pending.standing
        try:
            deployment = self._deployments.get(standing.model, standing.number)
        except ModelwardError as fault:
            if not self._looks.take():
                self._fail(pending, fault)
                return

            def again(_changed: bool) -> None:  # noqa: FBT001  # what `refresh` gives
                then(pending, self._deployments.get(standing.model, standing.number))

            self._elsewhere(pending, None, self._deployments.refresh, again)
            return
        try:
            then(pending, deployment)
        except Exception as fault:  # noqa: BLE001  # whoever asked is told
            self._fail(pending, fault)

    def _elsewhere(
        self, pending: Pending, pool: ThreadPoolExecutor | None, work: Callable[[], T], then: Callable[[T], None]
    ) -> None:
        """Do `work` in a thread, and go on with what comes of it, as long as anybody waits."""

        def done(future: asyncio.Future[T]) -> None:
            if not pending.is_wanted or future.cancelled():
                return
            try:
                then(future.result())
            except Exception as fault:  # noqa: BLE001  # whoever asked is told
                self._fail(pending, fault)

        self._loop.run_in_executor(pool, work).add_done_callback(done)

    def _read(self, pending: Pending, deployment: Deployment) -> None:
        if len(pending.payload) <= _LARGE_BYTES:
            self._put(pending, pending.read(deployment.interface), deployment)
            return
        work = partial(pending.read, deployment.interface)
        self._elsewhere(pending, self._reader, work, lambda asking: self._put(pending, asking, deployment))

    def _put(self, pending: Pending, asking: Asking, deployment: Deployment) -> None:
        self._check_rows(len(asking.table), self._settings.rows_limit)
        pending.asking, pending.deployment = asking, deployment
        pending.rows, pending.group = len(asking.table), asking.group
        batcher = self._batchers.get(deployment.version.model)
        if batcher is None or batcher.deployment is not deployment:
            batcher = self._batchers[deployment.version.model] = Batcher(
                deployment,
                self._slots,
                finish=self._finish,
                batch_rows=self._settings.batch_rows,
                delay_seconds=self._settings.batch_delay_seconds,
            )
        batcher.put(pending)

    def _check_rows(self, rows: int, limit: int) -> None:
        if rows > limit:
            raise TooManyRowsError(f"The request has {rows} rows; {limit} is the most. Send them in parts.")

    def _finish(self, call: Call) -> None:
        """Write the answers of one call, and hand them to the ledger; what goes wrong with one concerns nobody else."""
        if call.rows:
            measured = self.meters.of_batches(call.outcomes[0].batch[0].standing.model)
            measured.queue.add_many(call.began - pending.began for outcome in call.outcomes for pending in outcome.batch)
            measured.rows.add(call.rows)
            measured.engine.add(call.seconds)
        for batch, answers in call.outcomes:
            if isinstance(answers, Exception):
                for pending in batch:
                    self._fail(pending, answers)
            else:
                self._write(batch, answers)

    def _write(self, batch: Sequence[Pending], answers: Answers) -> None:
        version = batch[0].deployment.version
        model, number = version.model, version.number
        written, start = [], 0
        for pending in batch:
            stop = start + pending.rows
            if pending.is_wanted:
                computed = Computed(answers, start, stop, request=pending.request, model=model, number=number)
                try:
                    pending.written = pending.asking.render(computed)
                    written.append(pending)
                except Exception as fault:  # noqa: BLE001
                    self._fail(pending, fault)
            start = stop
        self._record(written, INFERENCE_ANSWERED)

    def _record(self, written: list[Pending], event: Event) -> None:
        now = time.perf_counter()
        try:
            drafts = [self._recording.draft(pending, event, now=now) for pending in written]
        except Exception as fault:  # noqa: BLE001
            for pending in written:
                self._fail(pending, fault)
            return
        if written:
            self._recording.submit(written, drafts)

    def _release(self, answered: Sequence[Pending], fault: Exception | None) -> None:
        """Answers are on record, and leave; or they are not, and do not."""
        if fault is None and answered:
            rows = sum(pending.rows for pending in answered)
            self.meters.note_answers(answered[0].deployment.labels, questions=len(answered), rows=rows)
        for pending in answered:
            self._settle(pending, fault)

    def _settle(self, pending: Pending, fault: Exception | None) -> None:
        self._open.discard(pending)
        if not pending.is_wanted:
            return
        pending.end()
        if fault is not None:
            self.meters.note_rejection(fault)
        try:
            pending.tell(fault)
        except Exception:  # noqa: BLE001  # whoever it is
            # A caller who cannot be told must not keep the others from being told.
            _LOG.exception("an answer could not be handed out")

    def _fail(self, pending: Pending, fault: Exception) -> None:
        if pending.is_wanted:
            pending.is_recordable = False
            if not isinstance(fault, LedgerUnavailableError | OverloadedError | ShuttingDownError):
                standing = pending.standing
                self.record_refusal(standing.actor, fault, model=standing.model, number=standing.number, request=pending.request)
            self._settle(pending, fault)

    def _too_slow(self, pending: Pending) -> None:
        allowed = pending.deadline - pending.began
        self._fail(pending, TooSlowError(f"No answer within {allowed:g} s. Ask again, or ask for fewer rows."))

    def _sweep(self) -> None:
        """Tell those who waited as long as the settings say."""
        now = time.perf_counter()
        for pending in [pending for pending in self._open if pending.deadline < now]:
            self._too_slow(pending)
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep) if self._open else None

    def _note(self, actor: Actor, fault: Exception, *, request: str, subject: str) -> None:
        facts = {"error": type(fault).__name__, "credential": actor.credential}
        self._recording.note(Draft(INFERENCE_REFUSED, actor=actor.id, subject=subject, facts=facts, request=request))

    def _refresh(self) -> None:
        try:
            self._keychain.refresh()
        finally:
            self._deployments.refresh()

    def _keep_fresh(self) -> None:
        while not self._stopped.wait(self._settings.refresh_seconds):
            try:
                self._refresh()
            except Exception as fault:  # noqa: BLE001  # a database that is busy now may answer next time
                _LOG.warning("could not look for new releases and keys: %s", type(fault).__name__)

    def _end(self) -> None:
        self._refresher.join()
        for pool in (self._reader, self._explainer):
            pool.shutdown(wait=False, cancel_futures=True)
        self._slots.close()
        self._commits.close()
        self._deployments.close()


class Awaited(Pending):
    """A question whose caller is a coroutine."""

    __slots__ = ("_read", "waiting")

    def __init__(
        self,
        standing: Standing,
        *,
        payload: bytes,
        request: str,
        seconds: float,
        priority: int,
        read: Read,
        waiting: asyncio.Future[Reply],
    ) -> None:
        super().__init__(standing, payload=payload, request=request, seconds=seconds, priority=priority)
        self._read = read
        self.waiting = waiting

    def read(self, interface: Interface) -> Asking:
        """See `Pending.read`."""
        return self._read(interface)

    def tell(self, fault: Exception | None) -> None:
        """See `Pending.tell`."""
        if self.waiting.done():
            return
        if fault is not None:
            self.waiting.set_exception(fault)
            return
        reply = Reply(self.written, self.request, self.deployment.name, self.rows, self.entry)
        self.waiting.set_result(reply)


def _unread(interface: Interface) -> Asking:
    """What is asked for an explanation is read by whoever explains."""
    raise NotImplementedError


def _shown(model: str) -> str:
    """A model's name; nothing where it cannot be one, for it could be anything then."""
    try:
        return check_name("model", model)
    except InvalidNameError:
        return "?"
