# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of releases. Rows can be edited by whoever has the database; what answers, answers by both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelward.access import Actor
from modelward.audit import Event, Ledger, LoggedEntry
from modelward.releases.release import RELEASE_PAUSED, RELEASE_PROMOTED, RELEASE_ROLLED_BACK, Release, UnrecordedReleaseError
from modelward.storage import Connection

_WENT_LIVE = (RELEASE_PROMOTED.name, RELEASE_ROLLED_BACK.name)
_STOOD = (*_WENT_LIVE, RELEASE_PAUSED.name)
_LATER_LIMIT = 10_000


class Record:
    """The releases' part of the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def write(self, connection: Connection, event: Event, release: Release, *, by: Actor, facts: dict[str, Any]) -> int:
        """Record that `release` is as it is now; the index of the entry."""
        always = {
            "release": release.id,
            "digest": release.digest,
            "policy": release.policy,
            "policy_digest": release.policy_digest,
            "state": release.state.value,
        }
        return self._ledger.record(connection, event, actor=by.id, subject=release.version, facts={**always, **facts})

    def must_have(self, release: Release) -> None:
        """Nothing, where the ledger's last word on a live or paused `release` is that it is so, and none since that it gave way.

        Raises:
            UnrecordedReleaseError: it is not: the row was written by something else than the gate.
        """
        wanted = {"release": release.id, "digest": release.digest, "state": release.state.value}
        last = self._last_of(_STOOD, subject=release.version)
        if last is not None and all(last.entry.facts.get(name) == value for name, value in wanted.items()):
            since = last.index + 1
            later = [found for event in _WENT_LIVE for found in self._ledger.entries(event=event, since=since, limit=_LATER_LIMIT)]
            if not any(release.id in (found.entry.facts.get("superseded"), found.entry.facts.get("taken_back")) for found in later):
                return
        raise UnrecordedReleaseError(
            f"{release.version} answers nothing: the database has {release.id} {release.state}, and the ledger does not say so. "
            "Run `modelward audit verify`, and restore the database from a backup."
        )

    def newest(self) -> int:
        """Index of the newest entry by which a model answers otherwise than before; -1 where there is none."""
        last = self._last_of(_STOOD)
        return -1 if last is None else last.index

    def _last_of(self, events: Iterable[str], *, subject: str = "") -> LoggedEntry | None:
        found = [entry for event in events for entry in self._ledger.entries(event=event, subject=subject, limit=1)]
        return max(found, key=lambda entry: entry.index, default=None)
