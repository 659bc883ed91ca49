# SPDX-License-Identifier: Apache-2.0
"""Days as people and tables write them: ISO 8601, with slashes or points, and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_WRITTEN = re.compile(
    r"(?P<before>\s*)(?P<year>[0-9]{4})(?P<first>[-/.年])(?P<month>[0-9]{1,2})(?P<second>[-/.月])(?P<day>[0-9]{1,2})"
    r"(?P<after>日?)(?P<time>(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?\s*)"
)
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
