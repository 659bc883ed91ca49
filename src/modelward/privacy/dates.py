# SPDX-License-Identifier: Apache-2.0
"""Days as digits."""

from __future__ import annotations

from datetime import date

_EARLIEST_YEAR = 1880


def is_day(digits: str) -> bool:
    """Whether eight digits are a day of the calendar, year first."""
    return _day(digits) is not None


def is_birthday(digits: str) -> bool:
    """Whether eight digits are a day on which somebody may have been born: since 1880, and not to come."""
    day = _day(digits)
    # The day where this runs is near enough.
    return day is not None and day.year >= _EARLIEST_YEAR and day <= date.today()


def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
