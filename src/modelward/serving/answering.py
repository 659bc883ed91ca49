# SPDX-License-Identifier: Apache-2.0
"""From what an engine said to answers that leave: written in the callers' protocols, put on record together, told together.

These loops run for every answer there is, so they call little and look up once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence

from modelward.access import Actor, InvalidNameError, check_name
from modelward.audit import Draft, Event
from modelward.serving.answer import (
    INFERENCE_ANSWERED,
    INFERENCE_REFUSED,
    LedgerUnavailableError,
    OverloadedError,
    ShuttingDownError,
    TooSlowError,
)
from modelward.serving.batcher import Call
from modelward.serving.capturing import Capturing
from modelward.serving.computed import CallAnswers, Computed
from modelward.serving.meters import Meters
from modelward.serving.pending import Pending
from modelward.serving.recording import Recording
from modelward.serving.tracing import Tracing

_LOG = logging.getLogger("modelward.serving")
# How long after its time was over a question is told so, at most: sooner where callers say how long they wait.
_SWEEP_SECONDS = 0.5
# Between two looks, and beside that for each question that is open: looking takes a small part of the time.
_SWEEP_PAUSE_SECONDS, _SWEEP_PAUSE_EACH_SECONDS = 0.002, 1e-6
# A caller who cannot be told must not keep the others from being told.
_UNTOLD = "an answer could not be handed out"
_UNRECORDED = (LedgerUnavailableError, OverloadedError, ShuttingDownError)


class Answering:
    """Knows every question that waits, and sees to it that each is told once."""

    def __init__(
        self,
        recording: Recording,
        meters: Meters,
        *,
        capturing: Capturing,
        forget: Callable[[Pending], None],
        tracing: Tracing | None = None,
    ) -> None:
        """`forget` is told of each question that nobody waits for any more, and that may still stand in a line."""
        self.open: set[Pending] = set()
        self._capturing = capturing
        self._forget = forget
        self._recording = recording
        self._meters = meters
        self._tracing = tracing
        self._loop = asyncio.get_running_loop()
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweep_at = 0.0

    def watch(self, pending: Collection[Pending]) -> None:
        """Tell questions when their time is over, as long as any wait: one timer for all. It looks once in a while, and as soon as
        it has to for those that say how long they wait.
        """
        now = time.perf_counter()
        pause = _SWEEP_PAUSE_SECONDS + _SWEEP_PAUSE_EACH_SECONDS * len(self.open)
        own = [each.deadline for each in pending if each.has_own_deadline and each.is_recordable]
        at = max(now + pause, min([now + _SWEEP_SECONDS, *own]))
        if self._sweeper is not None:
            if self._sweep_at <= at + pause:
                return
            self._sweeper.cancel()
        self._sweeper, self._sweep_at = self._loop.call_later(at - now, self._sweep), at

    def finish(self, call: Call) -> None:
        """Write the answers of one call, and hand them to the ledger; what goes wrong with one concerns nobody else."""
        if call.rows:
            measured = self._meters.of_batches(call.outcomes[0].batch[0].standing.model)
            began = call.began
            measured.queue.add_many([began - pending.began for outcome in call.outcomes for pending in outcome.batch])
            measured.rows.add(call.rows)
            measured.engine.add(call.seconds)
            if self._tracing is not None:
                self._tracing.computed(call)
        for batch, answers in call.outcomes:
            if isinstance(answers, Exception):
                for pending in batch:
                    self.fail(pending, answers)
            else:
                self._write(batch, answers)

    def _write(self, batch: Sequence[Pending], answers: CallAnswers) -> None:
        version = batch[0].deployment.version
        model, number = version.model, version.number
        written, stop = [], 0
        for pending in batch:
            start = stop
            stop += pending.rows
            if pending.is_wanted:
                try:
                    pending.written = pending.render(Computed(answers, start, stop, pending.request, model, number))
                    written.append(pending)
                except Exception as fault:  # noqa: BLE001  # whoever asked is told
                    self.fail(pending, fault)
        if written:
            self.record(written, INFERENCE_ANSWERED)

    def record(self, written: list[Pending], event: Event) -> None:
        """Put answers that are written on record; they leave once they are."""
        now = time.perf_counter()
        drafts = self._recording.drafts(written, event, now=now)
        if self._tracing is not None:
            self._tracing.submitted(written)
        self._recording.submit(written, drafts, self.release)

    def release(self, answered: Sequence[Pending], first: int | Exception | None, entries: int) -> None:
        """Answers are on record from entry `first` on, together with others, `entries` in all, and leave; or they are not, and do
        not. Without `first` they leave before they are.
        """
        self.open.difference_update(answered)
        if isinstance(first, Exception):
            for pending in answered:
                self.fail(pending, first)
            return
        if self._capturing.is_on:
            self._capturing.take(answered)
        if self._tracing is not None:
            self._tracing.answered([pending for pending in answered if pending.is_wanted], entries=entries)
        told = rows = 0
        for place, pending in enumerate(answered):
            if not pending.is_wanted:
                continue
            pending.end()
            if first is not None:
                pending.entry = first + place
            told += 1
            rows += pending.rows
            try:
                pending.tell(None)
            except Exception:  # noqa: BLE001  # whoever it is
                _LOG.exception(_UNTOLD)
        if told:
            self._meters.note_answers(answered[0].deployment.labels, questions=told, rows=rows)

    def fail(self, pending: Pending, fault: Exception) -> None:
        """A question gets a fault in place of an answer, and that is put on record, where it must be."""
        if not pending.is_wanted:
            return
        pending.is_recordable = False
        if not isinstance(fault, _UNRECORDED) and getattr(fault, "is_first", True):
            standing = pending.standing
            self.record_refusal(standing.actor, fault, model=standing.model, number=standing.number, request=pending.request)
        self.open.discard(pending)
        self._refuse(pending, fault)

    def drop(self, pending: Pending) -> None:
        """The caller left: what was not begun is not done."""
        if pending.is_wanted:
            self._meters.note_drop()
            if self._tracing is not None:
                self._tracing.dropped(pending)
        pending.drop()
        self._forget(pending)
        self.open.discard(pending)

    def record_refusal(self, actor: Actor, fault: Exception, *, model: str, number: int | None, request: str) -> None:
        """Put on record that a question was refused."""
        facts = {"error": type(fault).__name__, "credential": actor.credential}
        subject = _shown(model) + ("" if number is None else f":{number}")
        if not self._recording.note(Draft(INFERENCE_REFUSED, actor=actor.id, subject=subject, facts=facts, request=request)):
            self._meters.note_unrecorded()

    def end(self) -> None:
        """Tell all who wait still that nobody answers any more."""
        for pending in list(self.open):
            self.give_up(pending, ShuttingDownError("The service is shutting down and began no more answers. Ask again later."))
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _refuse(self, pending: Pending, fault: Exception) -> None:
        pending.end()
        self._meters.note_rejection(fault)
        if self._tracing is not None:
            self._tracing.failed(pending, fault)
        try:
            pending.tell(fault)
        except Exception:  # noqa: BLE001  # whoever it is
            _LOG.exception(_UNTOLD)

    def _too_slow(self, pending: Pending) -> None:
        allowed = pending.deadline - pending.began
        self.give_up(pending, TooSlowError(f"No answer within {allowed:g} s. Ask again, or ask for fewer rows."))

    def give_up(self, pending: Pending, fault: Exception) -> None:
        """Let nobody wait any longer. Whose answer is being made durable right now is told once it is known whether it is on
        record: nobody gets a fault whom the ledger calls answered.
        """
        pending.is_recordable = False
        self._forget(pending)
        if not self._recording.is_taken(pending):
            self.fail(pending, fault)

    def _sweep(self) -> None:
        """Tell those whose time is over. Who was given up and is not told yet is told once it is known whether it is on record."""
        self._sweeper = None
        now = time.perf_counter()
        try:
            for pending in [pending for pending in self.open if pending.deadline <= now and pending.is_recordable]:
                self._too_slow(pending)
        finally:
            if self.open:
                self.watch(self.open)


def _shown(model: str) -> str:
    """A model's name; nothing where it cannot be one, for it could be anything then."""
    try:
        return check_name("model", model)
    except InvalidNameError:
        return "?"
