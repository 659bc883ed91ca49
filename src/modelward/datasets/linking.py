# SPDX-License-Identifier: Apache-2.0
"""Finds rows that are near each other without comparing all pairs, and joins what hangs together.

Locality-sensitive hashing in bands (Indyk and Motwani, 1998; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", chapter
3): a band gives each row a key such that near rows often share one. Only rows that share a key are compared, by what they really
hold, so that a shared key alone joins nothing. Joined rows are the connected components of the graph of near pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Keys = NDArray[np.uint64]
Truths = NDArray[np.bool_]

# A key that very many rows share would ask for very many comparisons. Each row is compared with the next few of its key, which
# are others in each band: the last bits of a key give way to a number that is drawn.
_NEXT_COMPARED = 8
_DRAWN_BITS = np.uint64(16)
_PAIRS_AT_ONCE = 1 << 18
_MIXERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def components(rows: int, bands: Iterable[Keys], is_near: Callable[[Rows, Rows], Truths]) -> Rows:
    """The component of each of `rows` rows [rows], where rows of one key in any of the `bands` are joined if `is_near`.

    Bands come one at a time, and pairs in portions, so that memory grows with the rows and not with the pairs.
    """
    labels = np.arange(rows)
    for band, keys in enumerate(bands):
        order, shares = _sharing(keys, band)
        for step in range(1, _NEXT_COMPARED + 1):
            labels = _join_next(labels, order, shares, is_near, step=step)
    return labels


def mixed(values: NDArray[Any], salt: int) -> Keys:
    """Whole numbers made into keys that look random, others for another `salt` (the finaliser of SplitMix64; Steele, 2014)."""
    keys: Keys = values.astype(np.uint64)
    with np.errstate(over="ignore"):
        keys += _MIXERS[0] * np.uint64(salt + 1)
        keys ^= keys >> np.uint64(30)
        keys *= _MIXERS[1]
        keys ^= keys >> np.uint64(27)
        keys *= _MIXERS[2]
    keys ^= keys >> np.uint64(31)
    return keys


def _sharing(keys: Keys, band: int) -> tuple[Rows, Keys]:
    """The rows that share their key with another one, in the order of the keys, and those keys."""
    drawn = mixed(np.arange(len(keys)), band) >> (np.uint64(64) - _DRAWN_BITS)
    filled = (keys >> _DRAWN_BITS << _DRAWN_BITS) | drawn
    order = np.argsort(filled, kind="stable")
    ordered = filled[order] >> _DRAWN_BITS
    equal = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(keys), dtype=np.bool_)
    shared[1:] |= equal
    shared[:-1] |= equal
    return order[shared], ordered[shared]


def _join_next(labels: Rows, order: Rows, keys: Keys, is_near: Callable[[Rows, Rows], Truths], *, step: int) -> Rows:
    """Join each row with that which stands `step` places after it, where both have one key and are near."""
    for start in range(0, len(order) - step, _PAIRS_AT_ONCE):
        end = min(start + _PAIRS_AT_ONCE, len(order) - step)
        one, other = order[start:end], order[start + step : end + step]
        pending = (keys[start:end] == keys[start + step : end + step]) & (labels[one] != labels[other])
        if not pending.any():
            continue
        one, other = one[pending], other[pending]
        near = is_near(one, other)
        if near.any():
            labels = _joined(labels, one[near], other[near])
    return labels


def _joined(labels: Rows, one: Rows, other: Rows) -> Rows:
    # SciPy takes a third of a second to load; a server that divides no data goes without.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    touched, places = np.unique(np.concatenate([labels[one], labels[other]]), return_inverse=True)
    pairs = places.reshape(2, -1)
    links = coo_array((np.ones(pairs.shape[1], dtype=np.int8), (pairs[0], pairs[1])), shape=(len(touched), len(touched)))
    _, found = connected_components(links, directed=False)
    least = np.full(len(touched), len(labels))
    np.minimum.at(least, found, touched)
    renamed = np.arange(len(labels))
    renamed[touched] = least[found]
    return renamed[labels]
