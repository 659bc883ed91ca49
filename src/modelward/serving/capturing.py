# SPDX-License-Identifier: Apache-2.0
"""Keeping what rules say of answers that are on record: handed over by the event loop, sealed and written by a thread of its own.

No answer waits for it. What waits to be sealed is bounded in bytes; what is more is lost, counted, and put on record as lost.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import Condition, Event, Thread
from typing import NamedTuple

import msgspec

from modelward.audit import Ledger
from modelward.errors import UnavailableError
from modelward.serving import store
from modelward.serving.capture import (
    CAPTURES_EXPIRED,
    CAPTURES_LOST,
    CaptureRule,
    Kept,
    Sealed,
    drawn,
    label_of,
    until,
)
from modelward.serving.capture_rules import CaptureRules
from modelward.serving.hiding import without_persons
from modelward.serving.meters import Meters
from modelward.serving.pending import Pending
from modelward.storage import Database, Parcel, Vault

WAITING_LIMIT_BYTES = 64 << 20
# A transaction that is long keeps the ledger's writer waiting, and every answer with it.
_WRITTEN_AT_ONCE = 64
_WRITTEN_BYTES = 1 << 20
# Each transaction takes as much from the answers as writing dozens of captures does: a few wait for company.
_GATHERED_SECONDS = 0.2
_RETRY_SECONDS = 0.5
_REMOVED_AT_ONCE = 500
_LOG = logging.getLogger("modelward.serving")


class _Taken(NamedTuple):
    """What is to be kept. `size` is what it counts for while it waits."""

    kept: Kept
    size: int


class Capturing:
    """Keeps exchanges of one gateway. `is_on` says whether any rule does, for who hands them over asks that each time."""

    def __init__(
        self, database: Database, ledger: Ledger, vault: Vault, *, rules: CaptureRules, meters: Meters, actor: str
    ) -> None:
        self.is_on = False
        self._database = database
        self._ledger = ledger
        self._vault = vault
        self._read_rules = rules
        self._meters = meters
        self._actor = actor
        self._rules: Mapping[str, CaptureRule] = {}
        self._waiting: deque[_Taken] = deque()
        self._waiting_bytes = 0
        self._lost: Counter[str] = Counter()
        self._changed = Condition()
        self._is_closing = False
        self._closing = Event()
        self._thread = Thread(target=self._run, name="keeper of captures", daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self.refresh()
        self._thread.start()

    def refresh(self) -> None:
        """Look which rules there are now. While they cannot be read, nothing is kept."""
        try:
            self._rules = self._read_rules.now()
        except Exception:
            self._rules = {}
            raise
        finally:
            self.is_on = bool(self._rules)

    def take(self, answered: Sequence[Pending]) -> None:
        """Keep those of the answers that a rule takes. In the loop's thread, once they are on record."""
        for pending in answered:
            rule = self._rules.get(pending.deployment.version.model)
            if rule is None or drawn(pending.request) >= rule.drawn_below:
                continue
            taken = _taken(pending, rule)
            with self._changed:
                if self._waiting_bytes + taken.size > WAITING_LIMIT_BYTES:
                    self._lose(rule.model)
                    continue
                self._waiting.append(taken)
                self._waiting_bytes += taken.size
                self._changed.notify()

    def sweep(self) -> None:
        """Remove what was kept for as long as its rule said."""
        remove_expired(self._database, self._ledger, self._vault, by=self._actor)

    def close(self) -> None:
        """Write what waits, as far as that is possible, and end."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while (some := self._next()) is not None:
            try:
                self._write(some)
            except Exception as fault:  # noqa: BLE001  # whatever it is, answers go on
                _LOG.warning("questions that were to be kept could not be written: %s", type(fault).__name__)
                # Who ends waits for no database twice.
                self._put_back(some, is_over=self._is_closing or not isinstance(fault, UnavailableError))
                if self._is_closing and not some:
                    return

    def _next(self) -> list[_Taken] | None:
        """What is to be written together, which may be that something was lost alone; None once no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._lost or self._is_closing)
            if not self._waiting and not self._lost:
                return None
            is_few = len(self._waiting) < _WRITTEN_AT_ONCE and self._waiting_bytes < _WRITTEN_BYTES
        if is_few:
            self._closing.wait(_GATHERED_SECONDS)
        with self._changed:
            some: list[_Taken] = []
            size = 0
            while self._waiting and len(some) < _WRITTEN_AT_ONCE and (not some or size + self._waiting[0].size <= _WRITTEN_BYTES):
                some.append(self._waiting.popleft())
                size += some[-1].size
            return some

    def _write(self, some: Sequence[_Taken]) -> None:
        hidden = [self._without_persons(taken.kept) for taken in some]
        parcels = [_parcel(self._vault, kept) for kept in hidden]
        with self._changed:
            lost = dict(self._lost)
        with self._database.change() as connection:
            if parcels:
                self._vault.keep(connection, parcels)
                sealed = (Sealed(parcel.digest, parcel.sealed) for parcel in parcels)
                store.add(connection, zip((kept.told() for kept in hidden), sealed, strict=True))
            for model, count in lost.items():
                self._ledger.record(connection, CAPTURES_LOST, actor=self._actor, subject=model, facts={"questions": count})
        self._meters.note_captures("kept", len(some))
        with self._changed:
            self._lost.subtract(lost)
            self._lost += Counter()
            self._waiting_bytes -= sum(taken.size for taken in some)

    def _without_persons(self, kept: Kept) -> Kept:
        """What is kept of it: no identifier that was found, and where there was one, what the ledger says of both as they were."""
        question, answer = without_persons(kept.question), without_persons(kept.answer)
        if not question.counts and not answer.counts:
            return kept
        key = self._ledger.request_key(kept.request)
        return msgspec.structs.replace(
            kept,
            question=question.body,
            answer=answer.body,
            input=key.commitment(kept.question),
            output=key.commitment(kept.answer),
            hidden=dict(Counter(question.counts) + Counter(answer.counts)),
        )

    def _put_back(self, some: Sequence[_Taken], *, is_over: bool) -> None:
        """What could not be written is tried again after a while, or lost."""
        with self._changed:
            if is_over:
                for taken in some:
                    self._lose(taken.kept.model)
                self._waiting_bytes -= sum(taken.size for taken in some)
            else:
                self._waiting.extendleft(reversed(some))
            self._changed.wait_for(lambda: self._is_closing, timeout=_RETRY_SECONDS)

    def _lose(self, model: str) -> None:
        self._lost[model] += 1
        self._meters.note_captures("lost", 1)


