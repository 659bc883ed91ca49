# SPDX-License-Identifier: Apache-2.0
"""Who had rows of a dataset, as the ledger says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelward.audit import LoggedEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One entry of the ledger about who had rows of a dataset. `reader` is a model or somebody; `by` is on whose behalf it read.
    `columns` are their names, or one word for more than can be listed.
    """

    at: datetime
    reader: str
    by: str
    use: str
    purpose: str
    columns: tuple[str, ...]
    rows: int
    grant: str


def reading_of(logged: LoggedEntry) -> Reading:
    """What an entry says."""
    entry, facts = logged.entry, logged.entry.facts
    columns = facts.get("columns", "all")
    return Reading(
        at=entry.at,
        reader=entry.actor,
        by=str(facts.get("on_behalf_of", entry.actor)),
        use=str(facts.get("use", "")),
        purpose=str(facts.get("purpose", "")),
        columns=tuple(columns) if isinstance(columns, list) else (str(columns),),
        rows=int(facts.get("rows", 0)),
        grant=str(facts.get("grant", "")),
    )
