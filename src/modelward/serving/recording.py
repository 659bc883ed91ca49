# SPDX-License-Identifier: Apache-2.0
"""From an answer that is written to an answer that may leave: committed to, entered in the ledger, durable, released.

The answers of one call are handed in together, made durable together with whatever else waits by then, and released together.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from modelward.access import Actor
from modelward.audit import Draft, Event, Form, GroupCommit, Ledger, WriterClosedError
from modelward.registry import Version
from modelward.serving.answer import LedgerUnavailableError, ShuttingDownError, TooSlowError
from modelward.serving.backlog import Backlog
from modelward.serving.pending import Pending
from modelward.settings import Settings

NOTES_LIMIT = 4096
_ANSWERS_PER_PLACE = 4
_FORMS_KEPT = 4096
_LATELY = 16
_LATELY_SECONDS = 0.1
_LOG = logging.getLogger("modelward.serving")
Release = Callable[[Sequence[Pending], int | Exception | None, int], None]
"""Told the answers; the index of the first of their entries, nothing where they leave before they are on record, or what went
wrong; and how many entries were made durable together."""


class Recording:
    """Puts answers on record, and then releases them, in the event loop's thread.

    While the ledger takes nothing, memory must not fill with what waits for it: no more than so many answers do, those included
    that nobody waits for any more, and no more than so many notes.
    """

    def __init__(self, ledger: Ledger, commits: GroupCommit, *, handed_out: Callable[[], None], settings: Settings) -> None:
        """`handed_out` is called whenever answers that were being made durable have left, or will not leave."""
        self._ledger = ledger
        self._handed_out = handed_out
        self._commits = commits
        self._is_relaxed = settings.ledger_durability == "relaxed"
        self._loop = asyncio.get_running_loop()
        self._forms: dict[tuple[str, str, str], Form] = {}
        # Those who are given up make room for others while their answers wait for the ledger still.
        self._answers = Backlog(max(NOTES_LIMIT, _ANSWERS_PER_PLACE * settings.inflight_limit))
        self._notes = Backlog(NOTES_LIMIT)
        self._is_losing_notes = False
        # Here, not in the questions: they would hold each other, and be left to the collector.
        self._under_way: set[Bunch] = set()
        self._lately: deque[float] = deque(maxlen=_LATELY)
        self._told = 0.0

    def drafts(self, written: Sequence[Pending], event: Event, *, now: float) -> list[Draft]:
        """The entries of answers that are written: they commit to what came in and goes out. `now` is of `time.perf_counter`."""
        forms, made = self._forms, []
        for pending in written:
            place = pending.caller, pending.deployment.release, event.name
            form = forms.get(place) or self._form(place, event, pending)
            milliseconds = b"%.3f" % ((now - pending.began) * 1000)
            made.append(form.draft(pending.request, pending.payload, pending.written.body, b"%d" % pending.rows, milliseconds))
        return made

    def _form(self, place: tuple[str, str, str], event: Event, pending: Pending) -> Form:
        """What is alike in all entries of one kind, of one caller, and of one release."""
        if len(self._forms) >= _FORMS_KEPT:
            self._forms.clear()
        by = pending.standing.actor
        form = form_of(self._ledger, event, pending.deployment.version, by=by, filled=("milliseconds",), credential=by.credential)
        self._forms[place] = form
        return form

    def submit(self, answers: list[Pending], drafts: list[Draft], release: Release) -> None:
        """Have answers recorded, and released once they are, with the number of entries that were made durable together."""
        if self._answers.is_full:
            release(answers, _unrecorded(), 0)
            return
        bunch = Bunch(answers, drafts, self._answers, _forget if self._is_relaxed else partial(self._recorded, release))
        try:
            self._commits.submit(bunch)
        except WriterClosedError:
            fault = "The service is shutting down, and no answer is given that is not on record. Ask again later."
            release(answers, ShuttingDownError(fault), 0)
            return
        self._answers.hand(len(drafts))
        if self._is_relaxed:
            release(answers, None, 0)
        else:
            self._under_way.add(bunch)

    @property
    def least_seconds(self) -> float:
        """What a transaction took at least, lately: no answer leaves sooner, as far as is known. What it takes on the average is no
        such bound, and whoever reckons with it turns everybody away after one slow moment. Where nothing was recorded for a while
        nothing is known, for who was turned away records nothing.
        """
        if time.perf_counter() - self._told > _LATELY_SECONDS:
            self._lately.clear()
        return min(self._lately, default=0.0)

    @property
    def is_writing(self) -> bool:
        """Whether answers are being made durable, so that others that were handed in now would wait for them."""
        return bool(self._under_way)

    def is_taken(self, pending: Pending) -> bool:
        """Whether its answer is being made durable right now, so that it may be on record."""
        return any(bunch.began and pending in bunch.answers for bunch in self._under_way)

    def note(self, draft: Draft) -> bool:
        """Put something on record that nobody waits for; whether it was handed in. Where too much waits already, it is lost."""
        if self._notes.is_full:
            self._lose_notes()
            return False
        self._is_losing_notes = self._is_losing_notes and self._notes.waiting > NOTES_LIMIT // 2
        try:
            self._commits.submit(Bunch([], [draft], self._notes, _forget))
        except WriterClosedError:
            return False
        self._notes.hand(1)
        return True

    def _lose_notes(self) -> None:
        if not self._is_losing_notes:
            self._is_losing_notes = True
            _LOG.warning(
                "the ledger takes nothing: %d refusals wait to be put on record, and more are not kept for it", NOTES_LIMIT
            )

    def _recorded(self, release: Release, bunch: Bunch, first: int | Exception, entries: int) -> None:
        """In the writer's thread: the entries are durable, or the answers do not leave."""
        # The loop may be closed; then nobody waits any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._hand_out, release, bunch, first, entries)

    def _hand_out(self, release: Release, bunch: Bunch, first: int | Exception, entries: int) -> None:
        self._under_way.discard(bunch)
        try:
            if isinstance(first, Exception):
                release(bunch.answers, _unrecorded(first), 0)
                return
            self._lately.append(bunch.seconds)
            self._told = time.perf_counter()
            release(bunch.recorded, first, entries)
            if len(bunch.recorded) < len(bunch.answers):
                told = "The time for the answer was over before it was on record. Ask again, or ask for fewer rows."
                release([pending for pending in bunch.answers if pending.is_wanted], TooSlowError(told), 0)
        finally:
            self._handed_out()


