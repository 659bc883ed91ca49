# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of releases. Rows can be edited by whoever has the database; what answers, answers by both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from modelward.access import Actor
from modelward.audit import Entry, Event, Ledger, LoggedEntry
from modelward.digest import sha256_hex
from modelward.releases.policy import unrecorded_policy
from modelward.releases.release import (
    POLICY_CHANGED,
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


class Revision(NamedTuple):
    """How far the releases have come: the newest change that a row, and that the ledger, speaks of."""

    of_rows: int
    of_ledger: int


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
        if (
            proposed is None
            or not self._ledger.proves(proposed)
            or (proposed.entry.facts["digest"], proposed.entry.facts["policy_digest"]) != wanted
        ):
            raise _unrecorded(
                release, f"the ledger does not say that {release.id} was proposed under the policy that is kept with it"
            )
        since = [each for each in told if each.index > proposed.index]
        approved = (each for each in since if each.entry.event == RELEASE_APPROVED.name)
        agreed = {each.entry.actor for each in approved if self._ledger.proves(each)} - {proposed.entry.actor}
        if len(agreed) < approvals or any(each.entry.event == RELEASE_REFUSED.name for each in since):
            raise _unrecorded(release, f"the database has {release.id} {release.state}, and the ledger does not say so")

    def _last_word_on(self, release: Release) -> LoggedEntry | None:
        """The newest entry by which this very release went live or was paused; None where there is none, or it is not proven."""
        last = max(self._of(release, _STOOD), key=_index, default=None)
        return last if last is not None and self._ledger.proves(last) else None

    def _of(self, release: Release, events: Iterable[str]) -> list[LoggedEntry]:
        own = (each for each in self._entries(events) if each.entry.subject == release.version)
        return [each for each in own if each.entry.facts["release"] == release.id]

    def _state_since(self, last: LoggedEntry) -> str:
        """The state that `last` put its release in, or the one that the next release of its model put it in."""
        own = last.entry
        later = (each for each in self._entries(_WENT_LIVE, since=last.index + 1) if _is_rival(each.entry, own))
        following = min(later, key=_index, default=None)
        if following is None:
            return str(own.facts["state"])
        taken_back = following.entry.facts.get("taken_back") == own.facts["release"]
        return ReleaseState.ROLLED_BACK if taken_back else ReleaseState.SUPERSEDED

    def policies(self) -> dict[str, tuple[str, int, int, tuple[str, ...]]]:
        """Digest of the text, number, approvals and models of every policy put in place, the newest under each name.

        Raises:
            UnrecordedPolicyError: the newest entry of one is not under the signed root.
        """
        newest = {each.entry.subject: each for each in self._entries([POLICY_CHANGED.name])}
        for name, logged in newest.items():
            if not self._ledger.proves(logged):
                raise unrecorded_policy(name)
        told = {name: logged.entry.facts for name, logged in newest.items()}
        return {
            name: (facts["digest"], facts["number"], facts["approvals"], tuple(facts.get("models", ())))
            for name, facts in told.items()
        }

    def newest(self) -> int:
        """Index of the newest entry by which a model answers otherwise than before; -1 where there is none."""
        return max((each.index for event in _STOOD for each in self._ledger.entries(event=event, limit=1)), default=-1)

    def _entries(self, events: Iterable[str], *, since: int = 0) -> Iterator[LoggedEntry]:
        # Not by subject: most entries that speak of a version are answers, and there are few releases.
        return chain.from_iterable(self._ledger.every(event=event, since=since) for event in events)


def _is_rival(entry: Entry, own: Entry) -> bool:
    """Whether another release of the same model went live by `entry`."""
    same_model = entry.subject.partition(":")[0] == own.subject.partition(":")[0]
    return same_model and entry.facts["release"] != own.facts["release"]


def _index(logged: LoggedEntry) -> int:
    return logged.index


def _unrecorded(release: Release, why: str) -> UnrecordedReleaseError:
    return UnrecordedReleaseError(
        f"{release.version} answers nothing: {why}. Run `modelward audit verify`, and restore the database from a backup."
    )
