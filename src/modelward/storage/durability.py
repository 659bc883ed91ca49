# SPDX-License-Identifier: Apache-2.0
"""What makes a new name in a folder survive a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def make_durable(folder: Path) -> None:
    """Write the folder's list of names to the disk; a file's own bytes are the business of who wrote them."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
