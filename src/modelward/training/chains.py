# SPDX-License-Identifier: Apache-2.0
"""Whole sequences, put together again from questions of the form "after this history, what came next?".

A recipe that learns from sequences is given one row for each interaction: the history before it, and the item as its label. Rows of
one user follow each other, so that each history is the one before it with that one's label at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int64]
UNASKED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Pieces of sequences: `histories` [m, length], and in `wanted` [m, length] what came after each place, the number of an item
    or -1 where nobody asks.
    """

    histories: Codes
    wanted: Labels


def chains(histories: Codes, labels: Labels) -> Labels:
    """The chain of each row [n], numbered from 0: rows that follow each other in one sequence have the same."""
    if not len(labels):
        return np.empty(0, dtype=np.int64)
    goes_on = (histories[1:, -1] == labels[:-1] + 1) & (histories[1:, :-1] == histories[:-1, 1:]).all(axis=1)
    return np.append(0, np.cumsum(~goes_on)).astype(np.int64)


def taken(histories: Codes, labels: Labels, *, known: int) -> tuple[Labels, Labels]:
    """Who took what, as two arrays [m]: the chain, and the item, 0 to `known` - 1. What stands in the history of the first row of a
    chain was taken too.
    """
    chain = chains(histories, labels)
    first = np.flatnonzero(np.append(True, np.diff(chain) > 0)) if len(chain) else chain
    rows, places = np.nonzero((histories[first] > 0) & (histories[first] <= known))
    before = histories[first[rows], places].astype(np.int64) - 1
    return np.concatenate((chain, chain[first[rows]])), np.concatenate((labels, before))


def windows(histories: Codes, labels: Labels) -> Windows:
    """The rows [n, length] as windows over their sequences, in which every row is asked about once. A window is filled from the end
    of its sequence on, so that the latest ones are the fullest.
    """
    length = histories.shape[1]
    chain = chains(histories, labels)
    lengths = np.bincount(chain)
    left = np.cumsum(lengths)[chain] - 1 - np.arange(len(labels))
    window = left // length
    at = length - 1 - left % length
    # Rows lie in the order of their chains, and in a chain the windows are counted down to 0.
    many = -(-lengths // length)
    number = np.append(0, np.cumsum(many))[chain] + many[chain] - 1 - window
    wanted = np.full((int(many.sum()), length), UNASKED, dtype=np.int64)
    wanted[number, at] = labels
    # The last row of a window holds its whole history, for the histories of the rows before it are parts of that one.
    return Windows(histories[at == length - 1], wanted)
