# SPDX-License-Identifier: Apache-2.0
"""Group commit: many callers wait for one durable transaction instead of one each.

While one group is being made durable the next one gathers, so that the cost of the disk is shared by all who wait, and
nobody waits for a timer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import NamedTuple

from modelward.audit.entry import Draft
from modelward.audit.service import Ledger
from modelward.errors import UnavailableError

GROUP_LIMIT = 1000
_IDLE_SECONDS = 1.0
_logger = logging.getLogger(__name__)

Done = Callable[[int | Exception], None]
"""Told the index of the entry once it is durable, or why it is not in the ledger."""


def _always() -> bool:
    return True


class _Waiting(NamedTuple):
    draft: Draft
    done: Done
    is_wanted: Callable[[], bool]


class WriterClosedError(UnavailableError):
    """The writer of the ledger is shutting down, so nothing more can be answered."""


class GroupCommit:
    """One thread that writes all drafts that wait as one transaction, and then tells each of those who wait.

    `done` MUST be quick and MUST NOT raise: it is called in the writer's thread, in the order of the entries. An event loop is
    best woken once for all the calls of a group, see `modelward.serving`. If a transaction fails, every `done` of its group
    gets the error, and none of the group is in the ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._write_groups, name="ledger-writer", daemon=True)
        self._door = Lock()
        self._is_open = False

    def start(self) -> None:
        """Begin to write. Once only."""
        self._thread.start()
        self._is_open = True

    def submit(self, draft: Draft, done: Done, *, is_wanted: Callable[[], bool] = _always) -> None:
        """Have `draft` recorded, and `done` called with its index once it is durable, or with what went wrong.

        `is_wanted` is asked when the ledger can be written to, which may be later: what is not wanted any more is not recorded,
        and nobody is told.

        Raises:
            WriterClosedError: the writer was not started or is closed; the draft is not recorded.
        """
        # Under the lock nothing can come to lie behind the mark that ends the queue.
        with self._door:
            if not self._is_open:
                raise WriterClosedError("The ledger takes no more entries: the server is shutting down. Try again later.")
            self._waiting.put(_Waiting(draft, done, is_wanted))

    def close(self) -> None:
        """Take nothing more, write and tell all that waits, anchor the ledger, and end the thread."""
        with self._door:
            if not self._is_open:
                return
            self._is_open = False
            self._waiting.put(None)
        self._thread.join()

    def _write_groups(self) -> None:
        is_open = True
        while is_open:
            try:
                first = self._waiting.get(timeout=_IDLE_SECONDS)
            except Empty:
                self._ledger.anchor_when_due()
                continue
            # This thread alone takes from the queue, so what `qsize` counted is there.
            found = [first, *(self._waiting.get() for _ in range(min(self._waiting.qsize(), GROUP_LIMIT)))]
            group = [waiting for waiting in found if waiting is not None]
            is_open = len(group) == len(found)
            self._commit(group)
            if is_open:
                self._ledger.anchor_when_due()
        self._ledger.anchor_now()

    def _commit(self, group: Sequence[_Waiting]) -> None:
        if not group:
            return
        kept: list[_Waiting] = []

        def choose() -> list[Draft]:
            kept.extend(waiting for waiting in group if waiting.is_wanted())
            return [waiting.draft for waiting in kept]

        try:
            first = self._ledger.commit(choose)
        except Exception as fault:  # noqa: BLE001  # whatever failed, those who wait must be told that nothing is recorded
            for waiting in group:
                _tell(waiting.done, fault)
        else:
            for index, waiting in enumerate(kept, first):
                _tell(waiting.done, index)


def _tell(done: Done, outcome: int | Exception) -> None:
    try:
        done(outcome)
    except Exception:
        _logger.exception("Somebody who waits for the ledger could not be told.")
