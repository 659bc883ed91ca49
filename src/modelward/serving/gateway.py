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

from modelward.access import Actor, Credential, InvalidNameError, Permission, check_name
from modelward.audit import Draft, Event, GroupCommit, Ledger
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
    Written,
)
from modelward.serving.batcher import Batcher, Call, Outcome, Slots
from modelward.serving.deployments import Deployment, Deployments
from modelward.serving.explanations import Explanations
from modelward.serving.keychain import Allowance, Keychain
from modelward.serving.meters import Meters
from modelward.serving.pending import Pending, Settle
from modelward.serving.question import Asking, Question, Read, Row
from modelward.serving.recording import Recording
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
        self._recording = Recording(self._ledger, self._commits, settle=self._settle, is_relaxed=is_relaxed)
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

    @property
    def keys_revision(self) -> int | None:
        """What changes whenever a key changes: whoever keeps an actor asks again then."""
        return self._keychain.revision

    def credential(self, secret: str) -> Credential:
        """Who calls with this key, and until when.

        Raises:
            UnknownCredentialError: the key opens nothing.
        """
        return self._keychain.credential(secret)

    def actor(self, secret: str) -> Actor:
        """Who calls with this key; for the entrance's other routes.

        Raises:
            UnknownCredentialError: the key opens nothing.
        """
        return self._keychain.credential(secret).actor

    def record_refusal(self, question: Question, fault: Exception) -> None:
        """Put on record that the entrance refused a question, whose caller it knows, before it came here."""
        if self._is_taking and isinstance(question.caller, Actor):
            self._note(question.caller, question.request or new_request_id(), question, fault)

    def ask(self, question: Question, read: Read, settle: Settle) -> Pending | None:
        """Have a question answered. `settle` is called once with the reply, or with what `answer` raises: maybe before this
        returns, and never once what is returned was dropped.
        """
        try:
            pending = self._admitted(question, Permission.MODELS_PREDICT, settle)
        except Exception as fault:  # noqa: BLE001  # whoever asked is told
            settle(fault)
            return None
        self._find(pending, lambda deployment: self._read(pending, read, deployment))
        return pending

    async def answer(self, question: Question, read: Read) -> Reply:
        """Answer what `read` makes of the question against the interface of the version that answers.

        Raises:
            UnauthenticatedError: the key opens nothing. RefusedError: it may not ask this model. NotFoundError: the model or
            version is not live. InvalidError: the rows do not fit, or are too many. UnavailableError: overload, too slow,
            shutting down, a version that cannot be opened, or a ledger that cannot be written: then no answer leaves. Whatever
            `read` raises.
        """
        waiting: asyncio.Future[Reply] = self._loop.create_future()
        return await self._waited(waiting, self.ask(question, read, _into(waiting)))

    async def predict(self, question: Question, rows: Sequence[Row]) -> Reply:
        """`answer`, to rows of named features in the protocol of records."""
        return await self.answer(question, lambda interface: Asking(interface.table_of_rows(rows), as_records))

    async def explain(self, question: Question, rows: Sequence[Row], *, label: str | None = None) -> Reply:
        """Explain the answer to each row: what every feature adds to the probability of `label`, or of the predicted class.

        Raises: as `answer`; and PrerequisiteError: the library that explains is not installed.
        """
        waiting: asyncio.Future[Reply] = self._loop.create_future()
        pending = self._admitted(question, Permission.MODELS_EXPLAIN, _into(waiting))

        def explain(deployment: Deployment) -> Written:
            found = self._explanations.explain(deployment.opened, rows, label=label, request=pending.request)
            return Written(_encode({"explanations": found}))

        def explained(written: Written) -> None:
            self._record([(pending, INFERENCE_EXPLAINED, written)])

        def begin(deployment: Deployment) -> None:
            self._check_rows(len(rows), self._settings.explain_rows_limit)
            pending.deployment, pending.rows = deployment, len(rows)
            self._elsewhere(pending, self._explainer, lambda: explain(deployment), explained)

        self._find(pending, begin)
        return await self._waited(waiting, pending)

    async def _waited(self, waiting: asyncio.Future[Reply], pending: Pending | None) -> Reply:
        try:
            return await waiting
        except asyncio.CancelledError:
            if pending is not None:
                self.drop(pending)
            raise

    def drop(self, pending: Pending) -> None:
        """The caller left: what was not begun is not done."""
        if pending.is_wanted:
            self.meters.note_drops()
        pending.drop()
        self._open.discard(pending)

    def _admitted(self, question: Question, permission: Permission, settle: Settle) -> Pending:
        """Who asks, and whether there is room for another question.

        Raises: what the caller is told; it is on record where it must be.
        """
        try:
            return self._admit(question, permission, settle)
        except ModelwardError as fault:
            self.meters.note_rejection(fault)
            raise

    def _admit(self, question: Question, permission: Permission, settle: Settle) -> Pending:
        if not self._is_taking:
            raise ShuttingDownError("The service is shutting down and takes no more questions. Ask again later.")
        caller = question.caller
        actor = caller if isinstance(caller, Actor) else self.actor(caller)
        if len(self._open) >= self._settings.inflight_limit:
            raise OverloadedError(
                f"{len(self._open)} questions are being answered, which is the limit. Ask again in 1 s.", retry_after_seconds=1
            )
        request = question.request or new_request_id()
        seconds = self._settings.request_timeout_seconds
        if question.timeout_seconds is not None:
            seconds = min(seconds, question.timeout_seconds)
        try:
            actor.require(permission, model=question.model)
        except ModelwardError as fault:
            self._note(actor, request, question, fault)
            raise
        pending = Pending(question, actor, request=request, seconds=seconds, settle=settle)
        self._open.add(pending)
        if question.timeout_seconds is not None:
            pending.timer = self._loop.call_later(seconds, self._too_slow, pending)
        elif self._sweeper is None:
            self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
        return pending

    def _find(self, pending: Pending, then: Callable[[Deployment], None]) -> None:
        """Go on with the deployment that answers. What went live a moment ago is looked for, as often as a flood of wrong names
        cannot make dear.
        """
        question = pending.question
        try:
            deployment = self._deployments.get(question.model, question.number)
        except ModelwardError as fault:
            if not self._looks.take():
                self._fail(pending, fault)
                return

            def again(_changed: bool) -> None:  # noqa: FBT001  # what `refresh` gives
                then(self._deployments.get(question.model, question.number))

            self._elsewhere(pending, None, self._deployments.refresh, again)
            return
        self._guarded(pending, then, deployment)

    def _elsewhere(
        self, pending: Pending, pool: ThreadPoolExecutor | None, work: Callable[[], T], then: Callable[[T], None]
    ) -> None:
        """Do `work` in a thread, and go on with what comes of it, as long as anybody waits."""

        def done(future: asyncio.Future[T]) -> None:
            if pending.is_wanted and not future.cancelled():
                self._guarded(pending, lambda waiting: then(waiting.result()), future)

        self._loop.run_in_executor(pool, work).add_done_callback(done)

    def _guarded(self, pending: Pending, work: Callable[[T], None], what: T) -> None:
        try:
            work(what)
        except Exception as fault:  # noqa: BLE001  # whoever asked is told
            self._fail(pending, fault)

    def _read(self, pending: Pending, read: Read, deployment: Deployment) -> None:
        if len(pending.question.payload) <= _LARGE_BYTES:
            self._put(pending, read(deployment.interface), deployment)
            return
        work = partial(read, deployment.interface)
        self._elsewhere(pending, self._reader, work, lambda asking: self._put(pending, asking, deployment))

    def _put(self, pending: Pending, asking: Asking, deployment: Deployment) -> None:
        self._check_rows(len(asking.table), self._settings.rows_limit)
        pending.reads_as(asking, deployment)
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
            measured = self.meters.of_batches(call.outcomes[0].pending.question.model)
            measured.queue.add_many(call.began - outcome.pending.began for outcome in call.outcomes)
            measured.rows.add(call.rows)
            measured.engine.add(call.seconds)
        written = []
        for outcome in call.outcomes:
            pending = outcome.pending
            if not pending.is_wanted:
                continue
            if outcome.fault is not None:
                self._fail(pending, outcome.fault)
                continue
            try:
                written.append((pending, INFERENCE_ANSWERED, pending.asking.render(_computed(outcome))))
            except Exception as fault:  # noqa: BLE001
                self._fail(pending, fault)
        self._record(written)

    def _record(self, answers: Sequence[tuple[Pending, Event, Written]]) -> None:
        bunch = self._recording.bunch()
        for pending, event, written in answers:
            try:
                self._recording.add(bunch, pending, event, written)
            except Exception as fault:  # noqa: BLE001
                self._fail(pending, fault)
        if bunch.answers:
            self._recording.submit(bunch)

    def _settle(self, pending: Pending, outcome: Reply | Exception) -> None:
        self._open.discard(pending)
        settle = pending.settle
        pending.end()
        if settle is None:
            return
        if isinstance(outcome, Reply):
            self.meters.note_answers(pending.deployment.labels, questions=1, rows=pending.rows)
        else:
            self.meters.note_rejection(outcome)
        try:
            settle(outcome)
        except Exception:  # noqa: BLE001  # whoever it is
            # A caller who cannot be told must not keep the others from being told.
            _LOG.exception("an answer could not be handed out")

    def _fail(self, pending: Pending, fault: Exception) -> None:
        if pending.is_wanted:
            pending.is_recordable = False
            if not isinstance(fault, LedgerUnavailableError | OverloadedError | ShuttingDownError):
                self._note(pending.actor, pending.request, pending.question, fault)
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

    def _note(self, actor: Actor, request: str, question: Question, fault: Exception) -> None:
        """Put a refusal on record, without letting the caller wait for it."""
        number = "" if question.number is None else f":{question.number}"
        facts = {"error": type(fault).__name__, "credential": actor.credential}
        subject = _shown(question.model) + number
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


def as_records(computed: Computed) -> Written:
    """The answer in the protocol of records."""
    return Written(_encode(computed.answer()))


def _computed(outcome: Outcome) -> Computed:
    pending = outcome.pending
    version = pending.deployment.version
    assert outcome.probabilities is not None
    return Computed(
        request=pending.request,
        model=version.model,
        number=version.number,
        interface=version.interface,
        probabilities=outcome.probabilities,
        unfamiliar=outcome.unfamiliar,
    )


def _into(waiting: asyncio.Future[Reply]) -> Settle:
    """What settles a future."""

    def settle(outcome: Reply | Exception) -> None:
        if waiting.done():
            return
        if isinstance(outcome, Exception):
            waiting.set_exception(outcome)
        else:
            waiting.set_result(outcome)

    return settle


def _shown(model: str) -> str:
    """A model's name; nothing where it cannot be one, for it could be anything then."""
    try:
        return check_name("model", model)
    except InvalidNameError:
        return "?"
