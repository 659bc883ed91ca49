# SPDX-License-Identifier: Apache-2.0
"""How much energy one piece of work took, as far as it can be known, with the method and an interval.

Where the processor's own counters can be read (RAPL, Linux `powercap`) they measure a whole package, so they speak of one job
only while no other runs. Otherwise the CPU time of the job's thread is multiplied by an assumed power of one busy core.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
POWERCAP = Path("/sys/class/powercap")
_PACKAGE = re.compile(r"intel-rapl:[0-9]+")
_MICROJOULES = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Joules, between `low` and `high`, and how they were found."""

    joules: float
    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a piece of work took: seconds on the clock, seconds of CPU in its thread, and energy."""

    seconds: float
    cpu_seconds: float
    energy: Energy


@dataclass(frozen=True, slots=True)
class _Counter:
    """A counter of microjoules that starts again at 0 when it passes `limit`."""

    path: Path
    limit: int

    def read(self) -> int:
        return int(self.path.read_text())

    def since(self, before: int) -> float:
        return ((self.read() - before) % (self.limit + 1)) * _MICROJOULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Measures one job at a time in the thread that runs it. `is_alone`: no other job runs meanwhile."""

    watts_per_core: float
    is_alone: bool
    powercap: Path = POWERCAP

    def measure(self, work: Callable[[], T]) -> tuple[T, Effort]:
        """Do `work` in this thread; its result, and what it took."""
        counters = _counters(self.powercap) if self.is_alone else []
        before = [counter.read() for counter in counters]
        clock, cpu = time.perf_counter(), time.thread_time()
        done = work()
        seconds, cpu_seconds = time.perf_counter() - clock, time.thread_time() - cpu
        energy = _metered(counters, before) if counters else _assumed(cpu_seconds, watts=self.watts_per_core)
        return done, Effort(seconds=seconds, cpu_seconds=cpu_seconds, energy=energy)


def _counters(powercap: Path) -> list[_Counter]:
    """One counter a package, none where the system has none or keeps them from us."""
    counters = []
    try:
        for folder in sorted(powercap.iterdir()):
            if _PACKAGE.fullmatch(folder.name):
                counter = _Counter(folder / "energy_uj", int((folder / "max_energy_range_uj").read_text()))
                counter.read()
                counters.append(counter)
    except (OSError, ValueError):
        return []
    return counters


def _metered(counters: Sequence[_Counter], before: Sequence[int]) -> Energy:
    joules = sum(counter.since(start) for counter, start in zip(counters, before, strict=True))
    return Energy(
        joules=joules,
        low=joules * 0.5,
        high=joules * 1.1,
        method=(
            "rapl: the counters of the whole processor package while no other job of this run was at work; what the processor "
            "draws when idle, and what other programs did, is in it, so the job's own share may be half; memory, disk and power "
            "supply are not in it"
        ),
    )


def _assumed(cpu_seconds: float, *, watts: float) -> Energy:
    joules = cpu_seconds * watts
    return Energy(
        joules=joules,
        low=joules * 0.5,
        high=joules * 2,
        method=(
            f"cpu-time: {watts:g} W assumed for one busy core (setting watts_per_core) times the CPU seconds of the job's thread; "
            "no meter was read, so between half and twice as much"
        ),
    )
