# SPDX-License-Identifier: Apache-2.0
"""The gate: proposes, decides, approves, promotes, pauses and rolls back releases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from modelward.access import Actor, Permission
from modelward.assessment import Assessment
from modelward.audit import Event, Ledger
from modelward.registry import Registry, Version
from modelward.releases.door import Door
from modelward.releases.evidence import Evidence, erased_rows_of, evidence_of
from modelward.releases.policies import Policies
from modelward.releases.policy import PolicyNotGoverningError, decide, door_of, parse_policy
from modelward.releases.record import Record, Revision
from modelward.releases.release import (
    RELEASE_APPROVED,
    RELEASE_PAUSED,
    RELEASE_PROMOTED,
    RELEASE_PROPOSED,
    RELEASE_REFUSED,
    RELEASE_ROLLED_BACK,
    STANDING_STATES,
    Approval,
    NothingToRollBackError,
    NotReleasedError,
    Release,
    ReleaseMissingError,
    ReleaseRefusedError,
    ReleaseState,
    ReleaseStateError,
    UnrecordedReleaseError,
    refusals,
    unless_refused,
)
from modelward.releases.store import ReleaseStore
from modelward.storage import Connection, Database


class Releases:
    """Decides what may go live. Nothing else makes a release live, and nothing is served that has no live release."""

    def __init__(self, database: Database, ledger: Ledger, registry: Registry, assessment: Assessment) -> None:
        self._database = database
        self._record = Record(ledger)
        self._registry = registry
        self._assessment = assessment
        self._store = ReleaseStore()
        self.policies = Policies(database, ledger)

    def propose(self, name: str, *, policy: str | None = None, by: Actor) -> Release:
        """Decide every rule of a policy over the version called `name`; approved at once where the policy asks for nobody. It is
        the policy that governs the model; where none does, the one called `policy`, or else the default.

        Raises:
            ReleaseRefusedError: a rule refused. The refused release is on record all the same.
            PolicyNotGoverningError: `policy` is another than the one that governs the model.
            ReleaseStateError: the version has a release that is open or live. NotPermittedError: `by` may not propose.
        """
        version = self._registry.find(name, by=by)
        by.require(Permission.RELEASES_PROPOSE, model=version.model)
        kept = self.policies.deciding(version.model, policy)
        decisions = decide(parse_policy(kept.text), self._known(version, by=by))
        with self._database.change() as connection:
            self._must_have_no_open_release(connection, version)
            release = Release(
                id=self._store.next_id(connection),
                model=version.model,
                number=version.number,
                digest=version.digest,
                policy=kept.name,
                policy_digest=kept.digest,
                approvals_needed=kept.approvals,
                state=ReleaseState.AWAITING_APPROVAL,
                proposer=by.id,
                proposed=datetime.now(UTC),
                decisions=decisions,
            ).decided()
            event = RELEASE_REFUSED if release.state is ReleaseState.REFUSED else RELEASE_PROPOSED
            entry = self._record.write(connection, event, release, by=by, facts=refusals(release))
            self._store.add(connection, release, policy_text=kept.text, entry=entry)
        return unless_refused(release)

    def approve(self, id: str, *, reason: str, by: Actor) -> Release:
        """Record one person's yes; the last one needed makes the release approved.

        Raises:
            SelfApprovalError: `by` proposed it. ReleaseStateError: it awaits no approval, or has this one. ReasonMissingError.
        """
        with self._database.change() as connection:
            release = self._get(connection, id, Permission.RELEASES_DECIDE, by)
            following = release.approve(Approval(by.id, datetime.now(UTC), reason.strip()))
            return self._change(connection, RELEASE_APPROVED, following, by=by, facts={"reason": reason.strip()})

    def refuse(self, id: str, *, reason: str, by: Actor) -> Release:
        """Refuse a release that is not live yet. What is live is rolled back instead.

        Raises:
            ReleaseStateError: it is live, was, or is refused already. ReasonMissingError: the reason is empty.
        """
        with self._database.change() as connection:
            release = self._get(connection, id, Permission.RELEASES_DECIDE, by)
            following = release.refuse(by.id, reason=reason)
            return self._change(connection, RELEASE_REFUSED, following, by=by, facts={"reason": reason.strip()})

    def promote(self, id: str, *, by: Actor) -> Release:
        """Make an approved release live, and supersede the model's live or paused one. One that was paused is live again.

        The rules are decided once more, for evidence may have changed since they were: an approval does not outlive them. One
        that was paused had gone live by them; its files and signature are verified once more.

        Raises:
            ReleaseStateError: it is neither approved nor paused. ReleaseRefusedError: a rule refuses by now; the release is
            refused. Or a paused version does not verify; it stays paused.
            PolicyNotGoverningError: another policy governs the model by now. UnrecordedReleaseError: the ledger does not say that
            it was proposed under this policy and approved by as many people as that asks for.
        """
        with self._database.look() as connection:
            release = self._get(connection, id, Permission.RELEASES_PROMOTE, by)
            text = self._store.policy_text(connection, id)
        release.promote(datetime.now(UTC))
        if release.state is ReleaseState.PAUSED:
            return self._resume(release, by=by)
        self._must_be_governed(release)
        policy = parse_policy(text)
        with self._as_read(release):
            self._record.must_have_decided(release, policy=text, approvals=policy.approvals)
        version = self._version(release, by=by)
        known = self._known(version, by=by)
        with self._database.change() as connection:
            self._must_be_as_read(connection, release)
            # Another policy may have been put in place while evidence was gathered, and rows may have been erased.
            self._must_be_governed(release)
            known = replace(known, erased_rows=erased_rows_of(version, assessment=self._assessment))
            decided = replace(release, decisions=decide(policy, known)).decided()
            if decided.state is ReleaseState.REFUSED:
                self._change(connection, RELEASE_REFUSED, decided, by=by, facts=refusals(decided))
            else:
                decided = self._go_live(connection, decided, by=by)
        return unless_refused(decided)

    def pause(self, id: str, *, reason: str = "", by: Actor) -> Release:
        """Take the live release offline: nothing answers for its model until it is promoted again, or another one is.

        Raises:
            ReleaseStateError: it is not live. ReasonMissingError: the reason is too long. NotPermittedError: `by` may not promote.
        """
        with self._database.change() as connection:
            release = self._get(connection, id, Permission.RELEASES_PROMOTE, by)
            following = release.take_offline(by.id, reason=reason)
            return self._change(connection, RELEASE_PAUSED, following, by=by, facts={"reason": reason.strip()})

    def roll_back(self, model: str, *, by: Actor) -> Release:
        """Take the model's live or paused release back; the one before it is live again, once its files and signature verify. One
        that was paused when another took its place is passed over.

        Raises:
            NotReleasedError: nothing is live or paused. NothingToRollBackError: nothing was live before. ModelMissingError.
            RefusedError: the earlier version does not verify, or the ledger does not say that it was live; the present one stays.
        """
        by.require(Permission.RELEASES_PROMOTE, model=model)
        self._must_be_on_shelf(model, by=by)
        with self._database.look() as connection:
            earlier = self._store.last_superseded(connection, model)
        if earlier is not None:
            self.must_be_on_record(earlier)
            self._must_verify(earlier, by=by)
        with self._database.change() as connection:
            present = self._standing(connection, model)
            if earlier is None or self._store.last_superseded(connection, model) != earlier:
                raise NothingToRollBackError(
                    f"No version of {model} was live before {present.version}. Release another one first, or take this one "
                    f"offline: `modelward release pause {present.id} --reason TEXT`."
                )
            following = earlier.return_live(datetime.now(UTC))
            facts = {"taken_back": present.id, "version_taken_back": present.version}
            entry = self._record.write(connection, RELEASE_ROLLED_BACK, following, by=by, facts=facts)
            self._store.put(connection, present.take_back(), entry=entry)
            self._store.put(connection, following, entry=entry)
            return following

    def list(self, *, model: str = "", by: Actor) -> tuple[Release, ...]:
        """Every release that `by` may read, or those of one model; the newest first."""
        by.require(Permission.RELEASES_READ, model=model or None)
        with self._database.look() as connection:
            found = self._store.all(connection, model=model)
        return tuple(release for release in found if by.may(Permission.RELEASES_READ, model=release.model))

    def show(self, id: str, *, by: Actor) -> Release:
        """One release with its decisions and approvals.

        Raises:
            ReleaseMissingError: there is none of that id.
        """
        with self._database.look() as connection:
            return self._get(connection, id, Permission.RELEASES_READ, by)

    def standing(self) -> dict[str, Release]:
        """The release that each model goes by: the live one, or the one that was live and is paused."""
        with self._database.look() as connection:
            return {release.model: release for state in STANDING_STATES for release in self._store.all(connection, state=state)}

    def live(self) -> dict[str, Release]:
        """The live release of every model that has one: what a server serves."""
        return {model: release for model, release in self.standing().items() if release.state is ReleaseState.LIVE}

    def released(self, model: str, *, by: Actor) -> str:
        """Name of the live version of `model`, for whoever says `income` and means the released one.

        Raises:
            NotReleasedError: none is live. NotPermittedError: `by` may not see the model. ModelMissingError: there is none.
        """
        by.require(Permission.MODELS_READ, model=model)
        return self.live_one(model, by=by).version

    def live_one(self, model: str, *, by: Actor) -> Release:
        """The live release of `model`: what a server serves of it.

        Raises:
            NotReleasedError: none is live. ModelMissingError: there is no such model, and `by` may know which there are.
        """
        self._must_be_on_shelf(model, by=by)
        with self._database.look() as connection:
            release = self._standing(connection, model)
        if release.state is not ReleaseState.LIVE:
            raise NotReleasedError(
                f"No version of {model!r} is live: {release.version} is paused. "
                f"`modelward release promote {release.id}` makes it live again."
            )
        return release

    def door(self, release: Release) -> Door:
        """What is done to questions before the version sees them, as the policy says that it was proposed under.

        Raises:
            UnrecordedReleaseError: the policy that is kept with the release is not the one that the ledger tells of.
        """
        with self._database.look() as connection:
            text = self._store.policy_text(connection, release.id)
        with self._as_read(release):
            self._record.must_have_decided(release, policy=text, approvals=0)
        return door_of(text)

    def must_be_on_record(self, release: Release) -> None:
        """Nothing, where the ledger says of a live or paused `release` that it is so, and not that it gave way since.

        Raises:
            UnrecordedReleaseError: it does not: the row was written by something else than this gate. ReleaseStateError: the
            release changed since it was read.
        """
        with self._as_read(release):
            self._record.must_have(release)

    def revision(self) -> Revision:
        """Another one whenever a release changes, so that a server sees cheaply whether to look again.

        The ledger is asked too: a row that was put back to what it was before a pause would not tell of the pause.
        """
        with self._database.look() as connection:
            return Revision(self._store.revision(connection), self._record.newest())

    def _resume(self, release: Release, *, by: Actor) -> Release:
        """A paused release, live again."""
        self.must_be_on_record(release)
        self._must_verify(release, by=by)
        with self._database.change() as connection:
            self._must_be_as_read(connection, release)
            return self._go_live(connection, release, by=by)

    @contextmanager
    def _as_read(self, release: Release) -> Iterator[None]:
        """Row and ledger are read one after the other: what changed between the two is not a forgery."""
        try:
            yield
        except UnrecordedReleaseError:
            with self._database.look() as connection:
                self._must_be_as_read(connection, release)
            raise

    def _must_be_as_read(self, connection: Connection, release: Release) -> None:
        if self._store.get(connection, release.id) not in (release, None):
            raise ReleaseStateError(f"{release.id} changed meanwhile. Run `modelward release show {release.id}`.")

    def _must_be_governed(self, release: Release) -> None:
        """Refuse to make live what was decided under another policy, or another text, than the one that governs its model now."""
        policy = self.policies.governing(release.model)
        if policy is not None and (policy.name, policy.digest) != (release.policy, release.policy_digest):
            text = "" if policy.name != release.policy else f"text number {policy.number} of "
            raise PolicyNotGoverningError(
                f"{release.id} was decided under {release.policy}, and {text}the policy {policy.name} governs {release.model} now. "
                f"Refuse it, `modelward release refuse {release.id} --reason TEXT`, and propose {release.version} again."
            )

    def _known(self, version: Version, *, by: Actor) -> Evidence:
        return evidence_of(version, registry=self._registry, assessment=self._assessment, by=by)

    def _version(self, release: Release, *, by: Actor) -> Version:
        """The version a release speaks of, with the digest it had then."""
        version = self._registry.find(release.version, by=by)
        if version.digest != release.digest:
            raise ReleaseRefusedError(
                f"{release.version} is not the version that {release.id} decided: its digest is {version.digest[:12]}, and was "
                f"{release.digest[:12]}. Run `modelward audit verify`."
            )
        return version

    def _must_verify(self, release: Release, *, by: Actor) -> None:
        version = self._version(release, by=by)
        if not self._registry.verify(version.name, by=by).is_sound:
            raise ReleaseRefusedError(
                f"{version.name} does not verify and does not go live again. Run `modelward model verify {version.name}`."
            )

    def _must_have_no_open_release(self, connection: Connection, version: Version) -> None:
        present = self._store.open_for(connection, version.model, version.number)
        if present is not None:
            raise ReleaseStateError(
                f"{version.name} has the release {present.id} already, which is {present.state}. "
                f"Run `modelward release show {present.id}`.{_how_anew(present)}"
            )

    def _go_live(self, connection: Connection, release: Release, *, by: Actor) -> Release:
        present = self._store.standing(connection, release.model)
        following = release.promote(datetime.now(UTC))
        if present is None or present.id == release.id:
            return self._change(connection, RELEASE_PROMOTED, following, by=by, facts={})
        facts = {"superseded": present.id, "version_superseded": present.version}
        entry = self._record.write(connection, RELEASE_PROMOTED, following, by=by, facts=facts)
        self._store.put(connection, present.supersede(), entry=entry)
        self._store.put(connection, following, entry=entry)
        return following

    def _get(self, connection: Connection, id: str, permission: Permission, by: Actor) -> Release:
        by.require(permission)
        release = self._store.get(connection, id)
        if release is None or not by.sees(release.model):
            meant = self._store.standing(connection, id.partition(":")[0])
            hint = f" {meant.id} is {meant.version}, {meant.state}." if meant and by.may(permission, model=meant.model) else ""
            raise ReleaseMissingError(f"No release is called {id[:80]!r}.{hint} Run `modelward release list`.")
        by.require(permission, model=release.model)
        return release

    def _must_be_on_shelf(self, model: str, *, by: Actor) -> None:
        """Tell of a name that no model has, to whoever may see the models: everybody else hears the same of all names."""
        if by.may(Permission.MODELS_READ, model=model):
            self._registry.numbers(model, by=by)

    def _standing(self, connection: Connection, model: str) -> Release:
        release = self._store.standing(connection, model)
        if release is None:
            raise NotReleasedError(
                f"No version of {model[:80]!r} is live. To look at one, name it: {model[:63]}:1. To let one answer, run "
                f"`modelward release propose {model[:63]}:1`, then promote it."
            )
        return release

    def _change(self, connection: Connection, event: Event, release: Release, *, by: Actor, facts: dict[str, Any]) -> Release:
        self._store.put(connection, release, entry=self._record.write(connection, event, release, by=by, facts=facts))
        return release


def _how_anew(present: Release) -> str:
    """How a version that is still on its way can be proposed again, to be decided by the policy of today."""
    if present.state in {ReleaseState.LIVE, ReleaseState.PAUSED}:
        return ""
    return f" To have it decided anew, by the policy of today, first run `modelward release refuse {present.id} --reason TEXT`."
