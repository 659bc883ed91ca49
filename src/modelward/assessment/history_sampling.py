# SPDX-License-Identifier: Apache-2.0
"""The held-out rows of a log of interactions, and how far up two plain recommenders put what was taken next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelward.datasets import Dataset, Parts, Sequences, class_labels, find_neighbours, sequences

if TYPE_CHECKING:
    import polars as pl

    from modelward.registry import Interface

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
UNKNOWN = -1
"""The label of an item that training never saw."""
_NEIGHBOURS, _SHRINKAGE, _DECAY = 50, 10.0, 0.8
_POPULARITY = 1e-6
_ROWS_AT_ONCE = 256


def ranks_of(scores: NDArray[Any], labels: Labels) -> Floats:
    """The rank [n], from 1, of each label among the scores [n, K]; of equals half come before. Infinite for an unknown item, which
    no ranking holds.
    """
    own = np.take_along_axis(scores, np.maximum(labels, 0)[:, None], axis=1)
    before, alike = (scores > own).sum(axis=1), (scores == own).sum(axis=1) - 1
    return np.where(labels == UNKNOWN, np.inf, 1 + before + alike / 2)


@dataclass(frozen=True)
class Histories:
    """A log with its parts, beside the sample that was held out of it. `codes` [n] are those of all rows, `labels` those of the
    test rows, `leaves_out` says whether the version recommends no item of a history again.
    """

    ordered: Sequences
    parts: Parts
    codes: NDArray[np.int32]
    labels: Labels
    known: int
    length: int
    leaves_out: bool

    @cached_property
    def by_popularity(self) -> Floats:
        """The ranks [n] where all are recommended what most training rows hold."""
        return self._ranks(lambda histories: np.repeat(self._popular[None], len(histories), axis=0))

    @cached_property
    def by_neighbours(self) -> Floats:
        """The ranks [n] by the likeness of items to those of the history, as the recipe `item-knn` has it without parameters."""
        train = self.parts.train
        found = find_neighbours(
            self.ordered.users[train],
            self.codes[train].astype(np.int64) - 1,
            known=self.known,
            many=_NEIGHBOURS,
            shrinkage=_SHRINKAGE,
        )
        return self._ranks(lambda histories: found.scores(histories, decay=_DECAY) + _POPULARITY * self._popular)

    @cached_property
    def _popular(self) -> NDArray[np.float32]:
        counts = np.bincount(self.codes[self.parts.train] - 1, minlength=self.known)
        return np.asarray(counts / counts.sum(), dtype=np.float32)

    def _ranks(self, score: Any) -> Floats:
        found, test = [], self.parts.test
        for start in range(0, len(test), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            histories = self.ordered.histories(self.codes, test[rows], length=self.length)
            scores = score(histories)
            if self.leaves_out:
                padded = np.pad(scores, ((0, 0), (1, 1)))
                np.put_along_axis(padded, histories.astype(np.int64), 0.0, axis=1)
                scores = padded[:, 1:-1]
            found.append(ranks_of(scores, self.labels[rows]))
        return np.concatenate(found)


def histories_of(
    dataset: Dataset, table: pl.DataFrame, parts: Parts, interface: Interface, *, leaves_out: bool
) -> tuple[Histories, NDArray[np.object_]]:
    """The log of a recommender's dataset, and the histories of its test rows as its graph takes them [n, length]."""
    assert dataset.log is not None
    (feature,) = interface.features
    names, inverse = np.unique(class_labels(table.get_column(dataset.target)).to_numpy().astype(str), return_inverse=True)
    known = {item: code for code, item in enumerate(interface.classes, 1)}
    other = len(known) + 1
    codes = np.array([known.get(name, other) for name in names.tolist()], dtype=np.int32)[inverse]
    # An item of the test rows alone has its own name, which is told to nobody.
    words, own = np.array(["", *names.tolist()], dtype=object), (inverse + 1).astype(np.int32)
    ordered = sequences(table, dataset.log)
    test = codes[parts.test].astype(np.int64) - 1
    labels = np.where(test == len(known), UNKNOWN, test)
    held = Histories(ordered, parts, codes, labels, len(known), feature.length, leaves_out)
    return held, words[ordered.histories(own, parts.test, length=feature.length)]
