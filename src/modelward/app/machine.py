# SPDX-License-Identifier: Apache-2.0
"""What the machine does with memory, time and environments, as far as it concerns who could read along."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_SYNCHRONISED_NEVER = 5
_TIMEX_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Facts of the machine and of this process. `plain_swaps` are the places to which memory is written unencrypted; where the
    system does not tell whether its clock is kept right, `is_clock_kept` is None.
    """

    user_id: int
    plain_swaps: tuple[str, ...]
    core_limit_bytes: int
    core_pattern: str
    is_clock_kept: bool | None
    environment: Mapping[str, str]
    now: datetime

    @classmethod
    def here(cls) -> Machine:
        """The machine and the process that run it."""
        return cls(
            user_id=os.geteuid(),
            plain_swaps=plain_swaps(_read("/proc/swaps"), Path("/sys/block")),
            core_limit_bytes=resource.getrlimit(resource.RLIMIT_CORE)[0],
            core_pattern=_read("/proc/sys/kernel/core_pattern").strip(),
            is_clock_kept=_is_clock_kept(),
            environment=dict(os.environ),
            now=datetime.now(UTC),
        )


def plain_swaps(table: str, blocks: Path) -> tuple[str, ...]:
    """The swaps of `/proc/swaps` that are neither in memory (zram) nor encrypted (dm-crypt), by the system's list of `blocks`."""
    names = [line.split()[0] for line in table.splitlines()[1:] if line.split()]
    return tuple(name for name in names if not _is_closed(name, blocks))


def _is_closed(device: str, blocks: Path) -> bool:
    name = Path(device).resolve().name
    return name.startswith("zram") or _read(blocks / name / "dm" / "uuid").startswith("CRYPT-")


def _is_clock_kept() -> bool | None:
    try:
        # All of it nothing: only asked, nothing set.
        return bool(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) != _SYNCHRONISED_NEVER)
    except (OSError, AttributeError):
        return None


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
