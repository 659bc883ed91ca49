# SPDX-License-Identifier: Apache-2.0
"""What a call of an engine costs: a seconds for the call and b for each row, learned from the calls that were made.

Least squares over (rows, seconds) with exponential forgetting, so that the estimate follows the machine it runs on.
"""

from __future__ import annotations

_FORGETTING = 0.98
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
        self._weight = self._weight * _FORGETTING + 1.0
        self._rows = self._rows * _FORGETTING + rows
        self._seconds = self._seconds * _FORGETTING + seconds
        self._rows_squared = self._rows_squared * _FORGETTING + rows * rows
        self._rows_seconds = self._rows_seconds * _FORGETTING + rows * seconds
        spread = self._weight * self._rows_squared - self._rows * self._rows
        # Where all calls had the same number of rows, nothing tells the call from its rows: the slope stays.
        if spread > 1e-6 * self._weight * self._rows_squared:
            self.row_seconds = max(0.0, (self._weight * self._rows_seconds - self._rows * self._seconds) / spread)
        self.call_seconds = (self._seconds - self.row_seconds * self._rows) / self._weight
        if self.call_seconds < _LEAST_SECONDS:
            # No call costs less than nothing: then it is the rows that cost all of it.
            self.call_seconds, self.row_seconds = _LEAST_SECONDS, self._rows_seconds / self._rows_squared
