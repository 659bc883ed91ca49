# SPDX-License-Identifier: Apache-2.0
"""Image files as rows: one file, or all in a folder, for a model that takes an image and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelward.datasets import is_image, read_bytes
from modelward.errors import InvalidError
from modelward.serving.file_rows import FileRows, RowsFileError

if TYPE_CHECKING:
    from modelward.registry import Feature


class NoImageTakenError(InvalidError):
    """Images were given to a model that does not take one image and nothing else."""


def is_of_images(file: Path) -> bool:
    """Whether a path is an image file by its name, or a folder."""
    return is_image(file) or (file.is_dir() and not file.is_symlink())


def rows_of_images(file: Path, features: Sequence[Feature], *, limit_bytes: int) -> tuple[FileRows, bytes]:
    """The images as rows, each called by its place in the folder, and their bytes one after the other, as they go on record. Files
    and folders whose names begin with a dot, and links, are passed over.

    Raises:
        NoImageTakenError: the model takes something else. RowsFileError: there is no image, or a file that is none.
        UnreadableFileError, FileTooLargeError: see `read_bytes`.
    """
    if len(features) != 1 or features[0].kind != "image":
        raise NoImageTakenError(
            f"{file.name} is an image or a folder of them, and the model takes something else. Give it a table."
        )
    found = list(_files(file)) if file.is_dir() else [file]
    if not found:
        raise RowsFileError(f"{file} holds no images. Put PNG or JPEG files there.")
    held, left = [], limit_bytes
    for each in found:
        held.append(read_bytes(each, limit_bytes=left))
        left -= len(held[-1])
    names = tuple(each.relative_to(file).as_posix() if file.is_dir() else each.name for each in found)
    return FileRows((), [{features[0].name: data} for data in held], names), b"".join(held)


def _files(folder: Path) -> Iterator[Path]:
    for each in sorted(folder.iterdir()):
        if each.name.startswith(".") or each.is_symlink():
            continue
        if each.is_dir():
            yield from _files(each)
        elif is_image(each):
            yield each
        else:
            raise RowsFileError(f"{each} is called neither .png nor .jpg. Save it as one of these, or take it out.")
