# SPDX-License-Identifier: Apache-2.0
"""Files that a command line names: read within limits, and written whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from modelward.errors import ConflictError, InvalidError, TooLargeError

TEXT_LIMIT_BYTES = 4 << 20
STANDARD_INPUT = Path("-")


class NotTextError(InvalidError):
    """A file that should hold text holds something else."""


class FileTooLongError(TooLargeError):
    """A file is longer than anything that is meant."""


class OutputUnusableError(InvalidError):
    """Nothing can be written where the answer should go."""


class OutputTakenError(ConflictError):
    """Evidence would be written over."""


def read_text(file: Path) -> str:
    """The text in `file`; what comes by the standard input, where that is `-`.

    Raises:
        NotTextError: it is not UTF-8. FileTooLongError: it is longer than a spec, a policy or a receipt can be.
    """
    if file == STANDARD_INPUT:
        data = sys.stdin.buffer.read(TEXT_LIMIT_BYTES + 1)
    else:
        with file.open("rb") as stream:
            data = stream.read(TEXT_LIMIT_BYTES + 1)
    if len(data) > TEXT_LIMIT_BYTES:
        raise FileTooLongError(f"{file} is longer than {TEXT_LIMIT_BYTES >> 20} MiB. Is it the right file?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise NotTextError(f"{file} is not UTF-8 text (byte {wrong.start}). Is it the right file?") from wrong


def check_output(file: Path | None, *, option: str = "-o", endings: tuple[str, ...] = ()) -> None:
    """Nothing, where `file`, which `option` named, can be written: asked before the work is done and recorded.

    What may be replaced has `endings`, so that a slip of the hand does not replace what something else was made from.

    Raises:
        OutputUnusableError: its folder is missing or closed to us, it is a folder, or it ends otherwise.
    """
    if file is None:
        return
    folder = file.absolute().parent
    if endings and not file.is_char_device() and file.suffix.lower() not in endings:
        raise OutputUnusableError(
            f"{file} would be replaced by another kind of file. Name one that ends in {' or '.join(endings)}."
        )
    if file.is_dir():
        raise OutputUnusableError(f"{file} is a folder. Name a file with `{option}`.")
    if not folder.is_dir():
        raise OutputUnusableError(f"The folder {folder} is missing. Make it, or name another file with `{option}`.")
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise OutputUnusableError(f"{file} cannot be written. Name another file with `{option}`.")


def write_evidence(file: Path, data: bytes) -> None:
    """Write `data` to `file`, which is kept for ever: one that holds something else is not written over.

    Raises:
        OutputTakenError: it does.
    """
    if file.is_file() and file.read_bytes() not in (b"", data):
        raise OutputTakenError(
            f"{file} is there already, and holds something else, which may be needed. Name another file with `-o`."
        )
    write_output(file, data)


def write_output(file: Path, data: bytes) -> None:
    """Write `data` to `file`: whoever looks sees the old file or the new one, with the permissions that new files get."""
    if file.exists() and not file.is_file():
        file.write_bytes(data)
        return
    from modelward.storage import replace_durably

    replace_durably(file.resolve(), data, is_private=False)
