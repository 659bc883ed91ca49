# SPDX-License-Identifier: Apache-2.0
"""An outage of the ledger: seen by the answers that could not be put on record, over once an entry can be written again.

Whoever is not ready is sent no questions, so that no answer would ever show that the outage is over. Who asks whether all is well
therefore has it tried: now and then, and only while it lasts, so that a disk without room is not written to for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic

from modelward.audit import Event, Ledger
from modelward.serving.meters import Meters
from modelward.storage import Database

LEDGER_RESUMED = Event("ledger.resumed", "The ledger could be written again; answers that could not be put on record had not left.")
_AGAIN_SECONDS = 1.0


class Outage:
    """What is known of whether the ledger can be written. `actor` is on record as the one that tried."""

    def __init__(
        self, database: Database, ledger: Ledger, *, meters: Meters, actor: str, clock: Callable[[], float] = monotonic
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._meters = meters
        self._actor = actor
        self._clock = clock
        self._trying = Lock()
        self._tried = float("-inf")

    def is_over(self) -> bool:
        """Whether the ledger took the last answers, or takes an entry now. It tries that once a second at most; who asks while
        another tries is told that it is not over.
        """
        if self._meters.is_recording:
            return True
        if not self._trying.acquire(blocking=False):
            return False
        try:
            return self._clock() - self._tried >= _AGAIN_SECONDS and self._try()
        finally:
            self._trying.release()

    def _try(self) -> bool:
        began = self._clock()
        try:
            with self._database.change() as connection:
                self._ledger.record(connection, LEDGER_RESUMED, actor=self._actor, subject="ledger")
        except Exception:  # noqa: BLE001  # whatever hinders it, no answer could leave
            return False
        finally:
            self._tried = self._clock()
        self._meters.note_commit(self._tried - began, 1)
        return True
