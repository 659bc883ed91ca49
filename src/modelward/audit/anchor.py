# SPDX-License-Identifier: Apache-2.0
"""The anchor: the latest checkpoint in a file outside the database, so that a database put back to an older state is found."""

from __future__ import annotations

from pathlib import Path

from modelward.storage import replace_durably

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
        replace_durably(self.path, text.encode())
