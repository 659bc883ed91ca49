# SPDX-License-Identifier: Apache-2.0
"""A signed dossier as a folder of plain files, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from modelward.errors import ConflictError, InvalidError
from modelward.storage import NoSpaceError

_FULL = (errno.ENOSPC, errno.EDQUOT)


class TargetNotEmptyError(ConflictError):
    """Something lies where an export should go; nothing is overwritten."""


class TargetUnusableError(InvalidError):
    """An export cannot be written there."""


def check_target(folder: Path) -> Path:
    """The absolute path of `folder`, which is empty or does not exist.

    Raises:
        TargetNotEmptyError: something is in it. TargetUnusableError: it is a link or a file, or the folder above cannot be written.
    """
    folder = folder.expanduser().absolute()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise TargetUnusableError(f"{folder} is a link or a file. Name a folder that is empty or does not exist yet.")
    if folder.exists() and any(folder.iterdir()):
        raise TargetNotEmptyError(f"{folder} is not empty. Nothing in it was touched. Name an empty or a new folder.")
    above = next(parent for parent in folder.parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise TargetUnusableError(f"Nothing can be written in {above}. Name a folder elsewhere.")
    return folder


def write_export(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` beside `folder`, then rename them into its place, readable by the owner alone.

    Raises:
        NoSpaceError: they did not fit. TargetNotEmptyError: somebody was faster. Nothing is left behind.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, data in files.items():
            place = incoming / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as sink:
                sink.write(data)
                sink.flush()
                os.fsync(sink.fileno())
        incoming.rename(folder)
    except OSError as fault:
        shutil.rmtree(incoming, ignore_errors=True)
        if fault.errno in _FULL:
            raise NoSpaceError(f"No space left under {folder.parent}. Nothing was exported. Free some and try again.") from fault
        if fault.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise TargetNotEmptyError(f"{folder} is no longer empty. Nothing in it was touched. Name another.") from fault
        raise
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        raise
