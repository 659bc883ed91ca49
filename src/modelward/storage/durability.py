# SPDX-License-Identifier: Apache-2.0
"""What makes files and names survive a power cut."""

from __future__ import annotations

import os
from pathlib import Path
from threading import get_ident


def make_durable(place: Path) -> None:
    """Put a folder's list of names, or a file's bytes, on the disk."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that its owner alone can read, its bytes on the disk. `FileExistsError` where there is one."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_durably(path: Path, data: bytes) -> None:
    """Replace a private file as a whole: a reader sees the old bytes or the new ones, also after a power cut.

    Several processes and threads may do so at once: each writes `NAME.PROCESS-THREAD` before it takes the name.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}-{get_ident()}")
    fresh.unlink(missing_ok=True)
    try:
        write_private(fresh, data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    make_durable(path.parent)
