# SPDX-License-Identifier: Apache-2.0
"""Images in folders that are named after their classes, on disk or in an archive, as a table of `image` and `label`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from modelward.datasets.dataset import UnreadableFileError
from modelward.images import UnreadableImageError, facts_of

if TYPE_CHECKING:
    import polars as pl

IMAGE, LABEL = "image", "label"
_ENDINGS = frozenset({".png", ".jpg", ".jpeg"})
_PART_BYTES = 32 << 20
# What file managers leave behind.
_LITTER = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})


class Labelled(NamedTuple):
    """An image file: what messages call it, its class, and its bytes."""

    name: str
    label: str
    data: bytes


def is_litter(path: PurePosixPath) -> bool:
    """Whether a file is none of whoever made the folder."""
    return any(part.startswith(".") or part in _LITTER for part in path.parts)


def is_image(path: PurePath) -> bool:
    """Whether a file is an image by its name."""
    return path.suffix.lower() in _ENDINGS


def images_below(folder: Path) -> list[Path]:
    """The image files in the folders of classes in `folder`, in the order of their names.

    Raises:
        UnreadableFileError: it is no folder of such folders; something else lies in it, or in one of them.
    """
    found: list[Path] = []
    held = [place for place in sorted(folder.iterdir()) if not is_litter(PurePosixPath(place.name))]
    if not held:
        raise UnreadableFileError(
            f"{folder} is a folder. Name the file in it that holds the table; or put one folder of images there for each class."
        )
    for place in held:
        if place.is_symlink() or not place.is_dir():
            raise UnreadableFileError(
                f"{folder} is a folder. Name the file in it that holds the table, such as {place}; or leave in it nothing but one "
                "folder of images for each class."
            )
        found += [each for each in sorted(place.iterdir()) if not is_litter(PurePosixPath(each.name))]
    _check([PurePosixPath(path.relative_to(folder).as_posix()) for path in found], source=str(folder))
    return found


def classes_of(paths: Iterable[PurePosixPath], *, source: str) -> list[str]:
    """The class of each of the images of an archive: the folder that it lies in. One folder may lie around all.

    Raises:
        UnreadableFileError: they do not lie in folders of classes.
    """
    held = list(paths)
    roots = {path.parts[0] for path in held}
    if len(roots) == 1 and all(len(path.parts) > 2 for path in held):
        held = [PurePosixPath(*path.parts[1:]) for path in held]
    _check(held, source=source)
    return [path.parts[0] for path in held]


def parts_of(images: Iterable[Labelled]) -> Iterator[pl.DataFrame]:
    """The raw table of images, some of them at a time.

    Raises:
        UnreadableFileError: one cannot be read.
    """
    held: list[Labelled] = []
    size = 0
    for image in images:
        try:
            facts_of(image.data)
        except UnreadableImageError as unreadable:
            raise UnreadableFileError(f"The image {image.name} {unreadable}") from None
        held.append(image)
        size += len(image.data)
        if size >= _PART_BYTES:
            yield _part(held)
            held, size = [], 0
    if held:
        yield _part(held)


def _part(images: Sequence[Labelled]) -> pl.DataFrame:
    import polars as pl

    files = pl.Series([image.data for image in images], dtype=pl.Binary)
    return pl.DataFrame({IMAGE: files, LABEL: pl.Series([image.label for image in images], dtype=pl.String)})


def _check(paths: list[PurePosixPath], *, source: str) -> None:
    """Every path is a class and an image file."""
    if not paths:
        raise UnreadableFileError(f"{source} holds no images. Put one folder of PNG or JPEG files there for each class.")
    for path in paths:
        if len(path.parts) != 2:
            raise UnreadableFileError(
                f"{source}: {path} lies in no folder of a class. Put each image into a folder that is named after its class, and "
                "no folder into another."
            )
        if not is_image(path):
            raise UnreadableFileError(f"{source}: {path} is called neither .png nor .jpg. Save it as one of these, or take it out.")
