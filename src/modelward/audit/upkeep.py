# SPDX-License-Identifier: Apache-2.0
"""Upkeep: what a ledger that is written to all the time needs done, in a thread of its own, so that no commit waits for it."""

from __future__ import annotations

from threading import Event, Thread

from modelward.audit.service import Ledger

_PAUSE_SECONDS = 0.1


class Upkeep:
    """Keeps the database's log short and the anchor fresh for as long as something is written; otherwise it sleeps."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._written = Event()
        self._closing = Event()
        self._thread = Thread(target=self._work, name="ledger-upkeep", daemon=True)

    def start(self) -> None:
        """Begin. Once only."""
        self._thread.start()

    def note(self) -> None:
        """Something was written."""
        if not self._written.is_set():
            self._written.set()

    def close(self) -> None:
        """Anchor the ledger as it stands, and end the thread."""
        self._closing.set()
        self._written.set()
        self._thread.join()
        self._ledger.anchor_now()

    def _work(self) -> None:
        while self._written.wait() and not self._closing.wait(_PAUSE_SECONDS):
            self._written.clear()
            self._ledger.tend()
            if not self._ledger.anchor_when_due():
                self.note()
