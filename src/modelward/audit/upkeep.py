# SPDX-License-Identifier: Apache-2.0
"""Upkeep: what a ledger that is written to all the time needs done, in a thread of its own, so that no commit waits for it."""

from __future__ import annotations

from threading import Event, Thread

from modelward.audit.service import Ledger

_PAUSE_SECONDS = 0.1
# The disk is shared with the commits, so what is much is copied in small bites: each keeps them waiting as long as it is large.
_BUSY_PAUSE_SECONDS = 0.02
_BUSY_ENTRIES = 100


class Upkeep:
    """Keeps the database's log short and the anchor fresh for as long as something is written; otherwise it sleeps."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._written = Event()
        self._entries = 0
        self._closing = Event()
        self._thread = Thread(target=self._work, name="ledger-upkeep", daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def note(self, entries: int = 0) -> None:
        """Something was written: so many entries."""
        self._entries += entries
        if not self._written.is_set():
            self._written.set()

    def close(self) -> None:
        """Anchor the ledger as it stands, and end the thread."""
        self._closing.set()
        self._written.set()
        self._thread.join()
        self._ledger.anchor_now()

    def _work(self) -> None:
        pause = _PAUSE_SECONDS
        while self._written.wait():
            self._closing.wait(pause)
            self._written.clear()
            # Asked last: who closes sets this before the other, so that one of the two is seen.
            if self._closing.is_set():
                return
            # What the writer adds in between may be lost; it decides nothing but when to look again.
            entries, self._entries = self._entries, 0
            pause = _BUSY_PAUSE_SECONDS if entries > _BUSY_ENTRIES else _PAUSE_SECONDS
            self._ledger.tend()
            if not self._ledger.anchor_when_due():
                self.note()
