# SPDX-License-Identifier: Apache-2.0
"""What makes files and names survive a power cut."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

_PRIVATE = 0o600
_LIKE_ANY_NEW_FILE = 0o666


def make_durable(place: Path) -> None:
    """Put a folder's list of names, or a file's bytes, on the disk."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that its owner alone can read, its bytes on the disk. `FileExistsError` where there is one."""
    _write_new(path, data, mode=_PRIVATE)


def replace_durably(path: Path, data: bytes, *, is_private: bool = True) -> None:
    """Replace a file as a whole: a reader sees the old bytes or the new ones, also after a power cut.

    A private file is readable by its owner alone; another keeps the permissions it had, or gets those of any new file. Several
    processes and threads may do so at once: each writes a file of its own `beside` before it takes the name.
    """
    fresh = beside(path)
    try:
        _write_new(fresh, data, mode=_PRIVATE if is_private else _LIKE_ANY_NEW_FILE)
        if not is_private and path.exists():
            fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    make_durable(path.parent)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file for the body to write, readable by its owner alone, which then takes the name `path`, whole and durable.

    `FileExistsError` where something has that name. Whatever is raised, no file of ours is left behind.
    """
    fresh = beside(path)
    try:
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)
    make_durable(path.parent)


def beside(path: Path) -> Path:
    """A new name in the folder of `path`, for a file that will take its place."""
    return path.with_name(f"{_mark(path)}{token_hex(8)}")


def cut_off(path: Path) -> Iterator[Path]:
    """The files `beside` one whose writers were killed, or are still writing."""
    return path.parent.glob(f"{glob.escape(_mark(path))}*")


def _mark(path: Path) -> str:
    # A name has 255 bytes at most, which 50 characters and ours never pass.
    return f".{path.name[:50]}."


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
