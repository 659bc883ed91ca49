# SPDX-License-Identifier: Apache-2.0
"""What was ended for good, by the ledger's word: an older row that is put back whole opens nothing that it opened before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock

from modelward.audit import Entry, Event, Ledger, Tail

# Who puts back the number of changes, too, gains so much and no more.
_GOOD_SECONDS = 0.5


class EndedOnRecord:
    """Remembers what entries of some events ended, each known by its id, and reads on from there. Safe from any thread.

    An entry that nobody proves counts as well: what is in doubt opens nothing.
    """

    def __init__(self, ledger: Ledger, *events: Event, id_of: Callable[[Entry], str]) -> None:
        self._tails = [Tail(ledger, event) for event in events]
        self._id_of = id_of
        self._lock = Lock()
        self._ended: set[str] = set()
        self._revision: int | None = None
        self._good_until = 0.0

    def among(self, ids: Iterable[str], *, revision: int | None = None) -> set[str]:
        """Those of the ids that were ended. Where there are none, the ledger is not asked; nor where it was a moment ago, at the
        same `revision` of access, which every end advances.

        Raises:
            LedgerBrokenError: what was read of it before is gone.
        """
        if not (wanted := set(ids)):
            return wanted
        with self._lock:
            if revision is None or revision != self._revision or time.monotonic() >= self._good_until:
                # Nothing is good until it was read: a look that fails is made again.
                self._revision = None
                began = time.monotonic()
                for tail in self._tails:
                    self._ended.update(self._id_of(each.entry) for each in tail.further())
                self._revision, self._good_until = revision, began + _GOOD_SECONDS
            return wanted & self._ended
