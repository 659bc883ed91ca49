# SPDX-License-Identifier: Apache-2.0
"""Which process carries out a run, so that a run whose process is gone is not taken for one that is going on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

# Processes tell when they started in hundredths of a second since the system did, and clocks are put right meanwhile.
_SAME_START_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a machine. A number alone would not do: the system gives it to another process later."""

    host: str
    number: int
    started: float

    @classmethod
    def current(cls) -> Process:
        """The process that asks."""
        import psutil

        return cls(platform.node(), os.getpid(), psutil.Process().create_time())

    def is_gone(self) -> bool:
        """Whether it ended. Of a process on another machine nothing is known here, so it counts as going on."""
        import psutil

        if self.host != platform.node():
            return False
        try:
            found = psutil.Process(self.number)
            is_other = abs(found.create_time() - self.started) > _SAME_START_SECONDS
            return is_other or found.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
