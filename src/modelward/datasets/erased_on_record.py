# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of erasures, and which of them concern what was made of a dataset."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from modelward.audit import Ledger, LoggedEntry
from modelward.datasets.dataset import DATASET_READ
from modelward.datasets.erasure import DATASET_ERASED, ErasedPart, RecordedErasure, Seen, seen_in


@dataclass(frozen=True, slots=True)
class ErasureEntry:
    """One entry of the ledger about an erasure. One that is not proved kept nothing out, and knows of no version."""

    logged: LoggedEntry
    is_proved: bool

    @property
    def facts(self) -> dict[str, Any]:
        """What it says."""
        return self.logged.entry.facts

    @property
    def seen(self) -> tuple[Seen, ...]:
        """What divisions saw of the rows."""
        return msgspec.convert(self.facts.get("divisions", []), tuple[Seen, ...]) if self.is_proved else ()

    @property
    def recorded(self) -> RecordedErasure:
        """The erasure, as it is told."""
        kept_out = frozenset(map(str, self.facts["kept_out"])) if self.is_proved else frozenset[str]()
        return RecordedErasure(
            dataset=self.logged.entry.subject,
            at=self.logged.entry.at,
            gone=int(self.facts["rows"]),
            before=str(self.facts["before"]),
            after=str(self.facts["fingerprint"]),
            kept_out=kept_out,
        )

    @property
    def part(self) -> ErasedPart:
        """What became of the dataset."""
        told, left = self.recorded, int(self.facts["left"])
        return ErasedPart(
            dataset=told.dataset,
            before=left + told.gone,
            gone=told.gone,
            fingerprint=told.after,
            kept_out=tuple(sorted(told.kept_out)),
            seen=self.seen,
        )

    def concerning(self, made: datetime, division: tuple[str, str, str]) -> RecordedErasure | None:
        """The erasure, where what was `made` then from that division learned from some of the rows, or may have: as it is on record
        of the division; else before they went, or later, out of what had been learnt before, for the rows shown to it were of then.
        """
        told, (grant, fingerprint, _) = self.recorded, division
        if seen := seen_in(division, self.seen):
            return replace(told, gone=seen.learned) if seen.learned else None
        was_shown = fingerprint == told.before or fingerprint in self.facts.get("views", ())
        return told if grant not in told.kept_out and (made < told.at or was_shown) else None


class ShownViews:
    """What was shown of a dataset while it was the `whole` with that fingerprint, under other grants than those that kept the rows
    out: the fingerprints of views that had such rows.
    """

    def __init__(self, ledger: Ledger, part: ErasedPart, *, whole: str) -> None:
        self._ledger = ledger
        self._part = part
        self._whole = whole
        self._since = 0
        self._found: set[str] = set()

    def read_on(self) -> Collection[str]:
        """Those that the ledger tells of by now, in order. It goes on from where it was."""
        for each in self._ledger.every(event=DATASET_READ.name, subject=self._part.dataset, since=self._since):
            facts = each.entry.facts
            if facts.get("fingerprint") == self._whole and "view" in facts and facts.get("grant") not in self._part.kept_out:
                self._found.add(str(facts["view"]))
            self._since = each.index + 1
        return sorted(self._found)


class ErasedOnRecord:
    """Reads the ledger for erasures."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def entries(self, name: str) -> list[ErasureEntry]:
        """What it tells of erasures from that dataset, the first one first."""
        # Erasures are few, and what is told of one dataset is much: it is read very often.
        told = (each for each in self._ledger.every(event=DATASET_ERASED.name) if each.entry.subject == name)
        return [ErasureEntry(each, self._ledger.proves(each)) for each in told]

    def views(self, part: ErasedPart, *, whole: str) -> ShownViews:
        """What was shown of the dataset of `part` as it is now, when its fingerprint is `whole`."""
        return ShownViews(self._ledger, part, whole=whole)
