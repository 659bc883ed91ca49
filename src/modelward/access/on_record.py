# SPDX-License-Identifier: Apache-2.0
"""What the ledger says is there. A row that it tells of and that is gone, or is an older one put back, was not taken by Modelward.

A seal says that a row is as it was written, and nothing of a row that is not there. What takes a protection away is therefore held
against the record: it is over where the ledger says so, and an entry that says so stands under the ledger's signed root.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from modelward.access.credential import USER_INVITED, USER_REMOVED
from modelward.access.session import SECOND_FACTOR_ENDED, SECOND_FACTOR_SET
from modelward.access.terms import TERMS_PUT
from modelward.audit import Ledger, Tail

_LIFTING: Final = (SECOND_FACTOR_ENDED, USER_INVITED, USER_REMOVED)


@dataclass(frozen=True, slots=True)
class RecordedTerms:
    """Terms that the ledger tells of: the digest of their text, when they were put, and by whom. Of what is not proved, none."""

    digest: str
    put: datetime
    by: str


class OnRecord:
    """Reads the ledger for what must be there. What was put terms for is remembered, and read on from there."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = Lock()
        self._terms: dict[str, RecordedTerms] = {}
        self._put = Tail(ledger, TERMS_PUT)

    def has_second_factor(self, name: str) -> bool:
        """Whether the person confirmed a second factor, and neither they nor an administrator ended it since."""
        subject = f"person:{name}"
        begun = self._ledger.entries(event=SECOND_FACTOR_SET.name, subject=subject, limit=1)
        if not begun:
            return False
        since = begun[0].index
        ended = (self._ledger.entries(event=event.name, subject=subject, since=since, limit=1) for event in _LIFTING)
        return not any(self._ledger.proves(found[0]) for found in ended if found)

    def terms(self) -> dict[str, RecordedTerms]:
        """The terms that were put last, by what they hold for.

        Raises:
            LedgerBrokenError: what was read of them before is gone from the ledger.
        """
        with self._lock:
            for subject, each in {each.entry.subject: each for each in self._put.further()}.items():
                digest = str(each.entry.facts.get("digest")) if self._ledger.proves(each) else ""
                self._terms[subject] = RecordedTerms(digest, each.entry.at, each.entry.actor)
            return dict(self._terms)
