# SPDX-License-Identifier: Apache-2.0
"""A quota: how much a key may ask in a minute and in a day, counted in requests and in rows."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final

from modelward.errors import InvalidError

QUOTA_LIMIT: Final = 10**12


class InvalidQuotaError(InvalidError):
    """A quota cannot be as it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Limits of one key; None limits nothing. Minutes and days are those of UTC, and each begins anew."""

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    rows_per_minute: int | None = None
    rows_per_day: int | None = None

    @property
    def limits_anything(self) -> bool:
        """Whether any limit is set."""
        return any(limit is not None for limit in astuple(self))

    def checked(self) -> Quota:
        """Itself.

        Raises:
            InvalidQuotaError: a limit is no whole number from 1 on, or beyond reason.
        """
        for limit in astuple(self):
            if limit is not None and not 1 <= limit <= QUOTA_LIMIT:
                raise InvalidQuotaError(
                    f"A quota is a whole number from 1 to {QUOTA_LIMIT}, not {limit}. Leave it out for no limit, or revoke the key."
                )
        return self

    def __str__(self) -> str:
        said = {
            "requests a minute": self.requests_per_minute,
            "requests a day": self.requests_per_day,
            "rows a minute": self.rows_per_minute,
            "rows a day": self.rows_per_day,
        }
        return ", ".join(f"{limit} {what}" for what, limit in said.items() if limit is not None)
