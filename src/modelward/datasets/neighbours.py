# SPDX-License-Identifier: Apache-2.0
"""Items that the same users took: the neighbours of each item, and the scores that a history gives by them.

Item-to-item collaborative filtering with the cosine between the sets of users who took two items (Sarwar et al., 2001; Deshpande
and Karypis, 2004), which is shrunk towards nothing where few users took both (Bell and Koren, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelward.datasets.interactions import Codes

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_ITEMS_AT_ONCE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Of each code 0 to K + 1 the items most like it, `items` int64 [K + 2, many] (0 to K - 1), and how like they are,
    `likeness` float32 [K + 2, many]; 0 where there are fewer, and for what is no known item.
    """

    items: Rows
    likeness: Floats
    known: int

    def scores(self, histories: Codes, *, decay: float) -> Floats:
        """For each history [n, length] the score of each item [n, K]: how like it is to those of the history, summed up. What was
        taken s steps before the last counts `decay` ** s.
        """
        weights = step_weights(histories.shape[1], decay)
        found = np.zeros((len(histories), self.known), dtype=np.float32)
        near, like = self.items[histories], self.likeness[histories] * weights[None, :, None]
        rows = np.arange(len(histories))[:, None, None]
        np.add.at(found, (np.broadcast_to(rows, near.shape), near), like)
        return found


def step_weights(length: int, decay: float) -> Floats:
    """What each place of a history [length] counts; the last counts 1."""
    return (decay ** np.arange(length - 1, -1, -1, dtype=np.float64)).astype(np.float32)


def find_neighbours(users: Rows, items: Rows, *, known: int, many: int, shrinkage: float) -> Neighbours:
    """The `many` nearest neighbours of each of `known` items, by who took what: `users` [n] took `items` [n], 0 to `known` - 1.

    Of items as near as each other the lower number comes first. `shrinkage` is added to the denominator of the cosine.
    """
    from scipy import sparse

    pairs = np.unique(np.stack([users, items], axis=1), axis=0)
    taken = sparse.csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(int(users.max()) + 1, known))
    counts = np.asarray(taken.sum(axis=0)).ravel()
    many = min(many, known)
    places, likeness = np.zeros((known + 2, many), dtype=np.int64), np.zeros((known + 2, many), dtype=np.float32)
    by_item = taken.T.tocsr()
    for at in range(0, known, _ITEMS_AT_ONCE):
        some = np.arange(at, min(at + _ITEMS_AT_ONCE, known))
        both = (by_item[some] @ taken).toarray()
        both[np.arange(len(some)), some] = 0
        near = both / (np.sqrt(np.outer(counts[some], counts)) + shrinkage + 1e-12)
        best = np.argsort(-near, axis=1, kind="stable")[:, :many]
        places[some + 1] = best
        likeness[some + 1] = np.take_along_axis(near, best, axis=1)
    return Neighbours(places, likeness, known)