class Bunch:
    """The answers of one call, on their way into the ledger, and their drafts; or a draft that nobody waits for."""

    __slots__ = ("_backlog", "_drafts", "_tell", "answers", "began", "recorded", "seconds")

    def __init__(
        self, answers: list[Pending], drafts: list[Draft], backlog: Backlog, tell: Callable[[Bunch, int | Exception, int], None]
    ) -> None:
        self.answers = answers
        self.recorded = answers
        self.began = self.seconds = 0.0
        self._drafts = drafts
        self._backlog = backlog
        self._tell = tell

    def drafts(self) -> Sequence[Draft]:
        """In the writer's thread. An answer that nobody waits for is not given, so it must not be on record as given."""
        # Before any is looked at: whoever sees that it is not set yet, and then forbids an answer, is sure that it is left out.
        self.began = time.perf_counter()
        wanted = [pending.is_recordable for pending in self.answers]
        if all(wanted):
            return self._drafts
        self.recorded = [pending for pending, is_recordable in zip(self.answers, wanted, strict=True) if is_recordable]
        return [draft for draft, is_recordable in zip(self._drafts, wanted, strict=True) if is_recordable]

    def done(self, first: int | Exception, entries: int) -> None:
        """See `modelward.audit.Bunch`."""
        self.seconds = time.perf_counter() - self.began if self.began else 0.0
        self._backlog.settle(len(self._drafts))
        self._tell(self, first, entries)


def form_of(ledger: Ledger, event: Event, version: Version, *, by: Actor, filled: Sequence[str] = (), **fixed: str) -> Form:
    """What is alike in all entries of the answers of one version to one caller; the number of rows is filled in, and what `filled`
    names besides.
    """
    told = {"version": version.digest, **fixed}
    return ledger.form(event, actor=by.id, subject=version.name, filled=("rows", *filled), fixed=told)


def _forget(_bunch: Bunch, _first: int | Exception, _entries: int) -> None:
    """Whoever asked was told already what went wrong."""


def _unrecorded(fault: Exception | None = None) -> LedgerUnavailableError:
    error = LedgerUnavailableError(
        "The ledger could not be written, and no answer is given that is not on record. Ask again later; whoever runs the "
        "service finds the cause with `modelward doctor`."
    )
    error.__cause__ = fault
    return error
