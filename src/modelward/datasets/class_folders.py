# SPDX-License-Identifier: Apache-2.0
"""Images, or texts, in folders that are named after their classes, on disk or in an archive, as a table of `image` or `text`, and
`label`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from modelward.datasets.dataset import FIELD_LIMIT_CHARACTERS, UnreadableFileError
from modelward.datasets.encoding import encoding_of
from modelward.images import UnreadableImageError, facts_of

if TYPE_CHECKING:
    import polars as pl

IMAGE, TEXT, LABEL = "image", "text", "label"
_COLUMNS = {".png": IMAGE, ".jpg": IMAGE, ".jpeg": IMAGE, ".txt": TEXT}
_PART_BYTES = 32 << 20
# What file managers leave behind.
_LITTER = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})


class Labelled(NamedTuple):
    """A file of an image or a text: what messages call it, its class, and its bytes."""

    name: str
    label: str
    data: bytes


def is_litter(path: PurePosixPath) -> bool:
    """Whether a file is none of whoever made the folder."""
    return any(part.startswith(".") or part in _LITTER for part in path.parts)


def is_image(path: PurePath) -> bool:
    """Whether a file is an image by its name."""
    return _column(path) == IMAGE


def files_below(folder: Path) -> list[Path]:
    """The files in the folders of classes in `folder`, in the order of their names.

    Raises:
        UnreadableFileError: it is no folder of such folders; something else lies in it, or in one of them.
    """
    found: list[Path] = []
    held = [place for place in sorted(folder.iterdir()) if not is_litter(PurePosixPath(place.name))]
    if not held:
        raise UnreadableFileError(
            f"{folder} is a folder. Name the file in it that holds the table; or put one folder of images or texts there for each "
            "class."
        )
    for place in held:
        if place.is_symlink() or not place.is_dir():
            raise UnreadableFileError(
                f"{folder} is a folder. Name the file in it that holds the table, such as {place}; or leave in it nothing but one "
                "folder of images for each class, or one of texts."
            )
        found += [each for each in sorted(place.iterdir()) if not is_litter(PurePosixPath(each.name))]
    _check([PurePosixPath(path.relative_to(folder).as_posix()) for path in found], source=str(folder))
    return found


def classes_of(paths: Iterable[PurePosixPath], *, source: str) -> list[str]:
    """The class of each of the files of an archive: the folder that it lies in. One folder may lie around all.

    Raises:
        UnreadableFileError: they do not lie in folders of classes, or are not all images or all texts.
    """
    held = list(paths)
    roots = {path.parts[0] for path in held}
    if len(roots) == 1 and all(len(path.parts) > 2 for path in held):
        held = [PurePosixPath(*path.parts[1:]) for path in held]
    _check(held, source=source)
    return [path.parts[0] for path in held]


def parts_of(files: Iterable[Labelled]) -> Iterator[pl.DataFrame]:
    """The raw table of files that are all images or all texts, some of them at a time.

    Raises:
        UnreadableFileError: one cannot be read.
    """
    held: list[Labelled] = []
    size = 0
    for file in files:
        held.append(file)
        size += len(file.data)
        if size >= _PART_BYTES:
            yield _part(held)
            held, size = [], 0
    if held:
        yield _part(held)


def _part(files: Sequence[Labelled]) -> pl.DataFrame:
    import polars as pl

    column = _column(PurePosixPath(files[0].name))
    values = pl.Series(map(_text, files), dtype=pl.String) if column == TEXT else pl.Series(map(_image, files), dtype=pl.Binary)
    return pl.DataFrame({column: values, LABEL: pl.Series([file.label for file in files], dtype=pl.String)})


def _image(file: Labelled) -> bytes:
    try:
        facts_of(file.data)
    except UnreadableImageError as unreadable:
        raise UnreadableFileError(f"The image {file.name} {unreadable}") from None
    return file.data


def _text(file: Labelled) -> str:
    text = file.data.decode(encoding_of(io.BytesIO(file.data), source=file.name))
    if len(text) > FIELD_LIMIT_CHARACTERS:
        raise UnreadableFileError(
            f"The text {file.name} has {len(text):,} characters; at most {FIELD_LIMIT_CHARACTERS:,} are read. Divide it."
        )
    return text


def _column(path: PurePath) -> str | None:
    return _COLUMNS.get(path.suffix.lower())


def _check(paths: list[PurePosixPath], *, source: str) -> None:
    """Every path is a class and a file of an image, or every one a class and a file of a text."""
    if not paths:
        raise UnreadableFileError(
            f"{source} holds no files. Put one folder of PNG or JPEG images, or of texts, there for each class."
        )
    wanted = _column(paths[0])
    for path in paths:
        if len(path.parts) != 2:
            raise UnreadableFileError(
                f"{source}: {path} lies in no folder of a class. Put each file into a folder that is named after its class, and "
                "no folder into another."
            )
        if (column := _column(path)) is None:
            raise UnreadableFileError(
                f"{source}: {path} is called neither .png nor .jpg, nor .txt. Save it as one of these, or take it out."
            )
        if column != wanted:
            raise UnreadableFileError(f"{source}: of {paths[0]} and {path} one is an image and one a text. Register them apart.")
