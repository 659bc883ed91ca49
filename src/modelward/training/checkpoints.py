# SPDX-License-Identifier: Apache-2.0
"""Keeps what a candidate has learnt so far, sealed, in the home: a training that is stopped, in whatever way, goes on from there.

A file is replaced as a whole, so that whoever is killed while writing one leaves the one before. Its first line says whose it is,
as a digest; all else is sealed. What cannot be used is left aside and said: the training begins anew, and ends the same.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from modelward.digest import sha256_hex
from modelward.storage import SealBrokenError, Sealer, cut_off, is_full, is_idle, replace_durably
from modelward.training.memory import is_out_of_memory

_FOLDER = "runs"
_ANEW = "It was trained from the beginning."


class Checkpoints(Protocol):
    """Keeps the latest checkpoint of one candidate. What is in one is the business of the recipe."""

    @property
    def trouble(self) -> str:
        """Why the last one was not kept; nothing where it was."""
        ...

    def is_due(self) -> bool:
        """Whether it is time for another."""
        ...

    def save(self, make: Callable[[], bytes]) -> None:
        """Keep what `make` returns instead of the one before. Where that fails, training goes on, and the version says so."""
        ...

    def load(self) -> bytes | None:
        """The latest one of an earlier attempt at the same candidate; None where there is none that can be used."""
        ...

    def refuse(self, why: str) -> None:
        """Say why the recipe could not use what was loaded."""
        ...


class KeptCheckpoints(Checkpoints, Protocol):
    """Those of one candidate, of which there may be a second attempt."""

    @property
    def seconds(self) -> float:
        """How often one is due."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What became of them, where that was not as it should be; for who reads the run."""
        ...

    def unsaved(self, why: str) -> None:
        """Keep in mind that one could not be saved."""
        ...

    def of_retry(self) -> KeptCheckpoints:
        """Those of the second attempt, with smaller batches."""
        ...


class _Unkept:
    """Keeps nothing."""

    trouble = ""

    def is_due(self) -> bool:
        return False

    def save(self, make: Callable[[], bytes]) -> None:
        pass

    def load(self) -> bytes | None:
        return None

    def refuse(self, why: str) -> None:
        pass


UNKEPT: Checkpoints = _Unkept()


@dataclass(slots=True, kw_only=True)
class SealedCheckpoints:
    """The checkpoints of one candidate in the file `path`, one every `seconds`.

    The `sealer` has a key of this candidate's own, and a label that names run, candidate, spec and data: what was made of others
    does not open. `notes` are for who reads the run; `trouble` is what to tell at once, while the last one could not be saved.
    """

    path: Path
    sealer: Sealer
    seconds: float
    trouble: str = ""
    _unsaved: dict[str, int] = field(default_factory=dict)
    _refused: list[str] = field(default_factory=list)
    _last: float = field(default_factory=time.monotonic)

    @property
    def notes(self) -> tuple[str, ...]:
        """What became of its checkpoints, where that was not as it should be."""
        failed = (
            f"{count} {'checkpoint' if count == 1 else 'checkpoints'} could not be saved: {why}. Training went on without."
            for why, count in self._unsaved.items()
        )
        return (*self._refused, *failed)

    def is_due(self) -> bool:
        """See `Checkpoints.is_due`."""
        return time.monotonic() - self._last >= self.seconds

    def save(self, make: Callable[[], bytes]) -> None:
        """See `Checkpoints.save`."""
        try:
            sealed = b"".join(self.sealer.seal(io.BytesIO(make())))
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_durably(self.path, self._head + sealed)
            self.trouble = ""
        except (OSError, MemoryError, RuntimeError) as fault:
            if not (why := why_unsaved(fault)):
                raise
            self.unsaved(why)
        self._last = time.monotonic()

    def unsaved(self, why: str) -> None:
        """Keep in mind that one could not be saved."""
        self._unsaved[why] = self._unsaved.get(why, 0) + 1
        self.trouble = f"the last checkpoint was not saved: {why}"

    def load(self) -> bytes | None:
        """See `Checkpoints.load`."""
        try:
            found = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as fault:
            self.refuse(f"it cannot be read: {fault.strerror}")
            return None
        if not found.startswith(self._head):
            self.refuse("it was made of another run, spec or data, by an earlier version, or cut off")
            return None
        try:
            return b"".join(self.sealer.unseal(io.BytesIO(found[len(self._head) :])))
        except SealBrokenError:
            self.refuse("it was cut off or changed, or sealed with another key")
            return None

    def refuse(self, why: str) -> None:
        """See `Checkpoints.refuse`."""
        self._refused.append(f"A checkpoint of it was not used: {why}. {_ANEW}")

    def of_retry(self) -> SealedCheckpoints:
        """Those of the second attempt, with smaller batches: neither attempt can go on from what the other left."""
        # No name of a candidate ends so: in a quoted one a plus is written otherwise.
        path, sealer = self.path.with_name(f"{self.path.name}+retry"), replace(self.sealer, label=f"{self.sealer.label} retry")
        return SealedCheckpoints(path=path, sealer=sealer, seconds=self.seconds)

    def discard(self) -> None:
        """Remove the file, that of the second attempt, and what a killed writer left beside them."""
        with suppress(OSError):
            for path in (self.path, self.of_retry().path):
                for file in (path, *cut_off(path)):
                    file.unlink(missing_ok=True)
            self.path.parent.rmdir()

    @property
    def _head(self) -> bytes:
        return f"modelward checkpoint 2 {sha256_hex(self.sealer.label.encode())}\n".encode()


def why_unsaved(fault: Exception) -> str:
    """Why training can go on without the checkpoint; nothing where the fault is another."""
    # PyTorch tells by an error of its own that there is no memory for a copy of the weights.
    if is_out_of_memory(fault):
        return "there is not enough memory for it"
    if not isinstance(fault, OSError):
        return ""
    return "no space is left on the disk" if is_full(fault) else (fault.strerror or type(fault).__name__)


def checkpoints_of(
    run: str, candidate: str, *, made_from: Collection[str], home: Path, sealer: Callable[[str], Sealer], seconds: float
) -> SealedCheckpoints:
    """The checkpoints of a candidate. `made_from` are the digests of spec, data and division of the rows; `sealer` gives what seals
    under the label that it is told, such as `Vault.sealer`.
    """
    label = " ".join(["checkpoint", run, candidate, *made_from])
    path = home / _FOLDER / run / quote(candidate, safe="")
    return SealedCheckpoints(path=path, sealer=sealer(label), seconds=seconds)


def sweep(home: Path, *, kept: Collection[str], idle_seconds: float) -> int:
    """Remove the checkpoints of all runs but those `kept`, and what killed writers left; how many files that were."""
    swept = 0
    for folder in (home / _FOLDER).glob("*"):
        old = [file for file in folder.glob("*") if folder.name not in kept or file.name.startswith(".")]
        for file in old:
            if is_idle(file, idle_seconds):
                file.unlink(missing_ok=True)
                swept += 1
        # A folder that still holds something stays.
        with suppress(OSError):
            folder.rmdir()
    return swept
