# SPDX-License-Identifier: Apache-2.0
"""From an answer that is written to an answer that may leave: committed to, entered in the ledger, durable, released.

The answers of one call are handed in together, made durable together with whatever else waits by then, and released together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from modelward.audit import Draft, Event, GroupCommit, Ledger, WriterClosedError
from modelward.serving.answer import LedgerUnavailableError, Reply, ShuttingDownError, Written
from modelward.serving.pending import Pending

Settle = Callable[[Pending, Reply | Exception], None]


class Recording:
    """Puts answers on record, and hands them to `settle`, in the event loop's thread."""

    def __init__(self, ledger: Ledger, commits: GroupCommit, *, settle: Settle, is_relaxed: bool) -> None:
        self._ledger = ledger
        self._commits = commits
        self._settle = settle
        self._is_relaxed = is_relaxed
        self._loop = asyncio.get_running_loop()

    def bunch(self) -> Bunch:
        """Empty; for the answers of one call."""
        return Bunch(self._release)

    def add(self, bunch: Bunch, pending: Pending, event: Event, written: Written) -> None:
        """Commit to what came in and goes out. Whatever this raises concerns this answer alone."""
        question, deployment = pending.question, pending.deployment
        key = self._ledger.request_key(pending.request)
        facts = {
            "input": key.commitment(question.payload),
            "output": key.commitment(written.body),
            "rows": pending.rows,
            "version": deployment.version.digest,
            "credential": pending.actor.credential,
            "milliseconds": round((time.perf_counter() - pending.began) * 1000, 3),
        }
        draft = Draft(event, actor=pending.actor.id, subject=deployment.name, facts=facts, request=pending.request, key=key)
        bunch.add(pending, written, draft)

    def submit(self, bunch: Bunch) -> None:
        """Have the bunch recorded, and its answers released once it is."""
        try:
            self._commits.submit(bunch)
        except WriterClosedError:
            fault = ShuttingDownError(
                "The service is shutting down, and no answer is given that is not on record. Ask again later."
            )
            for pending, _ in bunch.answers:
                self._settle(pending, fault)
            return
        if self._is_relaxed:
            for pending, written in list(bunch.answers):
                self._settle(pending, _reply(pending, written, None))

    def note(self, draft: Draft) -> None:
        """Put something on record that nobody waits for. What cannot be recorded is not."""
        with suppress(WriterClosedError):
            self._commits.submit(Note(draft))

    def _release(self, bunch: Bunch, first: int | Exception) -> None:
        """In the writer's thread: the entries are durable, or the answers do not leave."""
        # The loop may be closed; then nobody waits any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._hand_out, bunch, first)

    def _hand_out(self, bunch: Bunch, first: int | Exception) -> None:
        if isinstance(first, Exception):
            fault = _unrecorded(first)
            for pending, _ in bunch.answers:
                self._settle(pending, fault)
            return
        for entry, (pending, written) in enumerate(bunch.recorded, first):
            self._settle(pending, _reply(pending, written, entry))


class Bunch:
    """The answers of one call, on their way into the ledger."""

    __slots__ = ("_drafts", "_release", "answers", "recorded")

    def __init__(self, release: Callable[[Bunch, int | Exception], None]) -> None:
        self._release = release
        self._drafts: list[Draft] = []
        self.answers: list[tuple[Pending, Written]] = []
        self.recorded: list[tuple[Pending, Written]] = []

    def add(self, pending: Pending, written: Written, draft: Draft) -> None:
        """One answer more."""
        self.answers.append((pending, written))
        self._drafts.append(draft)

    def drafts(self) -> Sequence[Draft]:
        """In the writer's thread. An answer that nobody waits for is not given, so it must not be on record as given."""
        if all(pending.is_recordable for pending, _ in self.answers):
            self.recorded = self.answers
            return self._drafts
        kept = [(answer, draft) for answer, draft in zip(self.answers, self._drafts, strict=True) if answer[0].is_recordable]
        self.recorded = [answer for answer, _ in kept]
        return [draft for _, draft in kept]

    def done(self, first: int | Exception) -> None:
        """See `modelward.audit.Bunch`."""
        self._release(self, first)


class Note:
    """An entry that nobody waits for."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def drafts(self) -> Sequence[Draft]:
        """The one."""
        return [self._draft]

    def done(self, first: int | Exception) -> None:
        """Whoever asked was told already what went wrong."""


def _reply(pending: Pending, written: Written, entry: int | None) -> Reply:
    return Reply(written, pending.request, pending.deployment.name, pending.rows, entry)


def _unrecorded(fault: Exception) -> LedgerUnavailableError:
    error = LedgerUnavailableError(
        "The ledger could not be written, and no answer is given that is not on record. Ask again later; whoever runs the "
        "service finds the cause with `modelward doctor`."
    )
    error.__cause__ = fault
    return error
