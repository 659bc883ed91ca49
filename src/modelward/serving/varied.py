# SPDX-License-Identifier: Apache-2.0
"""What is varied in a row to explain its answer: its features, the passages of its text, the patches of its image, the entries of
its history, or the stretches of its series.

The explainer knows columns, and for each a value that stands for "not known". Of a table these are the features and the background
rows. Of a text they are its passages, of an image its patches, of a history its entries, of a series its stretches, which are there
or left out, so that nobody's words, pictures, histories or recordings are needed to compare with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.registry import CodePoints, Feature, text_of

if TYPE_CHECKING:
    from modelward.serving.explainer import Columns

# A character of a script without spaces between words (Chinese, Japanese, Thai, Lao, Khmer), or what stands between two spaces.
_SPACELESS = "\u0e00-\u0eff\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PASSAGE = re.compile(rf"(?:[{_SPACELESS}]|[^ {_SPACELESS}]+) ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """`row` is what there is, `background` what stands for "not known", `values` what `row` says in words, and `whole` makes of
    such columns those that the model takes. `base_of` says what
    the answer is of where nothing is known, and `how` is said of the method.
    """

    row: Columns
    background: Columns
    values: Mapping[str, Any]
    whole: Callable[[Columns], Columns]
    base_of: str = "average"
    how: str = ""


def features_of(row: Columns, background: Columns, values: Mapping[str, Any]) -> Varied:
    """The features of one row of a table."""
    return Varied(row=row, background=background, values=values, whole=lambda asked: asked)


def passages_of(feature: Feature, points: CodePoints, most: int) -> Varied:
    """The passages of one text, int32 [length], as it is read: words, or single characters where a script knows no spaces; of a
    long text some of them together, so that there are at `most` so many. Each is called by its place, `review[0:5]`.
    """
    text = text_of(points)
    bounds = _bounds(text, most)
    names = [f"{feature.name}[{start}:{stop}]" for start, stop in bounds]
    owner = np.repeat(np.arange(len(bounds)), [stop - start for start, stop in bounds])

    def whole(asked: Columns) -> Columns:
        is_there = np.concatenate([asked[name] for name in names], axis=1).astype(bool)
        left = np.zeros((len(is_there), feature.length), dtype=np.int32)
        for place, row in enumerate(is_there):
            kept = points[: len(owner)][row[owner]]
            left[place, : len(kept)] = kept
        return {feature.name: left}

    return Varied(
        row={name: np.ones((1, 1), dtype=np.int8) for name in names},
        background={name: np.zeros((1, 1), dtype=np.int8) for name in names},
        values={name: text[start:stop].strip() for name, (start, stop) in zip(names, bounds, strict=True)},
        whole=whole,
        base_of="empty text",
        how=" of passages, which are left out where they are not known",
    )


def patches_of(feature: Feature, pixels: npt.NDArray[np.uint8], most: int) -> Varied:
    """The patches of one image, uint8 [height, width, channels], as it is seen: at `most` so many. One that is left out shows
    the mean colour of the image. Each is called by its rows and columns, `scan[0:4,8:12]`.
    """
    bounds = [_cut(length, isqrt(most)) for length in pixels.shape[:2]]
    places = [(rows, columns) for rows in bounds[0] for columns in bounds[1]]
    names = [f"{feature.name}[{top}:{bottom},{left}:{right}]" for (top, bottom), (left, right) in places]
    blank = np.broadcast_to(pixels.mean(axis=(0, 1)).round().astype(np.uint8), pixels.shape)

    def whole(asked: Columns) -> Columns:
        is_there = np.concatenate([asked[name] for name in names], axis=1).astype(bool)
        grid = is_there.reshape(-1, len(bounds[0]), len(bounds[1]))
        sizes = [[stop - start for start, stop in each] for each in bounds]
        shown = grid.repeat(sizes[0], axis=1).repeat(sizes[1], axis=2)[..., None]
        return {feature.name: np.where(shown, pixels, blank)}

    return Varied(
        row={name: np.ones((1, 1), dtype=np.int8) for name in names},
        background={name: np.zeros((1, 1), dtype=np.int8) for name in names},
        values=dict.fromkeys(names),
        whole=whole,
        base_of="blank image",
        how=" of patches, which show the mean colour where they are not known",
    )


def entries_of(feature: Feature, words: npt.NDArray[np.object_], most: int) -> Varied:
    """The entries of one history, texts [length], as it is read; of a long one some that follow each other together, so that
    there are at `most` so many. Each is called
    by its place from the end, `history[-1]` for the last. The others close up where one is left out.
    """
    (there,) = np.nonzero(words != "")
    parts = np.array_split(there, min(most, len(there))) if len(there) else []
    names = [f"{feature.name}[{_from_end(part, len(words))}]" for part in parts]
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])

    def whole(asked: Columns) -> Columns:
        is_there = np.concatenate([asked[name] for name in names], axis=1).astype(bool)
        left = np.full((len(is_there), len(words)), "", dtype=object)
        for place, row in enumerate(is_there):
            kept = words[there[row[owner]]]
            left[place, len(words) - len(kept) :] = kept
        return {feature.name: left}

    return Varied(
        row={name: np.ones((1, 1), dtype=np.int8) for name in names},
        background={name: np.zeros((1, 1), dtype=np.int8) for name in names},
        values={name: ", ".join(words[part]) for name, part in zip(names, parts, strict=True)},
        whole=whole,
        base_of="empty history",
        how=" of entries, which are left out where they are not known",
    )


def stretches_of(feature: Feature, series: npt.NDArray[np.float32], most: int) -> Varied:
    """The stretches of one series, float32 [length, channels], as it is read: single steps, of a longer one some that follow each
    other together, so that there are at `most` so many, with all their channels. Each is called by its place from the end,
    `wave[-4:]` for the last four steps. One that is left out is missing, as null is; the others stay where they are, but that a
    series ends with its last number.
    """
    (there,) = np.nonzero(~np.isnan(series).all(axis=1))
    count = int(there[-1]) + 1 if len(there) else 0
    parts = np.array_split(np.arange(count), min(most, count)) if count else []
    names = [f"{feature.name}[{_from_end(part, count)}]" for part in parts]
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])

    def whole(asked: Columns) -> Columns:
        is_there = np.concatenate([asked[name] for name in names], axis=1).astype(bool)
        left = np.repeat(series[None], len(is_there), axis=0)
        left[:, :count][~is_there[:, owner]] = np.nan
        return {feature.name: left}

    return Varied(
        row={name: np.ones((1, 1), dtype=np.int8) for name in names},
        background={name: np.zeros((1, 1), dtype=np.int8) for name in names},
        values=dict.fromkeys(names),
        whole=whole,
        base_of="empty series",
        how=" of stretches, which are missing where they are not known",
    )


def _from_end(part: npt.NDArray[np.intp], length: int) -> str:
    first, last = int(part[0]) - length, int(part[-1]) - length
    return str(last) if first == last else f"{first}:{last + 1 or ''}"


def _cut(length: int, most: int) -> list[tuple[int, int]]:
    """A side in at `most` so many parts that differ by one pixel at most."""
    count = min(most, length)
    return list(pairwise(length * part // count for part in range(count + 1)))


def _bounds(text: str, most: int) -> list[tuple[int, int]]:
    """Where each passage begins and ends; together they are the whole text."""
    ends = [found.end() for found in _PASSAGE.finditer(text)]
    if not ends:
        return []
    together = -(-len(ends) // most)
    return list(pairwise([0, *sorted({*ends[together - 1 :: together], ends[-1]})]))
