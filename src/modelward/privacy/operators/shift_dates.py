# SPDX-License-Identifier: Apache-2.0
"""Moves days by as many as the key says, all of one person alike, so that what lies between them stays."""

from __future__ import annotations

from datetime import timedelta

from modelward.privacy.days import read_day
from modelward.privacy.operator import InvalidOperatorError, Item, redacted, whole_number


class ShiftDates:
    """Every day of one subject moves by the same number of days, never by none, at most by the number behind the `/`: 365, or 1 to
    36,500. What stands before it is the column that says whose the row is: `patient`, `patient/30`, `/30`. Without a column all
    days of the table move alike. What is no day is redacted.
    """

    name = "shift-dates"
    is_reversible = False

    def __init__(self, argument: str) -> None:
        self.subject, _, days = argument.rpartition("/") if "/" in argument else (argument, "", "")
        self._most = whole_number(days, default=365, least=1, most=36_500, what="The number of days `shift-dates` moves by at most")
        if "\0" in self.subject:
            raise InvalidOperatorError("The column that `shift-dates` names holds a character that no name has.")

    def hide(self, item: Item) -> str:
        """See `Operator.hide`."""
        read = read_day(item.written)
        if read is None:
            return redacted(item.kind or "date")
        drawn = int.from_bytes(item.book.digest(f"shift\0{item.subject}"), "big") % (2 * self._most)
        days = drawn - self._most if drawn < self._most else drawn - self._most + 1
        try:
            return read.written(read.day + timedelta(days=days))
        except OverflowError:
            return redacted(item.kind or "date")
