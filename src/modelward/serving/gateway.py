# SPDX-License-Identifier: Apache-2.0
"""The gateway: every question to a model comes through here, in whatever protocol it was asked.

    who is it -> may they -> is there room -> rows fit -> the engine answers -> commitments -> the entry is durable -> it leaves

The event loop does all of it but the ledger's transactions and what would keep others waiting, which have threads of their own:
calls of dear engines, reading large bodies, explaining, looking for a new release. Questions gather as long as each pass of the
loop brings new ones, and are dealt with together. An answer whose entry is not durable does not leave: the gateway fails closed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

from modelward.access import NOWHERE, Actor, Origin, Permission
from modelward.audit import GroupCommit, Ledger
from modelward.compute import usable_cores
from modelward.digest import KeyedDigest
from modelward.errors import ModelwardError, RefusedError, UnavailableError
from modelward.images import at_most
from modelward.registry import Interface
from modelward.serving.admission import Admission
from modelward.serving.answer import OverloadedError, Reply, ShuttingDownError
from modelward.serving.answering import Answering
from modelward.serving.aside import LARGE_BYTES, Aside
from modelward.serving.awaited import Awaited
from modelward.serving.batcher import Batcher, Slots
from modelward.serving.capturing import Capturing
from modelward.serving.deployments import Deployment, Deployments
from modelward.serving.doorkeeper import Doorkeeper
from modelward.serving.explaining import Explaining
from modelward.serving.explanations import Explanations
from modelward.serving.keychain import Keychain
from modelward.serving.meters import Meters
from modelward.serving.pending import Pending, Standing
from modelward.serving.question import Asking, Question, Read, Row, Why, check_rows
from modelward.serving.quotas import Quotas
from modelward.serving.recording import Recording
from modelward.serving.records import as_records
from modelward.serving.refresher import Refresher
from modelward.serving.request_id import new_request_id
from modelward.serving.room import make_room
from modelward.serving.tracing import Tracing
from modelward.settings import Settings

GATHER_SECONDS = 0.002
USES_SECONDS = 60.0
SWEEP_SECONDS = 60.0
# Looking for persons in more than this takes longer than the others of the loop should wait.
LOOKED_AT_BYTES = 4096


class Gateway:
    """Answers questions within one event loop: `async with Gateway(...) as gateway`.

    Entering opens what is live and starts the threads; leaving lets open questions finish, for as long as the settings say.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        admission: Admission,
        deployments: Deployments,
        keychain: Keychain,
        explanations: Explanations,
        quotas: Quotas,
        capturing: Capturing,
        pseudonyms: KeyedDigest,
        meters: Meters,
        settings: Settings,
        tracing: Tracing | None = None,
    ) -> None:
        self._ledger = ledger
        self._admission = admission
        self._deployments = deployments
        self._keychain = keychain
        self._explanations = explanations
        self._quotas = quotas
        self._capturing = capturing
        self._pseudonyms = pseudonyms
        self._settings = settings
        self._inflight_limit = settings.inflight_limit
        self._rows_limit = settings.rows_limit
        self._longest_seconds = settings.request_timeout_seconds
        self.meters = meters
        self.tracing = tracing
        self._batchers: dict[str, Batcher] = {}
        self._arrived: list[Pending] = []
        self._seen = 0
        self._gathering_since = 0.0
        self._is_gathering = False
        # Whose questions wait for the ledger, and whose have waited for it.
        self._waiting: set[Batcher] = set()
        self._ready: set[Batcher] = set()
        self._is_taking = False

    async def __aenter__(self) -> Self:
        looks = {"keys": self._keychain.refresh, "releases": self._deployments.refresh}
        for look in looks.values():
            await asyncio.to_thread(look)
        every = self._settings.refresh_seconds
        self._refreshers = [Refresher(look, what, every_seconds=every) for what, look in looks.items()]
        self._refreshers.append(Refresher(self._keychain.note_uses, "uses of keys", every_seconds=USES_SECONDS))
        await asyncio.to_thread(self._capturing.start)
        self._refreshers.append(Refresher(self._capturing.refresh, "rules of captures", every_seconds=every))
        self._refreshers.append(Refresher(self._capturing.sweep, "captures whose time is over", every_seconds=SWEEP_SECONDS))
        for refresher in self._refreshers:
            refresher.start()
        self._loop = asyncio.get_running_loop()
        self._commits = GroupCommit(self._ledger, on_commit=self.meters.note_commit)
        self._commits.start()
        self._recording = Recording(self._ledger, self._commits, handed_out=self._go_on, settings=self._settings)
        self._answering = Answering(
            self._recording, self.meters, capturing=self._capturing, forget=self._forget, tracing=self.tracing
        )
        self._open = self._answering.open
        self.meters.inflight.follow(lambda: len(self._open))
        self._slots = Slots(self._settings.engine_threads or usable_cores())
        self._aside = Aside(self._deployments, fail=self._answering.fail)
        self._explaining = Explaining(
            self._explanations,
            self._aside,
            self._answering,
            quotas=self._quotas,
            pseudonyms=self._pseudonyms,
            settings=self._settings,
        )
        self._is_taking = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._is_taking = False
        until = time.monotonic() + self._settings.shutdown_grace_seconds
        while (self._open or self._arrived) and time.monotonic() < until:
            await asyncio.sleep(0.01)
        self._answering.end()
        await asyncio.to_thread(self._end)

    @property
    def is_taking(self) -> bool:
        """Whether questions are taken: entered, and not leaving."""
        return self._is_taking

    @property
    def keys_revision(self) -> int | None:
        """What changes whenever any key does: a standing found before holds no longer."""
        return self._keychain.revision

    def actor(self, secret: str) -> Actor:
        """Who calls with this key; for the entrance's other routes.

        Raises:
            UnknownCredentialError: the key opens nothing.
        """
        return self._keychain.credential(secret).actor

    def note_use(self, actor: Actor) -> None:
        """That somebody acts with a key whom another than this gateway looked up."""
        self._keychain.note_use(actor.credential)

    def standing(
        self,
        caller: Actor | str,
        *,
        model: str,
        number: int | None,
        request: str,
        permission: Permission = Permission.MODELS_PREDICT,
        origin: Origin = NOWHERE,
    ) -> Standing:
        """That `caller`, known or by the secret of a key that came from `origin`, may ask this model. A refusal is put on record as
        that of `request`.

        Raises:
            UnauthenticatedError: the key opens nothing. RefusedError: it may not ask this model.
        """
        expires = None
        # Read first: of a key that is revoked meanwhile the standing must not look as if it had been found after that. While the
        # keys cannot be read there is no revision, and no standing that holds.
        revision = -1 if self._keychain.revision is None else self._keychain.revision
        if isinstance(caller, str):
            credential = self._keychain.credential(caller)
            caller, expires = credential.actor.at(origin), credential.expires
        try:
            until = caller.require(permission, model=model).until
            if until is not None:
                expires = until if expires is None else min(until, expires)
            standing = Standing(caller, model=model, number=number, revision=revision, expires=expires)
            if (deployment := self._deployments.find(model, number)) is not None:
                self._agree(standing, deployment)
        except RefusedError as fault:
            self.record_refusal(caller, fault, model=model, number=number, request=request)
            raise
        return standing

    def _agree(self, standing: Standing, deployment: Deployment) -> None:
        """Find out, or recall, whether the caller may ask that deployment.

        Raises:
            PurposeNotAgreedError, TermsNotAcceptedError: not for that, or not before. UnavailableError: it cannot be looked up.
        """
        if standing.agreed is not deployment:
            self._admission.check(standing.actor, deployment.version, revision=standing.revision)
            standing.agreed = deployment

    def record_refusal(self, actor: Actor, fault: Exception, *, model: str, number: int | None, request: str) -> None:
        """Put on record that a question of a known caller was refused."""
        if self._is_taking:
            self._answering.record_refusal(actor, fault, model=model, number=number, request=request)

    def seconds(self, allowed: float | None) -> float:
        """How long an answer may take for a caller who allows so much."""
        return self._longest_seconds if allowed is None else min(self._longest_seconds, allowed)

    def ask(self, pending: Pending) -> None:
        """Have a question answered whose standing holds; `pending` is told, maybe before this returns."""
        if not self._is_taking:
            self._answering.fail(pending, _ending())
            return
        if pending.standing.is_limited and not self._is_within_quota(pending):
            return
        if not self._is_gathering:
            self._begin_to_gather(pending.began)
        self._arrived.append(pending)

    def drop(self, pending: Pending) -> None:
        """The caller left: what was not begun is not done."""
        self._answering.drop(pending)

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

    async def explain(self, question: Question, read: Callable[[], Why]) -> Reply:
        """Explain the answer to each row that `read` finds in the question: what every feature adds to the probability of a class.

        Raises: as `answer`; and PrerequisiteError: the library that explains is not installed.
        """
        pending = self._awaited(question, Permission.MODELS_EXPLAIN, _unread)
        if self._is_within_quota(pending) and self._admitted([pending]):
            self._aside.find(pending, partial(self._begin_explaining, pending, read))
        return await self._waited(pending)

    def _awaited(self, question: Question, permission: Permission, read: Read) -> Awaited:
        request = question.request or new_request_id()
        try:
            if not self._is_taking:
                raise _ending()
            standing = self.standing(
                question.caller, model=question.model, number=question.number, request=request, permission=permission
            )
        except ModelwardError as fault:
            self.meters.note_rejection(fault)
            raise
        pending = Awaited(
            standing,
            read,
            payload=question.payload,
            request=request,
            seconds=self.seconds(question.timeout_seconds),
            priority=question.priority,
            has_own_deadline=question.timeout_seconds is not None,
        )
        if self.tracing is not None:
            self.tracing.asked(pending)
        return pending

    async def _waited(self, pending: Awaited) -> Reply:
        try:
            return await pending.waiting
        except asyncio.CancelledError:
            self.drop(pending)
            raise

    def _is_within_quota(self, pending: Pending) -> bool:
        """Whether anything is left of it, before any work is done; who asked is told where it is not."""
        try:
            self._quotas.check(pending.standing.actor)
        except ModelwardError as fault:
            self._answering.fail(pending, fault)
            return False
        return True

    def _begin_to_gather(self, now: float) -> None:
        self._is_gathering = True
        self._seen = 0
        self._gathering_since = now
        self._loop.call_soon(self._gather)

    def _go_on(self) -> None:
        """Answers have left: who waited for that is dealt with, together with those who were answered and ask again at once."""
        if self._waiting:
            self._ready |= self._waiting
            self._waiting.clear()
            if not self._is_gathering:
                self._begin_to_gather(time.perf_counter())

    def _gather(self) -> None:
        """Deal with what arrived, unless this pass of the loop brought new questions, and the next may bring more."""
        arrived = self._arrived
        if len(arrived) > self._seen and time.perf_counter() - self._gathering_since < GATHER_SECONDS:
            self._seen = len(arrived)
            self._loop.call_soon(self._gather)
            return
        self._arrived, self._is_gathering = [], False
        read: dict[str, list[Pending]] = {}
        get = self._deployments.get
        for pending in self._admitted(arrived):
            standing = pending.standing
            try:
                deployment = get(standing.model, standing.number)
            except ModelwardError as fault:
                self._aside.look_again(pending, fault, partial(self._read_alone, pending))
                continue
            size = len(pending.payload)
            if size > LARGE_BYTES or deployment.interface.is_packed or (deployment.looks and size > LOOKED_AT_BYTES):
                self._read_alone(pending, deployment)
                continue
            try:
                if standing.agreed is not deployment:
                    self._agree(standing, deployment)
                self._take(pending, self._read(pending, deployment), deployment)
            except Exception as fault:  # noqa: BLE001  # whoever asked is told
                self._answering.fail(pending, fault)
                continue
            if (found := read.get(deployment.release)) is None:
                read[deployment.release] = [pending]
            else:
                found.append(pending)
        for questions in read.values():
            self._put(questions)
        for batcher in self._ready:
            batcher.begin(at_once=True)
        self._ready.clear()

    def _admitted(self, arrived: list[Pending]) -> list[Pending]:
        """Those of the questions that somebody waits for and there is room for. From now on they are open: each is told once."""
        wanted = [pending for pending in arrived if pending.is_wanted]
        room = max(0, self._inflight_limit - len(self._open))
        self._open.update(wanted[:room])
        if len(wanted) > room:
            wanted = wanted[:room] + self._admitted_late(wanted[room:])
            wanted = [pending for pending in wanted if pending.is_wanted]
        if wanted:
            self._answering.watch(wanted)
        return wanted

    def _admitted_late(self, late: list[Pending]) -> list[Pending]:
        """Those that come in although no more can be open, for they are of callers who hold less than others."""
        full = f"{self._inflight_limit} questions are being answered, which is the limit"
        entering, leaving = make_room(self._open, late)
        for pending in leaving:
            told = f"{full}, and others have fewer among them than you. Ask again in 1 s."
            self._answering.give_up(pending, OverloadedError(told, retry_after_seconds=1))
        self._open.update(entering)
        for pending in late:
            if pending not in self._open:
                self._answering.fail(pending, OverloadedError(f"{full}. Ask again in 1 s.", retry_after_seconds=1))
        return entering

    def _begin_explaining(self, pending: Pending, read: Callable[[], Why], deployment: Deployment) -> None:
        self._agree(pending.standing, deployment)
        self._explaining.begin(pending, read, deployment)

    def _read_alone(self, pending: Pending, deployment: Deployment) -> None:
        try:
            self._agree(pending.standing, deployment)
        except ModelwardError as fault:
            self._answering.fail(pending, fault)
            return

        def put(asking: Asking) -> None:
            self._take(pending, asking, deployment)
            self._put([pending])

        def read() -> Asking:
            with at_most(self._settings.image_pixels_limit):
                return self._read(pending, deployment)

        self._aside.read(pending, read, put)

    def _read(self, pending: Pending, deployment: Deployment) -> Asking:
        """What a question asks, as the version is to see it."""
        asking = pending.read(deployment.interface)
        if not deployment.looks:
            return asking
        check_rows(asking.table.rows, self._rows_limit)
        tell = partial(self.meters.note_hidden, deployment.labels)
        doorkeeper = Doorkeeper(deployment.door, self._pseudonyms, caller=pending.caller, tell=tell)
        return doorkeeper.asking(asking, deployment.interface)

    def _take(self, pending: Pending, asking: Asking, deployment: Deployment) -> None:
        """A question is read: what it asks, and of which version."""
        table = asking.table
        check_rows(table.rows, self._rows_limit)
        if pending.standing.is_limited:
            self._quotas.take(pending.standing.actor, requests=1, rows=table.rows)
        pending.table, pending.render, pending.group = table, asking.render, asking.group
        pending.rows, pending.deployment = table.rows, deployment

    def _put(self, questions: Sequence[Pending]) -> None:
        """Questions to one deployment go to its batcher."""
        deployment = questions[0].deployment
        batcher = self._batchers.get(deployment.version.model)
        if batcher is None or batcher.deployment is not deployment:
            batcher = Batcher(
                deployment, self._slots, finish=self._answering.finish, recording=self._recording, settings=self._settings
            )
            self._batchers[deployment.version.model] = batcher
        batcher.put(*questions)
        if batcher not in self._ready and batcher.begin():
            self._waiting.add(batcher)

    def _forget(self, pending: Pending) -> None:
        self._aside.forget(pending)
        if (batcher := self._batchers.get(pending.standing.model)) is not None:
            batcher.forget(pending)

    def _end(self) -> None:
        for refresher in self._refreshers:
            refresher.close()
        with suppress(UnavailableError):
            self._keychain.note_uses()
        self._aside.close()
        self._slots.close()
        self._commits.close()
        self._capturing.close()
        self._deployments.close()
        self._quotas.close()


def _ending() -> ShuttingDownError:
    return ShuttingDownError("The service is shutting down and takes no more questions. Ask again later.")


def _unread(interface: Interface) -> Asking:
    """What is asked for an explanation is read by whoever explains."""
    raise NotImplementedError
