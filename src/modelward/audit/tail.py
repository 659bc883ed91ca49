# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of one event, read on from where it was read to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from modelward.audit.entry import LoggedEntry
from modelward.audit.event import Event
from modelward.audit.head import broken
from modelward.audit.service import Ledger

_AT_ONCE: Final = 1000


class Tail:
    """The entries of one event that came since the last look, for who remembers what the others said.

    It reads on from the newest entry that stood under the signed root. What nobody proves does not say how far the ledger goes: a
    row that somebody wrote far ahead would hide what comes before it. Such entries are told at every look; what they are worth,
    who reads decides. Not for several threads at the same time.
    """

    def __init__(self, ledger: Ledger, event: Event) -> None:
        self._ledger = ledger
        self._event = event.name
        self._last: LoggedEntry | None = None

    def further(self) -> Iterator[LoggedEntry]:
        """The entries that were not read yet, oldest first. To be read to its end.

        Raises:
            LedgerBrokenError: the entry that was read last is gone or another: this is not the ledger that was read.
            EntryUnreadableError: one of them is not what a ledger writes.
        """
        last = self._last
        found = self._ledger.every(event=self._event, since=last.index if last else 0)
        if last and next(found, None) != last:
            raise broken(f"entry {last.index}, which was read as {self._event!r}, is gone or another")
        while some := list(islice(found, _AT_ONCE)):
            yield from some
            self._last = next((each for each in reversed(some) if self._ledger.proves(each)), self._last)
