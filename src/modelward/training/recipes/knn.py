# SPDX-License-Identifier: Apache-2.0
"""k nearest neighbours, on a grid so fine that nothing is lost and so coarse that every distance is exact.

Prepared rows of real data have many neighbours at exactly the same distance, for most columns are zeros and ones. Rounding then
decides who is a neighbour, and two libraries decide differently. Here every coordinate is a whole number, so that all sums are
exact in float64 in whatever order, ties are ties everywhere, and the earlier row wins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.graph import DOUBLE, Drawing, estimator
from modelward.training.recipe import FloatMatrix, Inputs, Labels, Made, Probabilities, Progress, Takes, one_thread

Grid = npt.NDArray[np.float64]

_ROWS_AT_ONCE = 512
# Whole numbers and their sums are exact in float64 up to 2**53.
_EXACT = 2.0**53
_FINEST = 2.0**16


class NearestNeighboursParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `knn`."""

    neighbours: Annotated[int, Meta(ge=1, le=1000, description="How many neighbours vote, each the same.")] = 25
    max_rows: Annotated[
        int,
        Meta(
            ge=10,
            le=50_000,
            description="Most training rows kept, drawn with the seed; they are in the model, and every answer searches them.",
        ),
    ] = 5000


@dataclass(frozen=True, slots=True)
class NearestNeighbours:
    """Remembers training rows; the probability of a class is its share of the nearest. The rows are part of the model."""

    Parameters: ClassVar[type[NearestNeighboursParameters]] = NearestNeighboursParameters
    takes: ClassVar[tuple[Takes, ...]] = ("table", "image")
    parameters: NearestNeighboursParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        one_thread()
        chosen = _sample(len(inputs.train), self.parameters.max_rows, seed=inputs.seed)
        kept, labels = inputs.train[chosen], inputs.train_labels[chosen]
        neighbours = Neighbours.of(kept, labels, neighbours=min(self.parameters.neighbours, len(kept)), classes=len(inputs.classes))
        progress(1.0)
        note = f"It keeps all {len(kept):,} training rows."
        if len(kept) < len(inputs.train):
            note = f"It keeps {len(kept):,} of {len(inputs.train):,} training rows, drawn with the seed; raise max_rows for more."
        return Made(
            predict=neighbours.predict,
            graph=lambda: estimator(neighbours.draw, width=inputs.width, classes=len(inputs.classes)),
            parameters=neighbours.rows.size,
            notes=(note,),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Rows on the grid [rows, width], their classes as one-hot [rows, K], and the box [2, width] that queries are held in."""

    rows: Grid
    votes: Grid
    box: Grid
    steps: float
    neighbours: int

    @classmethod
    def of(cls, kept: FloatMatrix, labels: Labels, *, neighbours: int, classes: int) -> Neighbours:
        """The rows on the finest grid, of a power of two steps a unit, on which no squared distance passes what is exact."""
        reach = np.maximum(np.abs(kept).max(axis=0).astype(np.float64), 1.0)
        # Bounds |t|² + 2 |x| |t| over all rows t and all queries x in a box of twice their reach, times the rows.
        largest = 8.0 * float((reach**2).sum()) * len(kept)
        steps = min(_FINEST, 2.0 ** np.floor(np.log2(_EXACT / largest) / 2))
        bounds = np.rint(np.stack([-2 * reach, 2 * reach]) * steps)
        rows = np.rint(kept.astype(np.float64) * steps)
        return cls(rows=rows, votes=np.eye(classes)[labels], box=bounds, steps=steps, neighbours=neighbours)

    def predict(self, queries: FloatMatrix) -> Probabilities:
        """Shares of the classes among the nearest rows, [n, K]."""
        parts = [self._shares(queries[start : start + _ROWS_AT_ONCE]) for start in range(0, len(queries), _ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, self.votes.shape[1]))

    def _shares(self, queries: FloatMatrix) -> Grid:
        low, high = self.box
        placed = np.clip(np.rint(queries.astype(np.float64) * self.steps), low, high)
        # The square of the query itself is the same for every row, and is left out.
        distances = (self.rows**2).sum(axis=1) - 2 * (placed @ self.rows.T)
        # With the row's number behind the distance no two are equal, and the earlier row comes first.
        ranks = distances * len(self.rows) + np.arange(len(self.rows))
        nearest = np.argpartition(ranks, self.neighbours - 1, axis=1)[:, : self.neighbours]
        return np.asarray(self.votes[nearest].mean(axis=1))

    def draw(self, drawing: Drawing, rows: str) -> str:
        """The same in ONNX; TopK gives ties to the earlier row, as a stable sort does."""
        wide = drawing.node("Mul", drawing.node("Cast", rows, to=DOUBLE), drawing.constant(self.steps, np.float64))
        low, high = (drawing.constant(bound, np.float64) for bound in self.box)
        placed = drawing.node("Min", drawing.node("Max", drawing.node("Round", wide), low), high)
        near = drawing.node(
            "Gemm", placed, drawing.constant(2 * self.rows.T, np.float64), drawing.constant(-(self.rows**2).sum(axis=1), np.float64)
        )
        best = drawing.top(near, self.neighbours)
        votes = drawing.node("Gather", drawing.constant(self.votes), best, axis=0)
        return drawing.node("ReduceMean", votes, drawing.constant([1], np.int64), keepdims=0)


def _sample(rows: int, most: int, *, seed: int) -> Labels:
    """At most `most` of `rows` row numbers, ascending."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))
