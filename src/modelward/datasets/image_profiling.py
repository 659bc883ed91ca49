# SPDX-License-Identifier: Apache-2.0
"""Profiles a column of images. Each is decoded wholly, so that one which is damaged is found before anybody learns from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import TYPE_CHECKING

from modelward.datasets.dataset import UnusableTableError
from modelward.datasets.profile import ImageProfile, ProfileWarning
from modelward.images import Facts, UnreadableImageError, facts_of

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 10


def profile_images(images: pl.Series) -> ImageProfile:
    """The figures of a column of image files.

    Raises:
        UnusableTableError: an image cannot be read; the message names column and row.
    """
    # One after the other: a series that is gone through hands out 25,000 files at once.
    held = (images[row] for row in range(len(images)))
    found = [_facts(data, column=images.name, row=row) for row, data in enumerate(held, 1) if data is not None]
    present = images.drop_nulls()
    return ImageProfile(
        sizes=_counted(f"{facts.width}x{facts.height}" for facts in found),
        modes=_counted(facts.mode for facts in found),
        converted=sum(facts.converted for facts in found),
        brightness=fmean(facts.mean for facts in found) if found else 0.0,
        contrast=fmean(facts.deviation for facts in found) if found else 0.0,
        repeated=len(present) - present.n_unique(),
    )


def image_warnings(name: str, images: ImageProfile) -> Iterator[ProfileWarning]:
    """What somebody should look at before learning from them."""
    if len(images.sizes) > 1:
        most = next(iter(images.sizes))
        text = f"The images of column {name!r} are of different sizes, most often {most}. They are stretched to one: say which as "
        yield ProfileWarning("image-sizes", name, f"{text}`data: {{prepare: {{size: [HEIGHT, WIDTH]}}}}` in the spec.")
    if images.converted:
        modes = ", ".join(f"{mode} {count:,}" for mode, count in images.modes.items())
        text = (
            f"{images.converted:,} images of column {name!r} are converted before a model sees them ({modes}): what is transparent "
        )
        yield ProfileWarning("image-modes", name, f"{text}lies on white, 16 bits become 8, palettes and CMYK become RGB.")


def _facts(data: bytes, *, column: str, row: int) -> Facts:
    try:
        return facts_of(data)
    except UnreadableImageError as unreadable:
        raise UnusableTableError(f"The image in column {column!r}, row {row:,}, {unreadable}") from None


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).most_common(_SHOWN), key=lambda each: (-each[1], each[0])))