def remove_expired(database: Database, ledger: Ledger, vault: Vault, *, by: str) -> int:
    """Remove captures whose time is over, with their keys, some in a change at a time; how many."""
    removed = 0
    while True:
        with database.change() as connection:
            over = store.over(connection, now=datetime.now(UTC), limit=_REMOVED_AT_ONCE)
            if not over:
                return removed
            vault.drop(connection, [digest for _, _, digest in over])
            store.remove(connection, [request for request, _, _ in over])
            for model, count in sorted(Counter(model for _, model, _ in over).items()):
                ledger.record(connection, CAPTURES_EXPIRED, actor=by, subject=model, facts={"questions": count})
        removed += len(over)


def _taken(pending: Pending, rule: CaptureRule) -> _Taken:
    at = datetime.now(UTC)
    written = pending.written
    kept = Kept(
        request=pending.request,
        model=rule.model,
        version=pending.deployment.name,
        caller=pending.standing.actor.id,
        at=at,
        until=until(at, rule.days),
        rows=pending.rows,
        question=bytes(pending.payload),
        answer=bytes(written.body),
        media=written.media,
    )
    return _Taken(kept, len(kept.question) + len(kept.answer) + 1024)


def _parcel(vault: Vault, kept: Kept) -> Parcel:
    return vault.parcel(msgspec.msgpack.encode(kept), label=label_of(kept.request))
