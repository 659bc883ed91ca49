# SPDX-License-Identifier: Apache-2.0
"""Folders of plain files: those that are written out, whole or not at all, and those that only pass through."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelward.errors import ConflictError, InvalidError
from modelward.storage.disk import NoSpaceError, is_full
from modelward.storage.durability import make_durable

_PASSING = "modelward-passing-"


class FolderTakenError(ConflictError):
    """Something lies in the folder that should be written; nothing is overwritten."""


class FolderUnusableError(InvalidError):
    """No folder can be written there."""


def check_free(folder: Path) -> Path:
    """The absolute path of `folder`, which is empty or does not exist.

    Raises:
        FolderTakenError: something is in it. FolderUnusableError: it is a link or a file, or the folder above cannot be written.
    """
    folder = folder.expanduser().absolute()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FolderUnusableError(f"{folder} is a link or a file. Name a folder that is empty or does not exist yet.")
    if folder.exists() and any(folder.iterdir()):
        raise FolderTakenError(f"{folder} is not empty. Nothing in it was touched. Name an empty or a new folder.")
    above = next(parent for parent in folder.parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise FolderUnusableError(f"Nothing can be written in {above}. Name a folder elsewhere.")
    return folder


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder for the body to fill, which then takes the place of `folder`, durable and readable by its owner alone.

    Raises:
        FolderTakenError, FolderUnusableError: see `check_free`; another may also be faster. NoSpaceError: the files did not fit.
        Whatever is raised, nothing is left behind.
    """
    folder = check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield incoming
        for place in (*incoming.rglob("*"), incoming):
            make_durable(place)
        incoming.rename(folder)
        make_durable(folder.parent)
    except OSError as fault:
        if is_full(fault):
            raise NoSpaceError(f"No space left under {folder.parent}. Nothing was written. Free some and try again.") from fault
        if fault.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FolderTakenError(f"{folder} is no longer empty. Nothing in it was touched. Name another.") from fault
        raise
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


@contextmanager
def passing_folder() -> Iterator[Path]:
    """A private folder, among the system's temporary files, for what is readable only while it passes; gone with the body.

    What a killed process leaves there, the next `sweep_passing_folders` removes: a lock that ends with its process tells.
    """
    folder, handle = _locked_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def sweep_passing_folders() -> int:
    """Remove the passing folders of our processes that are no more; how many there were.

    Whoever shares the machine can put a folder of that name among the temporary files: it is left alone, and fails nothing.
    """
    swept = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PASSING}*"):
        # A link is never followed. One too deep to be removed stays: `rmtree` descends by recursion.
        with suppress(OSError, RecursionError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if _is_ours(handle):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
                    swept += 1
            finally:
                os.close(handle)
    return swept


def _is_ours(handle: int) -> bool:
    """Whether a folder is of our own making: of our user, and private, as `mkdtemp` makes it."""
    found = os.fstat(handle)
    return found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700


def _locked_folder() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PASSING))
        # A sweep may take the folder before the lock is ours.
        with suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.is_dir():
                return folder, handle
            os.close(handle)
