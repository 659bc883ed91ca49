# SPDX-License-Identifier: Apache-2.0
"""Events: what can happen. Each room declares its own as constants beside the noun they concern."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of ledger entry: a dotted name that never changes once written, and what it means to a reader."""

    name: str
    meaning: str


LEDGER_OPENED = Event("ledger.opened", "The ledger was created; this is its first entry.")
