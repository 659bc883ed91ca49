# SPDX-License-Identifier: Apache-2.0
"""A release: the decision, over what was measured, that one version may answer requests.

    awaiting-approval -> approved -> live <-> paused
            |               |         |  |      |
         refused         refused      |  +------+--> rolled-back
                                      |         |
                                 superseded <---+
                                      |
                                      +--> live (by a roll back; not one that was paused when another took its place)

Every step here is a pure function from one release to the next one, and refuses where it is not due.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError

REASON_LIMIT_CHARACTERS = 2000
_UNMEASURABLE = "is not measurable"
_INTERVAL = "end of its interval"
_WIDE = "Intervals are wide where few rows were measured: register more of them under a new name, and train again. "
_NOT_MENDED = "What is not measurable of such a version stays so: docs/how-to/release.md has policies that ask for what is. "

RELEASE_PROPOSED = Event("release.proposed", "A version passed every rule of a policy and awaits approval, or needs none.")
RELEASE_REFUSED = Event("release.refused", "A policy or a person refused to let a version go live.")
RELEASE_APPROVED = Event("release.approved", "A person approved a release, with a reason.")
RELEASE_PAUSED = Event("release.paused", "The live version was taken offline, with a reason; nothing answers for its model.")
RELEASE_PROMOTED = Event("release.promoted", "A version went live, or live again after a pause; the one before it was superseded.")
RELEASE_ROLLED_BACK = Event("release.rolled-back", "The live or paused version was taken back; the one before it is live again.")
POLICY_CHANGED = Event("policy.changed", "A release policy was put in place or changed.")


class ReleaseMissingError(NotFoundError):
    """No release has that id."""


class NotReleasedError(NotFoundError):
    """The model has no live version."""


class ReleaseRefusedError(RefusedError):
    """A policy said no. The refused release is on record; the message names every rule that refused, with its figures."""


class UnrecordedReleaseError(RefusedError):
    """The database says of a release that is or was live what the ledger does not."""


class SelfApprovalError(RefusedError):
    """Whoever proposes a release is not the one to approve it."""


class ReleaseStateError(ConflictError):
    """The release is in a state in which this cannot be done to it."""


class ReasonMissingError(InvalidError):
    """A decision of a person needs its reason in words."""


class NothingToRollBackError(ConflictError):
    """No earlier version was live."""


class ReleaseState(StrEnum):
    REFUSED = "refused"
    AWAITING_APPROVAL = "awaiting-approval"
    APPROVED = "approved"
    LIVE = "live"
    PAUSED = "paused"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled-back"


# A model has at most one release in one of these.
STANDING_STATES = (ReleaseState.LIVE, ReleaseState.PAUSED)
OPEN_STATES = (ReleaseState.AWAITING_APPROVAL, ReleaseState.APPROVED, *STANDING_STATES)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule said: `verdict` is "passed" or "refused", `reason` the figures it rests on."""

    rule: str
    verdict: str
    reason: str

    @property
    def is_passed(self) -> bool:
        """Whether the rule had no objection. Any other word than "passed" is an objection."""
        return self.verdict == "passed"


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes."""

    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version under one policy. `digest` is that of the version, `policy_digest` that of the policy's text.

    `refusal` says who refused it, and why; it is empty unless the state is refused. `pause` says the same of who took it offline,
    from then until it is live again.
    """

    id: str
    model: str
    number: int
    digest: str
    policy: str
    policy_digest: str
    approvals_needed: int
    state: ReleaseState
    proposer: str
    proposed: datetime
    decisions: tuple[Decision, ...]
    approvals: tuple[Approval, ...] = ()
    refusal: str = ""
    live_since: datetime | None = None
    pause: str = ""

    @property
    def version(self) -> str:
        """Name of the version, like `income:3`."""
        return f"{self.model}:{self.number}"

    @property
    def refused(self) -> tuple[Decision, ...]:
        """The decisions that said no."""
        return tuple(decision for decision in self.decisions if not decision.is_passed)

    @property
    def may_go_live(self) -> bool:
        """Whether there is a decision, every decision is a yes, and as many people as the policy asks for approved."""
        people = {approval.actor for approval in self.approvals} - {self.proposer}
        return bool(self.decisions) and not self.refused and len(people) >= self.approvals_needed

    def decided(self) -> Release:
        """The same release in the state its decisions and approvals put it in."""
        if not self.decisions or self.refused:
            why = "; ".join(f"{decision.rule}: {decision.reason}" for decision in self.refused) or "the policy has no rules"
            return replace(self, state=ReleaseState.REFUSED, refusal=f"policy {self.policy}: {why}")
        return replace(self, state=ReleaseState.APPROVED if self.may_go_live else ReleaseState.AWAITING_APPROVAL)

    def approve(self, approval: Approval) -> Release:
        """One approval more; approved when it is the last one needed.

        Raises:
            SelfApprovalError: the proposer cannot approve. ReleaseStateError: it awaits none, or this person approved already.
            ReasonMissingError: the reason is empty or too long.
        """
        self._must_be(ReleaseState.AWAITING_APPROVAL, verb="approved")
        check_reason(approval.reason)
        if approval.actor == self.proposer:
            raise SelfApprovalError(
                f"{approval.actor} proposed {self.id} and cannot approve it. Ask another person who may decide releases."
            )
        if approval.actor in {given.actor for given in self.approvals}:
            raise ReleaseStateError(
                f"{approval.actor} approved {self.id} already; it needs {self.approvals_needed} different people. Ask another one."
            )
        return replace(self, approvals=(*self.approvals, approval)).decided()

    def refuse(self, actor: str, *, reason: str) -> Release:
        """Refused by a person, before it went live.

        Raises:
            ReleaseStateError: it is live, was, or is refused already. ReasonMissingError: the reason is empty or too long.
        """
        self._must_be(ReleaseState.AWAITING_APPROVAL, ReleaseState.APPROVED, verb="refused")
        return replace(self, state=ReleaseState.REFUSED, refusal=f"{actor}: {check_reason(reason)}")

    def promote(self, at: datetime) -> Release:
        """Live from now on.

        Raises:
            ReleaseStateError: it is neither approved nor paused.
        """
        self._must_be(ReleaseState.APPROVED, ReleaseState.PAUSED, verb="promoted")
        return self._go_live(at)

    def take_offline(self, actor: str, *, reason: str) -> Release:
        """Paused by a person: nothing answers for the model until this one is promoted again, or another one is.

        Raises:
            ReleaseStateError: it is not live. ReasonMissingError: the reason is too long. It may be empty: what is wrong has to
            stop before it is understood.
        """
        self._must_be(ReleaseState.LIVE, verb="paused")
        said = f": {check_reason(reason)}" if reason.strip() else ""
        return replace(self, state=ReleaseState.PAUSED, pause=f"{actor}{said}")

    def supersede(self) -> Release:
        """Another version of the model took its place."""
        self._must_be(*STANDING_STATES, verb="superseded")
        return replace(self, state=ReleaseState.SUPERSEDED)

    def take_back(self) -> Release:
        """Rolled back: it is not served any more and does not come back."""
        self._must_be(*STANDING_STATES, verb="rolled back")
        return replace(self, state=ReleaseState.ROLLED_BACK)

    def return_live(self, at: datetime) -> Release:
        """Live again, after the one that superseded it was rolled back. What a person took offline is not brought back so."""
        self._must_be(ReleaseState.SUPERSEDED, verb="brought back")
        if self.pause:
            raise ReleaseStateError(f"{self.id} was paused by {self.pause}. Propose {self.version} again instead.")
        return self._go_live(at)

    def _go_live(self, at: datetime) -> Release:
        if not self.may_go_live:
            raise ReleaseStateError(
                f"{self.id} has not passed every rule and approval of its policy. Propose {self.version} again."
            )
        return replace(self, state=ReleaseState.LIVE, live_since=at, pause="")

    def _must_be(self, *states: ReleaseState, verb: str) -> None:
        if self.state not in states:
            raise ReleaseStateError(
                f"{self.id} of {self.version} is {self.state} and cannot be {verb}; only one that is "
                f"{' or '.join(states)} can. Run `modelward release show {self.id}`."
            )


