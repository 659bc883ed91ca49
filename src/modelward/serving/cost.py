# SPDX-License-Identifier: Apache-2.0
"""What a call of an engine costs: a seconds for the call and b for each row, learned from the calls that were made.

Least squares over (rows, seconds) with exponential forgetting, so that the estimate follows the machine it runs on.
"""

from __future__ import annotations

_KEPT = 0.98
_RELIEF = 0.25
_KEPT_IN_RELIEF = 0.5
_LEAST_SECONDS = 1e-7


class CallCost:
    """`seconds(rows)` of a call, as calls before it were."""

    def __init__(self, *, call_seconds: float, row_seconds: float) -> None:
        self.call_seconds = call_seconds
        self.row_seconds = row_seconds
        self._weight = self._rows = self._seconds = self._rows_squared = self._rows_seconds = 0.0
        for rows in (1, 16):
            self.learn(rows, call_seconds + row_seconds * rows)

    def seconds(self, rows: int) -> float:
        """About how long a call with so many rows takes."""
        return self.call_seconds + self.row_seconds * rows

    def rows_within(self, seconds: float) -> int:
        """How many rows a call of so many seconds can have; at least one."""
        return max(1, int((seconds - self.call_seconds) / max(self.row_seconds, _LEAST_SECONDS)))

    def learn(self, rows: int, seconds: float) -> None:
        """A call with so many rows took so long."""
        # A call that takes far less than expected says that what made others slow is over.
        kept = _KEPT if seconds > _RELIEF * self.seconds(rows) else _KEPT_IN_RELIEF
        self._weight = self._weight * kept + 1.0
        self._rows = self._rows * kept + rows
        self._seconds = self._seconds * kept + seconds
        self._rows_squared = self._rows_squared * kept + rows * rows
        self._rows_seconds = self._rows_seconds * kept + rows * seconds
        spread = self._weight * self._rows_squared - self._rows * self._rows
        # Where all calls had the same number of rows, nothing tells the call from its rows: the slope stays.
        if spread > 1e-6 * self._weight * self._rows_squared:
            self.row_seconds = max(0.0, (self._weight * self._rows_seconds - self._rows * self._seconds) / spread)
        self.call_seconds = (self._seconds - self.row_seconds * self._rows) / self._weight
        if self.call_seconds < _LEAST_SECONDS:
            # No call costs less than nothing: then it is the rows that cost all of it.
            self.call_seconds, self.row_seconds = _LEAST_SECONDS, self._rows_seconds / self._rows_squared
