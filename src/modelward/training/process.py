# SPDX-License-Identifier: Apache-2.0
"""Which process carries out a run, so that a run whose process is gone is not taken for one that is going on."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Processes tell when they started in hundredths of a second since the system did, and clocks are put right meanwhile.
_SAME_START_SECONDS = 2.0

# The ids of the runs that this process carries out now, whichever `Training` began them: of its own runs a process that lives for
# long knows more than its row tells, for where the disk is full a run's end cannot be written down.
UNDER_WAY: set[str] = set()


@contextmanager
def beginning() -> Iterator[Callable[[str], None]]:
    """What marks a run as `UNDER_WAY`, while its row is written; where that fails, it is not."""
    begun: list[str] = []

    def mark(run: str) -> None:
        UNDER_WAY.add(run)
        begun.append(run)

    try:
        yield mark
    except BaseException:
        UNDER_WAY.difference_update(begun)
        raise


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

    def is_done_with(self, run: str) -> bool:
        """Whether nobody carries out that run of this process any more."""
        if self.host == platform.node() and self.number == os.getpid() and run not in UNDER_WAY:
            return True
        return self.is_gone()

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
