# SPDX-License-Identifier: Apache-2.0
"""Turns: the threads and processes that write one database queue for it, instead of asking again and again.

SQLite itself lets one write at a time; who comes while it is taken sleeps in growing steps, so that under load some wait for
seconds and others not at all. A lock of the kernel on a file beside the database hands it over at once, and is released by a
process that dies. It is a courtesy: what is written is safe without it.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from threading import Lock

_GLANCE_SECONDS = 0.002


class Turn:
    """One lock for the threads of this process, and one for the processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = Lock()
        # Held by the one thread that is next, so that who gives the turn back cannot snatch it again.
        self._next = Lock()
        self._file: int | None = None

    def take(self, *, patience_seconds: float) -> bool:
        """Wait for the turn; whether it is ours. `give_back` it then.

        Another process that holds it longer than `patience_seconds`, or a folder where no lock can be, does not keep us: the
        database decides then.
        """
        give_up = time.monotonic() + patience_seconds
        while self._is_next(give_up):
            file = self._open()
            if file is None or _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB) or time.monotonic() >= give_up:
                return True
            # Meanwhile other threads may stand in line.
            self._threads.release()
            time.sleep(_GLANCE_SECONDS)
        return False

    def take_in_line(self) -> None:
        """Wait for the turn as long as it takes, and get it when who has it gives it back, without a look in between."""
        with self._next:
            self._threads.acquire()
        if (file := self._open()) is not None:
            _lock(file, fcntl.LOCK_EX)

    def give_back(self) -> None:
        """Let the next one write."""
        if self._file is not None:
            _lock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_next(self, give_up: float) -> bool:
        if not self._next.acquire(timeout=max(0.0, give_up - time.monotonic())):
            return False
        try:
            return self._threads.acquire(timeout=max(0.0, give_up - time.monotonic()))
        finally:
            self._next.release()

    def _open(self) -> int | None:
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:
                return None
        return self._file


def _lock(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except OSError:
        return False
    return True
