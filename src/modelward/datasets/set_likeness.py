# SPDX-License-Identifier: Apache-2.0
"""Rows of sets that are alike, such as the shingles of texts, or the steps of series.

The similarity is that of Dice: the share of the members of both that the other has, too. Which rows to compare is found by MinHash
(Broder, "On the resemblance and containment of documents", 1997): the least hash of a set is that of another one with the
probability of their resemblance, the shared members over those of either. A band's key is made of several least hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from modelward.datasets.linking import Keys, Rows, Truths, components, mixed

_HASHES = 128
_MISSED = 0.001
_CHARACTERS_AT_ONCE = 1 << 21
_SETS_KEPT = 1 << 13

Members: TypeAlias = Callable[[list[str]], tuple[Keys, Rows]]
"""Of texts that are not empty the hash of each member, one text after the other, and where each begins; each has one at least."""


def alike_by_sets(texts: Sequence[str], members: Members, *, similarity: float) -> Rows:
    """The component [n] of each text, where two are near if the similarity of Dice of their members is at least `similarity`. An
    empty text is near no other.
    """
    there = np.array([place for place, text in enumerate(texts) if text], dtype=np.int64)
    kept = [texts[place] for place in there.tolist()]

    @lru_cache(maxsize=_SETS_KEPT)
    def members_of(place: int) -> Keys:
        return np.unique(members([kept[place]])[0])

    def is_near(one: Rows, other: Rows) -> Truths:
        pairs = zip(one.tolist(), other.tolist(), strict=True)
        return np.array([_dice(members_of(left), members_of(right)) >= similarity for left, right in pairs], dtype=np.bool_)

    found = np.arange(len(texts))
    if len(there):
        found[there] = there[components(len(kept), _bands(kept, members, similarity), is_near)]
    return found


def _dice(one: Keys, other: Keys) -> float:
    return 2 * len(np.intersect1d(one, other, assume_unique=True)) / (len(one) + len(other))


def _bands(texts: list[str], members: Members, similarity: float) -> Iterator[Keys]:
    """Keys [n] of one band after the other: as long as they may be for a pair at the threshold to be missed once in a thousand."""
    resemblance = similarity / (2 - similarity)
    size = next(size for size in range(_HASHES, 0, -1) if (1 - resemblance**size) ** (_HASHES // size) <= _MISSED or size == 1)
    keys = np.concatenate([_sketch(members(portion), size=size) for portion in _portions(texts)])
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


def _sketch(members: tuple[Keys, Rows], *, size: int) -> Keys:
    """The keys [n, bands] of sets: `size` least hashes make one."""
    hashed, starts = members
    keys = np.zeros((len(starts), _HASHES // size), dtype=np.uint64)
    salts = np.random.PCG64(0).random_raw(2 * _HASHES).reshape(_HASHES, 2)
    hashed >>= np.uint64(32)
    with np.errstate(over="ignore"):
        for place in range(keys.shape[1] * size):
            # Multiply and add, and of the sum the upper half (Dietzfelbinger et al., 1997).
            turned = hashed * (salts[place, 0] | np.uint64(1)) + salts[place, 1]
            least = np.minimum.reduceat(turned, starts) >> np.uint64(32)
            keys[:, place // size] += mixed(least, place)
    return keys
