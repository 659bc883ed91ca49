# SPDX-License-Identifier: Apache-2.0
"""NumPy archives of images: the arrays `images` and `labels`."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from modelward.datasets.class_folders import IMAGE, LABEL
from modelward.datasets.dataset import UnreadableFileError
from modelward.images import PIXELS_LIMIT, file_of

if TYPE_CHECKING:
    import polars as pl

UNPACKED_LIMIT_BYTES = 2 << 30
_IMAGES, _LABELS = "images", "labels"
_IMAGES_AT_ONCE = 4096
_WHAT = "`images`, uint8 [n, height, width] or [n, height, width, 3], and `labels`, [n]"


class ArrayReader:
    """Reads an .npz. Arrays of Python objects are pickles, which can run code, and are never opened."""

    starts = (b"PK\x03\x04",)

    def read(self, file: BinaryIO, *, source: str) -> Iterator[pl.DataFrame]:
        """See `Reader.read`."""
        import polars as pl

        images, labels = _arrays(file, source=source)
        _check(images, labels, source=source)
        words = [str(label) for label in labels.tolist()]
        for start in range(0, len(images), _IMAGES_AT_ONCE):
            files = [file_of(each) for each in images[start : start + _IMAGES_AT_ONCE]]
            named = words[start : start + _IMAGES_AT_ONCE]
            yield pl.DataFrame({IMAGE: pl.Series(files, dtype=pl.Binary), LABEL: pl.Series(named, dtype=pl.String)})


def _arrays(file: BinaryIO, *, source: str) -> tuple[Any, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > UNPACKED_LIMIT_BYTES:
            raise UnreadableFileError(
                f"{source} unpacks to {unpacked:,} bytes; at most {UNPACKED_LIMIT_BYTES:,} are read. Split it."
            )
        file.seek(0)
        with np.load(file, allow_pickle=False) as held:
            missing = [name for name in (_IMAGES, _LABELS) if name not in held]
            if missing:
                raise UnreadableFileError(f"{source} has no array {missing[0]!r}. It needs {_WHAT}.")
            return held[_IMAGES], held[_LABELS]
    except UnreadableFileError:
        raise
    # NumPy tells what is amiss by errors of many kinds.
    except Exception as broken:
        raise UnreadableFileError(
            f"{source} is not a whole .npz of plain arrays. Write it with `numpy.savez_compressed(path, images=…, labels=…)`, with "
            f"{_WHAT}."
        ) from broken


def _check(images: Any, labels: Any, *, source: str) -> None:
    is_plain = images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3))
    if not is_plain or images.dtype != np.uint8:
        shape = [*images.shape]
        raise UnreadableFileError(
            f"{source}: `images` has the type {images.dtype} and the shape {shape}. Images are uint8, 0 to 255, [n, height, width] "
            "or [n, height, width, 3]."
        )
    if labels.ndim != 1 or len(labels) != len(images) or labels.dtype.kind not in "iuUb":
        raise UnreadableFileError(
            f"{source}: {len(images):,} images come with `labels` of the type {labels.dtype} and the shape {[*labels.shape]}. Give "
            "one whole number or text for each image."
        )
    if 0 in images.shape or images.shape[1] * images.shape[2] > PIXELS_LIMIT:
        raise UnreadableFileError(f"{source}: an image has no pixel, or more than {PIXELS_LIMIT:,}. Cut or shrink the images.")
