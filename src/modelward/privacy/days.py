# SPDX-License-Identifier: Apache-2.0
"""Days as people and tables write them: ISO 8601, with slashes or points, and Chinese; and as eight digits within numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_WRITTEN = re.compile(
    r"(?P<before>\s*)(?P<year>[0-9]{4})(?P<first>[-/.年])(?P<month>[0-9]{1,2})(?P<second>[-/.月])(?P<day>[0-9]{1,2})"
    r"(?P<after>日?)(?P<time>(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?\s*)"
)
_EARLIEST_YEAR = 1880
_PAIRS = {"-": "-", "/": "/", ".": ".", "年": "月"}


@dataclass(frozen=True, slots=True)
class ReadDay:
    """A day, and how it was written: what stands between its numbers, and the time behind it."""

    day: date
    match: re.Match[str]

    def written(self, day: date) -> str:
        """Another day, written as this one was."""
        said = self.match
        month, number = (f"{value:0{len(said[name])}}" for name, value in (("month", day.month), ("day", day.day)))
        return f"{said['before']}{day.year:04}{said['first']}{month}{said['second']}{number}{said['after']}{said['time']}"


def read_day(text: str) -> ReadDay | None:
    """The day that all of `text` is; None where it is none of the calendar."""
    if len(text) > 80 or (match := _WRITTEN.fullmatch(text)) is None:
        return None
    if _PAIRS[match["first"]] != match["second"] or bool(match["after"]) != (match["first"] == "年"):
        return None
    try:
        return ReadDay(date(int(match["year"]), int(match["month"]), int(match["day"])), match)
    except ValueError:
        return None


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
