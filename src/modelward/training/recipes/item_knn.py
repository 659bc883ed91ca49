# SPDX-License-Identifier: Apache-2.0
"""Item-kNN: what is like the items of the history, by who took them. It learns in a second, and is hard to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.datasets import Neighbours, find_neighbours, step_weights
from modelward.training.chains import taken
from modelward.training.graph import INT32, INT64, Drawing, estimator
from modelward.training.recipe import Inputs, Made, Progress, Takes, one_thread
from modelward.training.recommending import (
    Seen,
    check_histories,
    draw_answer,
    draw_zeros,
    probabilities,
    repeats_note,
    without_seen,
)

# So little of its popularity is added to the score of each item: it orders those that nothing in the history is like.
_POPULARITY = 1e-6
_ROWS_AT_ONCE = 256


class ItemNeighboursParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `item-knn`."""

    seen: Seen = "exclude"
    neighbours: Annotated[int, Meta(ge=1, le=1000, description="Most items that one item speaks for.")] = 50
    shrinkage: Annotated[
        float, Meta(ge=0, le=1e6, description="Added under the fraction of the cosine: items that few took are like nothing.")
    ] = 10.0
    decay: Annotated[
        float,
        Meta(gt=0, le=1, description="What an item of the history counts for each step that it lies back; 1 counts all alike."),
    ] = 0.8


@dataclass(frozen=True, slots=True)
class ItemNeighbours:
    """Sums, over the history, the cosines between the sets of users who took two items (Sarwar et al., 2001)."""

    Parameters: ClassVar[type[ItemNeighboursParameters]] = ItemNeighboursParameters
    takes: ClassVar[Takes] = "sequence"
    parameters: ItemNeighboursParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        check_histories(inputs)
        one_thread()
        asked, known = self.parameters, len(inputs.classes)
        users, items = taken(inputs.train, inputs.train_labels, known=known)
        near = find_neighbours(users, items, known=known, many=asked.neighbours, shrinkage=asked.shrinkage)
        counts = np.bincount(inputs.train_labels, minlength=known)
        scorer = _Scorer(near, (_POPULARITY * counts / counts.sum()).astype(np.float32), asked)
        progress(1.0)
        held = int(np.count_nonzero(near.likeness))
        told = f"It holds {held:,} pairs of items that are alike, of {known:,} items."
        return Made(
            predict=scorer.predict,
            graph=lambda: estimator(
                lambda drawing, rows: scorer.draw(drawing, rows, length=inputs.width), width=inputs.width, classes=known, kind=INT32
            ),
            parameters=held,
            notes=(told, *repeats_note(inputs, seen=asked.seen)),
        )


@dataclass(frozen=True, slots=True)
class _Scorer:
    near: Neighbours
    popular: npt.NDArray[np.float32]
    asked: ItemNeighboursParameters

    def predict(self, histories: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        starts = range(0, max(len(histories), 1), _ROWS_AT_ONCE)
        return np.concatenate([self._answered(histories[at : at + _ROWS_AT_ONCE]) for at in starts])

    def _answered(self, histories: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        logits = np.log(self.near.scores(histories, decay=self.asked.decay) + self.popular)
        return probabilities(without_seen(logits, histories) if self.asked.seen == "exclude" else logits)

    def draw(self, drawing: Drawing, histories: str, *, length: int) -> str:
        known, flat = self.near.known, drawing.constant((0, -1), np.int64)
        places = drawing.node("Cast", histories, to=INT64)
        weights = drawing.constant(step_weights(length, self.asked.decay)[:, None])
        items = drawing.node("Gather", drawing.constant(self.near.items, np.int64), places, axis=0)
        likeness = drawing.node("Mul", drawing.node("Gather", drawing.constant(self.near.likeness), places, axis=0), weights)
        zeros, sides = (
            draw_zeros(drawing, histories, width=known),
            (drawing.node("Reshape", each, flat) for each in (items, likeness)),
        )
        scores = drawing.node("ScatterElements", zeros, *sides, axis=1, reduction="add")
        logits = drawing.node("Log", drawing.node("Add", scores, drawing.constant(self.popular)))
        return draw_answer(drawing, logits, histories, known=known, seen=self.asked.seen)
