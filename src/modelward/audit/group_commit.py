# SPDX-License-Identifier: Apache-2.0
"""Group commit: many callers wait for one durable transaction instead of one each.

While one group is being made durable the next one gathers, so that the cost of the disk is shared by all who wait, and
nobody waits for a timer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import perf_counter
from typing import Protocol

from modelward.audit.entry import Draft
from modelward.audit.service import Ledger
from modelward.audit.upkeep import Upkeep
from modelward.errors import UnavailableError

GROUP_LIMIT = 1000
_logger = logging.getLogger(__name__)


class Bunch(Protocol):
    """Entries that somebody hands in together. They are recorded one after the other, all or none."""

    def drafts(self) -> Sequence[Draft]:
        """What is to be recorded. Asked once, when the ledger can be written to, which may be later than the handing in: what is
        not wanted any more is left out. What this raises comes back to `done`, and concerns no other bunch.
        """
        ...

    def done(self, first: int | Exception, entries: int) -> None:
        """Told once, in the writer's thread: the index of the first of `drafts`, once all of them are durable, and how many
        `entries` were made durable with them, in all; or what went wrong: then none of them is in the ledger, and `drafts` may not
        have been asked. MUST be quick and MUST NOT raise.
        """
        ...


class WriterClosedError(UnavailableError):
    """The writer of the ledger is shutting down, so nothing more can be answered."""


class GroupCommit:
    """One thread that writes all bunches that wait as one transaction, and then tells each of them.

    Bunches are recorded in the order in which they were handed in. If a transaction fails, every bunch of it, and every other
    that waits by then, gets the error. `on_commit` is told, in the writer's thread, how many seconds it took to make a group
    durable and how many entries it had; the rules of `Bunch.done` hold for it.
    """

    def __init__(self, ledger: Ledger, *, on_commit: Callable[[float, int], None] | None = None) -> None:
        self._ledger = ledger
        self._on_commit = on_commit
        self._upkeep = Upkeep(ledger)
        self._waiting: SimpleQueue[Bunch | None] = SimpleQueue()
        self._thread = Thread(target=self._write_groups, name="ledger-writer", daemon=True)
        self._door = Lock()
        self._is_open = False

    def start(self) -> None:
        """Begin to write. Once only."""
        self._thread.start()
        self._upkeep.start()
        self._is_open = True

    def submit(self, bunch: Bunch) -> None:
        """Have the entries of `bunch` recorded.

        Raises:
            WriterClosedError: the writer was not started or is closed; nothing is recorded, and the bunch is not told.
        """
        # Under the lock nothing can come to lie behind the mark that ends the queue.
        with self._door:
            if not self._is_open:
                raise WriterClosedError("The ledger takes no more entries: the server is shutting down. Try again later.")
            self._waiting.put(bunch)

    def close(self) -> None:
        """Take nothing more, write and tell all that waits, anchor the ledger, and end the threads."""
        with self._door:
            if not self._is_open:
                return
            self._is_open = False
            self._waiting.put(None)
        self._thread.join()
        self._upkeep.close()

    def _write_groups(self) -> None:
        # No name holds what was written while the next is waited for.
        while self._commit(self._waiting.get()):
            pass

    def _commit(self, first: Bunch | None) -> bool:
        """Write one group, of which `first` is the first; whether more may come."""
        if first is None:
            return False
        group = _Group(first, self._waiting)
        began = perf_counter()
        try:
            index = self._ledger.commit(group.drafts)
        except Exception as fault:  # noqa: BLE001  # whatever failed, those who wait must be told that nothing is recorded
            group.fail(fault)
        else:
            seconds = perf_counter() - began
            group.tell(index)
            self._upkeep.note(group.entries)
            if group.entries:
                self._note(seconds, group.entries)
        return not group.is_last

    def _note(self, seconds: float, entries: int) -> None:
        try:
            if self._on_commit:
                self._on_commit(seconds, entries)
        except Exception:
            _logger.exception("Whoever counts the ledger's commits could not be told.")


class _Group:
    """The bunches of one transaction."""

    def __init__(self, first: Bunch, waiting: SimpleQueue[Bunch | None]) -> None:
        self.entries = 0
        self.is_last = False
        self._first: Bunch | None = first
        self._waiting = waiting
        self._taken: list[tuple[Bunch, int]] = []

    def drafts(self) -> list[Draft]:
        """What all that wait by now want recorded."""
        drafts: list[Draft] = []
        for bunch in self._bunches():
            try:
                given = bunch.drafts()
            except Exception as fault:  # noqa: BLE001  # the fault of one bunch is told to that one
                _tell(bunch, fault)
            else:
                self._taken.append((bunch, len(given)))
                drafts += given
            if len(drafts) >= GROUP_LIMIT:
                break
        self.entries = len(drafts)
        return drafts

    def tell(self, index: int) -> None:
        """All is durable, from `index` on."""
        for bunch, count in self._taken:
            _tell(bunch, index, self.entries)
            index += count

    def fail(self, fault: Exception) -> None:
        """Nothing is recorded. Who came meanwhile is told the same, for what failed now would most likely fail again."""
        for bunch, _ in self._taken:
            _tell(bunch, fault)
        for bunch in self._bunches():
            _tell(bunch, fault)

    def _bunches(self) -> Iterable[Bunch]:
        if (bunch := self._first) is not None:
            self._first = None
            yield bunch
        # This thread alone takes from the queue. Who comes while it does must not keep it here for ever.
        for _ in range(self._waiting.qsize()):
            try:
                bunch = self._waiting.get_nowait()
            except Empty:
                return
            if bunch is None:
                self.is_last = True
                return
            yield bunch


def _tell(bunch: Bunch, outcome: int | Exception, entries: int = 0) -> None:
    try:
        bunch.done(outcome, entries)
    except Exception:
        _logger.exception("Somebody who waits for the ledger could not be told.")
