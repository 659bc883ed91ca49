# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of releases. Rows can be edited by whoever has the database; what answers, answers by both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelward.access import Actor
from modelward.audit import Event, Ledger, LoggedEntry
from modelward.digest import sha256_hex
from modelward.releases.release import (
    RELEASE_APPROVED,
    RELEASE_PAUSED,
    RELEASE_PROMOTED,
    RELEASE_PROPOSED,
    RELEASE_REFUSED,
    RELEASE_ROLLED_BACK,
    Release,
    ReleaseState,
    UnrecordedReleaseError,
)
from modelward.storage import Connection

_WENT_LIVE = (RELEASE_PROMOTED.name, RELEASE_ROLLED_BACK.name)
_STOOD = (*_WENT_LIVE, RELEASE_PAUSED.name)
_LIMIT = 10_000


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
        """Nothing, where the ledger tells of a live, paused or superseded `release` what its row does.

        Raises:
            UnrecordedReleaseError: it does not: the row was written by something else than the gate.
        """
        last = self._last_word_on(release)
        if last is None or last.entry.facts["digest"] != release.digest or self._state_since(last) != release.state:
            raise _unrecorded(release, f"the database has {release.id} {release.state}, and the ledger does not say so")
        if (last.entry.event == RELEASE_PAUSED.name) != bool(release.pause):
            raise _unrecorded(release, f"the database and the ledger do not agree on whether {release.id} was paused")

    def must_have_decided(self, release: Release, *, policy: str, approvals: int) -> None:
        """Nothing, where the ledger tells that `release` was proposed under the text `policy`, and that so many others approved it.

        Raises:
            UnrecordedReleaseError: it does not.
        """
        told = self._of(release, (RELEASE_PROPOSED.name, RELEASE_APPROVED.name, RELEASE_REFUSED.name))
        proposed = max((each for each in told if each.entry.event == RELEASE_PROPOSED.name), key=_index, default=None)
        wanted = (release.digest, sha256_hex(policy.encode()))
        if proposed is None or (proposed.entry.facts["digest"], proposed.entry.facts["policy_digest"]) != wanted:
            raise _unrecorded(
                release, f"the ledger does not say that {release.id} was proposed under the policy that is kept with it"
            )
        since = [each.entry for each in told if each.index > proposed.index]
        agreed = {entry.actor for entry in since if entry.event == RELEASE_APPROVED.name} - {proposed.entry.actor}
        if len(agreed) < approvals or any(entry.event == RELEASE_REFUSED.name for entry in since):
            raise _unrecorded(release, f"the database has {release.id} {release.state}, and the ledger does not say so")

    def _last_word_on(self, release: Release) -> LoggedEntry | None:
        """The newest entry by which this very release went live or was paused."""
        return max(self._of(release, _STOOD), key=_index, default=None)

    def _of(self, release: Release, events: Iterable[str]) -> list[LoggedEntry]:
        return [each for each in self._entries(events, subject=release.version) if each.entry.facts["release"] == release.id]

    def _state_since(self, last: LoggedEntry) -> str:
        """The state that `last` put its release in, or the one that another release put it in since."""
        own = last.entry.facts
        gone = {"superseded": ReleaseState.SUPERSEDED, "taken_back": ReleaseState.ROLLED_BACK}
        for later in self._entries(_WENT_LIVE, since=last.index + 1):
            for fact, state in gone.items():
                if later.entry.facts.get(fact) == own["release"]:
                    return state
        return str(own["state"])

    def newest(self) -> int:
        """Index of the newest entry by which a model answers otherwise than before; -1 where there is none."""
        return max((each.index for each in self._entries(_STOOD, limit=1)), default=-1)

    def _entries(self, events: Iterable[str], *, subject: str = "", since: int = 0, limit: int = _LIMIT) -> list[LoggedEntry]:
        return [each for event in events for each in self._ledger.entries(event=event, subject=subject, since=since, limit=limit)]


def _index(logged: LoggedEntry) -> int:
    return logged.index


def _unrecorded(release: Release, why: str) -> UnrecordedReleaseError:
    return UnrecordedReleaseError(
        f"{release.version} answers nothing: {why}. Run `modelward audit verify`, and restore the database from a backup."
    )
