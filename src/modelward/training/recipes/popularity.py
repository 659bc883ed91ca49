# SPDX-License-Identifier: Apache-2.0
"""Popularity: everybody is recommended what most people take. What another recommender has to be better than."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta

from modelward.training.graph import INT32, Drawing, estimator
from modelward.training.recipe import Inputs, Made, Probabilities, Progress, Rows, Takes
from modelward.training.recommending import (
    Seen,
    check_histories,
    draw_answer,
    draw_zeros,
    probabilities,
    repeats_note,
    without_seen,
)


class PopularityParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `popularity`."""

    seen: Seen = "exclude"
    smoothing: Annotated[float, Meta(ge=0, le=1e6, description="Added to how often each item was taken.")] = 0.0


@dataclass(frozen=True, slots=True)
class Popularity:
    """The probability of an item is its share of the training interactions, among the items that are not left out."""

    Parameters: ClassVar[type[PopularityParameters]] = PopularityParameters
    takes: ClassVar[Takes] = "sequence"
    parameters: PopularityParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        check_histories(inputs)
        seen, known = self.parameters.seen, len(inputs.classes)
        counts = np.bincount(inputs.train_labels, minlength=known) + self.parameters.smoothing
        logits = np.log(counts / counts.sum()).astype(np.float32)[None]

        def predict(histories: Rows) -> Probabilities:
            alike = np.repeat(logits, len(histories), axis=0)
            return probabilities(without_seen(alike, histories) if seen == "exclude" else alike)

        def draw(drawing: Drawing, histories: str) -> str:
            alike = drawing.node("Add", draw_zeros(drawing, histories, width=known), drawing.constant(logits))
            return draw_answer(drawing, alike, histories, known=known, seen=seen)

        told = f"The most popular of {known:,} items has {counts.max() / counts.sum():.1%} of the interactions."
        progress(1.0)
        return Made(
            predict=predict,
            graph=lambda: estimator(draw, width=inputs.width, classes=known, kind=INT32),
            parameters=known,
            notes=(told, *repeats_note(inputs, seen=seen)),
        )
