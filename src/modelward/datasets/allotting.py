# SPDX-License-Identifier: Apache-2.0
"""Puts whole clusters into parts: for a split, in shares and with each class in proportion; for shards, of one size."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heapreplace

import numpy as np
from numpy.typing import NDArray

from modelward.datasets.clusters import Clusters
from modelward.errors import InvalidError

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_UNEVEN = 1.5


class UndividedError(InvalidError):
    """The clusters cannot be put into so many parts of one size."""


def partition(clusters: Clusters, *, parts: int, seed: int) -> Rows:
    """The part, 0 to `parts` - 1, of each row [n]: no cluster is divided, and the parts are as even as that allows.

    The largest clusters go first, each to the part that has the fewest rows (Graham, 1969); `seed` orders those of one size.

    Raises:
        UndividedError: there are fewer clusters than parts, or one is half as large again as a part should be.
    """
    sizes, rows = clusters.sizes, len(clusters.of_row)
    if not 1 <= parts <= len(sizes):
        raise UndividedError(f"{rows:,} rows in {len(sizes):,} clusters make no {parts} parts. Ask for 1 to {len(sizes):,}.")
    if (largest := int(sizes.max())) > _UNEVEN * rows / parts:
        raise UndividedError(
            f"The largest cluster has {largest:,} of {rows:,} rows, and each of {parts} parts would have {rows / parts:,.0f}. Ask "
            "for fewer parts; of near-duplicates, a higher similarity links fewer."
        )
    loads = [(0, part) for part in range(parts)]
    heapify(loads)
    part_of = np.empty(len(sizes), dtype=np.int64)
    for cluster in _largest_first(sizes, seed).tolist():
        load, part = loads[0]
        part_of[cluster] = part
        heapreplace(loads, (load + int(sizes[cluster]), part))
    return part_of[clusters.of_row]


def allot(clusters: Clusters, classes: Rows, *, shares: Sequence[float], seed: int) -> Rows:
    """The part of each row [n], the parts having about `shares` of the rows, and of the rows of each of `classes` [n].

    Clusters of several rows are drawn first, the largest before the others, each into a part that has room for it, with a chance
    that grows with the room. Rows alone in their cluster then make up the shares. A part that still lacks a class is given the
    smallest cluster with it that another part can spare.
    """
    several = clusters.sizes[clusters.of_row] > 1
    room = np.outer(shares, np.bincount(classes))
    part_of = np.zeros(len(clusters.sizes), dtype=np.int64)
    _draw_several(part_of, clusters, classes, room, several=several, seed=seed)
    _draw_alone(part_of, clusters, classes, room, alone=np.flatnonzero(~several), seed=seed)
    _complete(part_of, clusters, classes, parts=len(shares))
    return part_of[clusters.of_row]


def apportioned(exact: Floats, *, total: int) -> Rows:
    """Whole numbers for `exact` ones, `total` together, by the largest remainders."""
    given: Rows = np.floor(exact).astype(np.int64)
    short = total - int(given.sum())
    given[np.argsort(given - exact, kind="stable")[: max(short, 0)]] += 1
    return given


def drawn_order(many: int, seed: int) -> Rows:
    """The numbers below `many` in an order that `seed` draws.

    It is that of the raw output of PCG64, which NumPy promises to keep, unlike that of `Generator.permutation`.
    """
    return np.argsort(np.random.PCG64(seed).random_raw(many), kind="stable")


def _largest_first(sizes: Rows, seed: int) -> Rows:
    order = drawn_order(len(sizes), seed)
    return order[np.argsort(-sizes[order], kind="stable")]


def _draw_several(part_of: Rows, clusters: Clusters, classes: Rows, room: Floats, *, several: NDArray[np.bool_], seed: int) -> None:
    ids = np.flatnonzero(clusters.sizes > 1)
    held = np.zeros((len(ids), room.shape[1]))
    np.add.at(held, (np.searchsorted(ids, clusters.of_row[several]), classes[several]), 1)
    chances = np.random.PCG64(seed).jumped().random_raw(len(ids)) / 2.0**64
    for place, chance in zip(_largest_first(clusters.sizes[ids], seed).tolist(), chances.tolist(), strict=True):
        mine, free = held[place], room.sum(axis=1)
        wanted = np.where(free >= mine.sum(), np.maximum(room, 0) @ mine, 0)
        risen = np.cumsum(wanted)
        part = int(np.searchsorted(risen, chance * risen[-1], side="right")) if risen[-1] > 0 else int(np.argmax(free))
        part_of[ids[place]] = part
        room[part] -= mine


def _draw_alone(part_of: Rows, clusters: Clusters, classes: Rows, room: Floats, *, alone: Rows, seed: int) -> None:
    """Rows of their own, class by class, into the room that is left; what rounding leaves over goes to the first part."""
    order = alone[drawn_order(len(alone), seed)]
    members = [order[classes[order] == code] for code in range(room.shape[1])]
    left = np.array([len(rows) for rows in members])
    wanted = np.maximum(room, 0)
    wanted *= left / np.maximum(wanted.sum(axis=0), 1)
    for part in range(len(room) - 1, 0, -1):
        given = np.minimum(apportioned(wanted[part], total=round(float(wanted[part].sum()))), left)
        for code, many in enumerate(given.tolist()):
            part_of[clusters.of_row[members[code][left[code] - many : left[code]]]] = part
        left -= given


def _complete(part_of: Rows, clusters: Clusters, classes: Rows, *, parts: int) -> None:
    for code in range(int(classes.max()) + 1):
        held = np.unique(clusters.of_row[classes == code])
        held = held[np.argsort(clusters.sizes[held], kind="stable")]
        for part in range(parts):
            counts = np.bincount(part_of[held], minlength=parts)
            if counts[part] == 0 and counts.max() > 1:
                spare = held[part_of[held] == np.argmax(counts)]
                part_of[spare[0]] = part
