# SPDX-License-Identifier: Apache-2.0
"""Sessions of people: where somebody is signed in, how they came in, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from modelward.access.permission import Role
from modelward.audit import Event
from modelward.errors import NotFoundError

SESSIONS_ENDED: Final = Event("session.ended", "Sessions of a person were ended by themselves elsewhere, or by an administrator.")
PASSWORD_SET: Final = Event("password.set", "A person got a password, or another; their other sessions ended.")
SECOND_FACTOR_SET: Final = Event("second-factor.set", "A person set up a second factor, with new recovery codes.")
SECOND_FACTOR_ENDED: Final = Event("second-factor.ended", "A person's second factor ended.")
ROLE_CHANGED: Final = Event("user.role-changed", "A person got another role; their sessions ended.")

Means = Literal["link", "password", "provider"]


class SessionMissingError(NotFoundError):
    """The person has no open session of that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open session, without its secret. `seen` is when it was last used, to the minute."""

    id: str
    user: str
    opened: datetime
    seen: datetime
    expires: datetime
    means: Means

    def is_open(self, now: datetime, *, idle: timedelta) -> bool:
        """Whether it opens anything at `now`; left alone for `idle`, it does not."""
        return now < self.expires and now < self.seen + idle


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a person signs in, and where they are signed in. `locked` is when the last wait after failed sign-ins ends. A sign-in
    provider vouches for one who `has_provider`.
    """

    name: str
    role: Role
    has_password: bool
    has_second_factor: bool
    recovery_codes: int
    invited_until: datetime | None
    locked: datetime | None
    sessions: tuple[Session, ...]
    has_provider: bool = False
