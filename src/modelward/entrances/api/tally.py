# SPDX-License-Identifier: Apache-2.0
"""The tally: what each worker of one port counted, in a file each, so that any of them can say what all of them did.

The sums never go down. A worker writes its file before it tells a sum, so that no other knows less of it later; the file of one
that was killed stays; and whoever takes its place goes on counting from there.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock, Thread

import msgspec

from modelward.serving import Panel, Snapshot

WRITE_SECONDS = 0.5
_LOG = logging.getLogger("modelward.api")


class Sheet(msgspec.Struct, frozen=True):
    """A worker's file: which process wrote it, and what its instruments said."""

    process: int
    numbers: Snapshot


class Tally:
    """The file of one worker, in a folder that holds the files of all and nothing else."""

    def __init__(self, file: Path, panel: Panel) -> None:
        self._file = file
        self._panel = panel
        self._lock = Lock()
        self._is_told = False
        left = _read(file)
        self.is_successor = left is not None
        """Whether another worker had this place before."""
        self._inherited = panel.lasting(left.numbers) if left else {}

    def begin(self) -> None:
        """Write the file now, and every so often as long as the process lives."""
        self._write()
        Thread(target=self._keep_writing, name="tally", daemon=True).start()

    def whole(self) -> Snapshot:
        """What all workers did. Of one that ended, what it counted; its gauges are gone with it."""
        return self._panel.merged([self._write(), *self._others()])

    def _write(self) -> Snapshot:
        # Under the lock no older numbers come to lie over newer ones.
        with self._lock:
            numbers = self._panel.merged([self._inherited, self._panel.snapshot()])
            incoming = self._file.with_suffix(".incoming")
            try:
                incoming.write_bytes(msgspec.json.encode(Sheet(os.getpid(), numbers)))
                incoming.replace(self._file)
                self._is_told = False
            except OSError as fault:
                if not self._is_told:
                    _LOG.warning("the other workers cannot be told what this one counts: %s", fault.strerror)
                self._is_told = True
            return numbers

    def _others(self) -> Iterator[Snapshot]:
        for file in sorted(self._file.parent.glob(f"*{self._file.suffix}")):
            if file != self._file and (found := _read(file)):
                yield found.numbers if _lives(found.process) else self._panel.lasting(found.numbers)

    def _keep_writing(self) -> None:
        while True:
            time.sleep(WRITE_SECONDS)
            self._write()


def _read(file: Path) -> Sheet | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Sheet)
    except FileNotFoundError:
        return None


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
