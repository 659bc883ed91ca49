# SPDX-License-Identifier: Apache-2.0
"""A policy file of the site: Cedar text that adds to what roles may, or takes away from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError, TooLargeError

SITE_POLICY_PUT: Final = Event("access.policy-put", "A policy file of the site was put in force, or a new text of one.")
SITE_POLICY_REMOVED: Final = Event("access.policy-removed", "A policy file of the site was taken out of force.")

TEXT_LIMIT_BYTES: Final = 1 << 20
FILES_LIMIT: Final = 1000
POLICIES_LIMIT: Final = 20_000


class InvalidSitePolicyError(InvalidError):
    """A file is no Cedar, or speaks of what the schema does not have; the one before it stays in force."""


class SitePolicyTooLargeError(TooLargeError):
    """A file is too large, or there would be too many."""


class SitePolicyMissingError(NotFoundError):
    """No policy file of the site has that name."""


class SitePolicyChangedError(ConflictError):
    """Somebody else changed the file since it was read; nothing of theirs is overwritten."""


class LockedOutError(RefusedError):
    """No administrator could change the policies again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePolicy:
    """A policy file in force. `revision` counts its texts from 1; the built-in one, which comes with Modelward, has 0."""

    name: str
    revision: int
    digest: str
    policies: int
    text: str
    by: str
    at: datetime | None = None
