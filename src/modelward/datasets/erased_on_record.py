# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of erasures, and which of them concern what was made of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from modelward.audit import Ledger, LoggedEntry
from modelward.datasets.dataset import DATASET_READ
from modelward.datasets.erasure import DATASET_ERASED, ErasedPart, RecordedErasure, Seen
from modelward.datasets.shelf import Shelf


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


class ErasedOnRecord:
    """Reads the ledger for erasures."""

    def __init__(self, ledger: Ledger, shelf: Shelf) -> None:
        self._ledger = ledger
        self._shelf = shelf

    def entries(self, name: str) -> list[ErasureEntry]:
        """What it tells of erasures from that dataset, the first one first."""
        return [
            ErasureEntry(each, self._ledger.proves(each)) for each in self._ledger.every(event=DATASET_ERASED.name, subject=name)
        ]

    def concerning(self, name: str, *, made: datetime, division: tuple[str, str, str]) -> list[RecordedErasure]:
        """See `Erasing.concerning`."""
        found = self.entries(name)
        if not found:
            return []
        grant, fingerprint, _ = division
        shown = self._shown_as(name, fingerprint)
        concerned = []
        for each in found:
            told, seen = each.recorded, {one.division: one for one in each.seen}.get(division)
            if seen and seen.learned:
                concerned.append(replace(told, gone=seen.learned))
            elif seen is None and told.concerns(made, grant, shown):
                concerned.append(told)
        return concerned

    def _shown_as(self, name: str, fingerprint: str) -> frozenset[str]:
        """The fingerprints that the dataset had, when rows with that `fingerprint` were shown of it. None, where they are shown of
        it as it is: then nothing of them was erased.
        """
        now = self._shelf.find(name).fingerprint
        reads = self._ledger.every(event=DATASET_READ.name, subject=name)
        found = {fingerprint}
        found |= {str(each.entry.facts.get("fingerprint")) for each in reads if each.entry.facts.get("view") == fingerprint}
        return frozenset() if now in found else frozenset(found)
