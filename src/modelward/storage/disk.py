# SPDX-License-Identifier: Apache-2.0
"""What the file system tells: that there is no room left, and that nobody wrote to a file for a while."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Final

from modelward.errors import UnavailableError

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoSpaceError(UnavailableError):
    """The place that should be written to is full; nothing was left behind."""


def is_full(fault: OSError) -> bool:
    """Whether the disk is full, the quota is used up, or a file may not grow so long."""
    return fault.errno in _FULL


def is_idle(file: Path, seconds: float) -> bool:
    """Whether nobody wrote to the file for so long. One that is gone by now is nobody's business."""
    try:
        return seconds <= 0 or time.time() - file.stat().st_mtime >= seconds
    except FileNotFoundError:
        return False
