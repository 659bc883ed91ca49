# SPDX-License-Identifier: Apache-2.0
"""The anchor: the latest checkpoint in a file outside the database, so that a database put back to an older state is found."""

from __future__ import annotations

import os
from pathlib import Path
from threading import get_ident

_READ_LIMIT_BYTES = 1 << 20


class Anchor:
    """One file, replaced as a whole: a reader sees the old text or the new one, also after a power cut."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> str | None:
        """The text that lies there; None where there is no file. What cannot be read comes out as text that no key signed."""
        try:
            with self.path.open("rb") as file:
                return file.read(_READ_LIMIT_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as fault:
            return f"unreadable: {fault.strerror}"

    def write(self, text: str) -> None:
        """Replace the text, durably. `OSError` where there is no room; the old text stays."""
        # Several processes and threads may anchor one ledger: each writes its own file before it takes the name.
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}-{get_ident()}")
        try:
            with fresh.open("wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        finally:
            fresh.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
