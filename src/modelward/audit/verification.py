# SPDX-License-Identifier: Apache-2.0
"""What a verification of the whole ledger found."""

from __future__ import annotations

from dataclasses import dataclass

FAULTS_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was written. `index` is the entry it begins at; None where no entry can be named."""

    index: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: how many entries were read, the root they lead to (empty where none can be computed), every fault found."""

    size: int
    root: str
    faults: tuple[Fault, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the ledger is just as it was written."""
        return not self.faults


class Findings:
    """Faults as they are found; a ledger full of garbage does not fill the memory with them."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, index: int | None, what: str) -> None:
        """Note a fault; beyond a thousand, only that there are more."""
        if len(self._faults) < FAULTS_LIMIT:
            self._faults.append(Fault(index, what))
        elif len(self._faults) == FAULTS_LIMIT:
            self._faults.append(Fault(None, f"More than {FAULTS_LIMIT} faults were found; the list ends here."))

    def sorted(self) -> tuple[Fault, ...]:
        """Every fault noted, by the entry it begins at; those that name none come last."""
        return tuple(sorted(self._faults, key=lambda fault: (fault.index is None, fault.index or 0)))
