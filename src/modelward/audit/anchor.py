# SPDX-License-Identifier: Apache-2.0
"""The anchor: the latest checkpoint in a file outside the database, so that a database put back to an older state is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from modelward.audit.checkpoint import Checkpoint, CheckpointBrokenError, VerifierKey, open_checkpoint
from modelward.errors import RefusedError
from modelward.storage import replace_durably

_READ_LIMIT_BYTES = 1 << 20
MENDING = (
    "the next command writes it anew. If no other fault is named, the entries agree with the ledger's signed head; whether an "
    "older state was put back, only a checkpoint kept elsewhere tells (`modelward audit verify --since FILE`)."
)


class AnchorHeldError(RefusedError):
    """What lies in the anchor's place is not overwritten: it is damaged, or evidence."""


class _Verified(msgspec.Struct):
    at: datetime


class Anchor:
    """One file, replaced as a whole: a reader sees the old text or the new one, also after a power cut."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def advice(self) -> str:
        """What to do about a file in which no checkpoint of this ledger lies."""
        return f" It is damaged, or another ledger's. Move it away; {MENDING}"

    def read(self) -> str | None:
        """The text that lies there; None where there is no file. `OSError` where it cannot be read."""
        try:
            with self.path.open("rb") as file:
                return file.read(_READ_LIMIT_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return None

    def note_verified(self, size: int) -> None:
        """Note that the ledger of that size was found sound just now. Where it cannot be written, nobody misses it."""
        with suppress(OSError):
            replace_durably(self._note, msgspec.json.encode({"at": datetime.now(UTC), "size": size}))

    def last_verified(self) -> datetime | None:
        """When that was noted last."""
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=_Verified).at
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    @property
    def _note(self) -> Path:
        return self.path.with_name("ledger.verified")

    def keep(self, now: Checkpoint, key: VerifierKey, *, kept: str | None, is_past: Callable[[Checkpoint], bool]) -> None:
        """Write the checkpoint `now`, durably, over one of the ledger's past: over `kept`, which was read before `now` was.
        `OSError` where there is no room; the old text stays.

        Raises:
            AnchorHeldError: what lies there is no checkpoint that `key` signed, or not one of the ledger's past.
        """
        if kept == now.text:
            return
        if kept is not None:
            try:
                past = open_checkpoint(kept, key)
            except CheckpointBrokenError as wrong:
                raise AnchorHeldError(
                    f"The file {self.path.name} is damaged, or another ledger's. {wrong} It is left as it is. "
                    "Run `modelward audit verify`, which says how it comes back."
                ) from wrong
            if not is_past(past):
                raise AnchorHeldError(
                    f"The checkpoint in {self.path.name} is not of the ledger's past: the database was put back or rewritten. "
                    "It is left there as evidence. Run `modelward audit verify`."
                )
        replace_durably(self.path, now.text.encode())
