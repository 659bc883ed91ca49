# SPDX-License-Identifier: Apache-2.0
"""At which address a home is served, as its server noted it: links then name that one, whatever port the settings say."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_FILE: Final = "served-at"
_LONGEST_BYTES: Final = 300


@contextmanager
def noted(home: Path, address: str) -> Iterator[None]:
    """Have it known that the home is served at `address`, until the end; the lock on the note goes with the process, however it
    ends. Where another server has noted its own, that one stays.
    """
    file = os.open(home / _FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(file, 0)
            os.pwrite(file, address.encode(), 0)
        yield
    finally:
        os.close(file)


def address_in_use(home: Path) -> str:
    """Where the home is served right now; empty where it is not, or nobody noted it."""
    try:
        file = os.open(home / _FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(file, _LONGEST_BYTES).decode(errors="replace").strip()
    finally:
        os.close(file)
    return ""
