# SPDX-License-Identifier: Apache-2.0
"""Break-glass: access beyond somebody's role, for a while, for a reason, once two others have approved it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from modelward.access.permission import PERMISSIONS_OF, Permission, Role
from modelward.audit import Entry, Event
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError

EMERGENCY_ASKED: Final = Event("emergency.asked", "A person asked for access beyond their role, with a reason.")
EMERGENCY_APPROVED: Final = Event("emergency.approved", "A person approved access that somebody else asked for in an emergency.")
EMERGENCY_REFUSED: Final = Event("emergency.refused", "A person refused access that somebody else asked for in an emergency.")
EMERGENCY_ENDED: Final = Event(
    "emergency.ended", "Access given in an emergency was ended before its time, or its asking taken back."
)
EMERGENCY_USED: Final = Event("emergency.used", "A person did what they may only by access given in an emergency.")

APPROVALS_NEEDED: Final = 2
LAPSES_AFTER: Final = timedelta(hours=1)
# What would outlast the emergency, cannot be undone, or lets one be approved by another, is not given in one.
NEVER_GIVEN: Final = frozenset(
    {Permission.USERS_MANAGE, Permission.KEYS_MANAGE, Permission.POLICIES_MANAGE, Permission.TENANTS_MANAGE}
    | {Permission.EMERGENCIES_DECIDE, Permission.CAPTURES_RULE, Permission.TERMS_PUT}
    | {Permission.DATA_GRANT, Permission.DATA_SHRED, Permission.DATA_ERASE}
)


class EmergencyMissingError(NotFoundError):
    """Nobody asked for access by that id, or not for somebody to see."""


class InvalidEmergencyError(InvalidError):
    """Access cannot be asked for in that way."""


class EmergencyOverError(ConflictError):
    """What was asked for is decided, or was asked for too long ago."""


class NotTheirsToDecideError(RefusedError):
    """Who asked does not decide, nor does a program, nor anybody twice."""


class EmergencyState(StrEnum):
    """What became of it."""

    ASKED = "asked"
    IN_FORCE = "in force"
    OVER = "over"
    ENDED = "ended"
    REFUSED = "refused"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """Access asked for in an emergency. `what` is a permission or a role; `ends` is when it is over at the latest; `closed` when
    somebody refused or ended it before.
    """

    id: str
    asker: str
    what: str
    minutes: int
    reason: str
    asked: datetime
    approvals: tuple[str, ...] = ()
    begins: datetime | None = None
    ends: datetime | None = None
    closed: datetime | None = None
    closed_by: str = ""

    @property
    def lapses(self) -> datetime:
        """Until when it can be approved."""
        return self.asked + LAPSES_AFTER

    def state(self, now: datetime) -> EmergencyState:
        """What became of it by `now`. Nothing but a beginning, and a time that is not over, puts it in force."""
        if self.closed is not None:
            return EmergencyState.ENDED if self.begins or self.closed_by == self.asker else EmergencyState.REFUSED
        if self.begins is None or self.ends is None:
            return EmergencyState.ASKED if now < self.lapses else EmergencyState.LAPSED
        return EmergencyState.IN_FORCE if self.begins <= now < self.ends else EmergencyState.OVER

    def gives(self, permission: Permission, *, now: datetime) -> bool:
        """Whether it allows that now."""
        return self.state(now) is EmergencyState.IN_FORCE and permission in given_by(self.what)


def given_by(what: str) -> frozenset[Permission]:
    """The permissions that a permission or a role comes to in an emergency; none where it is neither."""
    if what in set(Role):
        return PERMISSIONS_OF[Role(what)] - NEVER_GIVEN
    return frozenset({Permission(what)}) - NEVER_GIVEN if what in set(Permission) else frozenset()


def emergency_of(entry: Entry) -> str:
    """The id of the access that an entry of the ledger speaks of."""
    return entry.subject.removeprefix("emergency ")


def missing(identifier: str) -> EmergencyMissingError:
    """The failure of whoever names one that is not there, or not theirs to see."""
    return EmergencyMissingError(f"No access was asked for by the id {identifier[:40]!r}. Run `modelward access break-glass list`.")
