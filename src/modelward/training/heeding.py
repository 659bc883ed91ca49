# SPDX-License-Identifier: Apache-2.0
"""A training heeds its grant: it stops at the next epoch after the data was taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from modelward.compute import Report
from modelward.errors import UnavailableError

_SECONDS = 0.5


@dataclass(slots=True)
class Heeding:
    """A report of progress that asks, twice a second at most, whether the data is `still_granted`, and raises what that raises."""

    report: Report
    still_granted: Callable[[], None]
    _asked: float = field(default=float("-inf"))

    def __call__(self, share: float, word: str = "") -> None:
        """See `Report`."""
        now = time.monotonic()
        if now - self._asked >= _SECONDS:
            self._asked = now
            # A database that is busy does not take anything back; before a version is registered it is asked once more.
            with suppress(UnavailableError):
                self.still_granted()
        self.report(share, word)

    @property
    def is_cancelled(self) -> bool:
        """See `Report`."""
        return self.report.is_cancelled
