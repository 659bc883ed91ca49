# SPDX-License-Identifier: Apache-2.0
"""Rows of text that are alike: they share most of their shingles, the runs of five characters in them.

The similarity is that of Dice: the share of the shingles of both that the other has, too. Which rows to compare is found by MinHash
(Broder, "On the resemblance and containment of documents", 1997): the least hash of a text's shingles is that of another text with
the probability of their resemblance, the shared shingles over those of either. A band's key is made of several least hashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from modelward.datasets.linking import Keys, Rows, Truths, components, mixed

if TYPE_CHECKING:
    import polars as pl

_SHINGLE = 5
_HASHES = 128
_MISSED = 0.001
_CHARACTERS_AT_ONCE = 1 << 21
_SETS_KEPT = 1 << 13


def alike_by_text(texts: pl.Series, *, similarity: float) -> Rows:
    """The component [n] of each text, where two are near if the similarity of Dice of their shingles is at least `similarity`.

    Case and the width of blanks do not count. A text that is missing or blank is near no other.
    """
    plain = texts.fill_null("").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars().to_list()
    there = np.array([place for place, text in enumerate(plain) if text], dtype=np.int64)
    kept = [plain[place] for place in there.tolist()]

    @lru_cache(maxsize=_SETS_KEPT)
    def shingles(place: int) -> Keys:
        return np.unique(_shingles([kept[place]])[0])

    def is_near(one: Rows, other: Rows) -> Truths:
        pairs = zip(one.tolist(), other.tolist(), strict=True)
        return np.array([_dice(shingles(left), shingles(right)) >= similarity for left, right in pairs], dtype=np.bool_)

    found = np.arange(len(plain))
    if len(there):
        found[there] = there[components(len(kept), _bands(kept, similarity), is_near)]
    return found


def _dice(one: Keys, other: Keys) -> float:
    return 2 * len(np.intersect1d(one, other, assume_unique=True)) / (len(one) + len(other))


def _bands(texts: list[str], similarity: float) -> Iterator[Keys]:
    """Keys [n] of one band after the other: as long as they may be for a pair at the threshold to be missed once in a thousand."""
    resemblance = similarity / (2 - similarity)
    size = next(size for size in range(_HASHES, 0, -1) if (1 - resemblance**size) ** (_HASHES // size) <= _MISSED or size == 1)
    keys = np.concatenate([_sketch(portion, size=size) for portion in _portions(texts)])
    for band in range(keys.shape[1]):
        yield keys[:, band]


def _portions(texts: list[str]) -> Iterator[list[str]]:
    portion, length = [], 0
    for text in texts:
        portion.append(text)
        length += len(text)
        if length >= _CHARACTERS_AT_ONCE:
            yield portion
            portion, length = [], 0
    if portion:
        yield portion


def _sketch(texts: list[str], *, size: int) -> Keys:
    """The keys [n, bands] of texts that are not empty: `size` least hashes make one."""
    hashed, starts = _shingles(texts)
    keys = np.zeros((len(texts), _HASHES // size), dtype=np.uint64)
    salts = np.random.PCG64(0).random_raw(2 * _HASHES).reshape(_HASHES, 2)
    hashed >>= np.uint64(32)
    with np.errstate(over="ignore"):
        for place in range(keys.shape[1] * size):
            # Multiply and add, and of the sum the upper half (Dietzfelbinger et al., 1997).
            turned = hashed * (salts[place, 0] | np.uint64(1)) + salts[place, 1]
            least = np.minimum.reduceat(turned, starts) >> np.uint64(32)
            keys[:, place // size] += mixed(least, place)
    return keys


def _shingles(texts: list[str]) -> tuple[Keys, Rows]:
    """The hash of each shingle of all texts, one after the other, and where each text begins.

    Four zero characters end a text, so that one of `k` characters has `k` shingles however short it is.
    """
    ended = "".join(text + "\0" * (_SHINGLE - 1) for text in texts)
    letters = np.frombuffer(ended.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths[:-1])]).astype(np.int64)
    hashed = np.zeros(len(letters) - _SHINGLE + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for place in range(_SHINGLE):
            hashed = hashed * np.uint64(0x100000001B3) + letters[place : place + len(hashed)]
    of_text = np.repeat(np.arange(len(texts)), lengths)
    return mixed(hashed[np.arange(len(of_text)) + (_SHINGLE - 1) * of_text], 0), starts