def check_reason(reason: str) -> str:
    """`reason`, where it is one.

    Raises:
        ReasonMissingError: it is empty, or longer than the limit.
    """
    if not 1 <= len(reason.strip()) <= REASON_LIMIT_CHARACTERS:
        raise ReasonMissingError(f"A decision needs a reason of 1 to {REASON_LIMIT_CHARACTERS} characters. Pass `--reason TEXT`.")
    return reason.strip()


def refusals(release: Release) -> dict[str, Any]:
    """What an entry says of the rules that refused; nothing where none did."""
    return {"refused_by": [decision.rule for decision in release.refused]} if release.refused else {}


def unless_refused(release: Release) -> Release:
    """`release`, unless it was refused.

    Raises:
        ReleaseRefusedError: it was; the message names every rule that refused, with its figures.
    """
    if release.state is not ReleaseState.REFUSED:
        return release
    reasons = "\n".join(f"  {decision.rule}: {decision.reason}" for decision in release.refused)
    raise ReleaseRefusedError(
        f"Release {release.id} of {release.version} is refused by policy {release.policy}:\n{reasons}\n"
        "Mend what is named and propose again, or put a policy of your own in place: `modelward release policy put FILE`, "
        f"beginning from `modelward release policy show {release.policy}`. "
        f"{_WIDE if any(_INTERVAL in decision.reason for decision in release.refused) else ''}"
        f"{_NOT_MENDED if any(_UNMEASURABLE in decision.reason for decision in release.refused) else ''}"
        f"The refusal is on record: `modelward release show {release.id}`."
    )
