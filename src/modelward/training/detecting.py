# SPDX-License-Identifier: Apache-2.0
"""What is alike in detectors of anomalies: which rows they learn from, and how a score becomes a probability.

A detector scores rows, the higher the stranger, and learns from no label. Its probability says how rare so strange a row is.
Beyond a high score the share of rows is taken to fall exponentially, a generalised Pareto tail of shape 0 (Pickands, 1975): a
score that lies `z` mean excesses beyond the threshold is reached by `contamination * exp(-z)` of the rows. The odds of the
anomalous class are contamination over that share, exp(z): one half at the threshold, ten to one where ten times fewer lie beyond.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.graph import Drawing, draw_linear, softmax
from modelward.training.recipe import FloatMatrix, Inputs, Labels, Probabilities, UnusableInputsError

Normal = Annotated[
    Annotated[str, Meta(min_length=1)] | None,
    Meta(
        description="The class whose rows alone are learnt from, and the other is anomalous; none learns from all rows, and the "
        "class that has fewer of them is anomalous."
    ),
]
Contamination = Annotated[
    float, Meta(gt=0, le=0.5, description="Share of the rows, of those that may be learnt from, to be called anomalous.")
]
ANOMALIES = ("anomalous", "normal")
"""The classes where the data has no target."""
Scores = npt.NDArray[np.float64]

# Fewer rows in the tail say little of how it falls.
_TAIL_ROWS = 10
_JUDGED_ROWS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnable:
    """The rows that a detector may look at, and the place of the anomalous class among the two."""

    train: FloatMatrix
    validation: FloatMatrix
    anomalous: int

    @property
    def held_out(self) -> FloatMatrix:
        """Rows to find a threshold by, where what was learnt from has other scores: those of validation, if they are enough."""
        return self.validation if len(self.validation) >= _JUDGED_ROWS else self.train


def learnable(inputs: Inputs, *, normal: str | None) -> Learnable:
    """The rows of the class `normal`, or all.

    Raises:
        UnusableInputsError: there are not two classes, or `normal` is neither, or nobody labelled the rows.
    """
    classes = inputs.classes
    if len(classes) != 2:
        raise UnusableInputsError(
            f"A detector of anomalies tells two classes apart, and there are {len(classes)}. Register the data with a target of "
            "two, or with none, or take a recipe that learns from labels."
        )
    if normal is None:
        return Learnable(train=inputs.train, validation=inputs.validation, anomalous=_stranger(inputs))
    if not inputs.is_labelled:
        raise UnusableInputsError(
            f"normal: {normal!r} names a class, and nobody said of what class a row is. Leave `normal` out, to learn from all rows."
        )
    if normal not in classes:
        raise UnusableInputsError(f"normal: {normal!r} is no class. Write {classes[0]!r} or {classes[1]!r}.")
    place = classes.index(normal)
    train, validation = (
        rows[labels == place]
        for rows, labels in ((inputs.train, inputs.train_labels), (inputs.validation, inputs.validation_labels))
    )
    return Learnable(train=train, validation=validation, anomalous=1 - place)


def _stranger(inputs: Inputs) -> int:
    """The class of fewer rows; where nobody labelled them, the one that has none."""
    counts: Labels = np.bincount(inputs.train_labels, minlength=2)
    return int(np.argmin(counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarity:
    """From scores [n] to probabilities [n, 2]: one half at `threshold`, and the odds are e times as high each `width` further."""

    threshold: float
    width: float
    anomalous: int

    @classmethod
    def fit(cls, scores: Scores, *, contamination: float, anomalous: int) -> Rarity:
        """Fit the tail of the highest scores, a share of `contamination` of them or ten at least.

        Where contamination is less than the tail, the threshold lies where the fitted tail has it.
        """
        ordered = np.sort(np.asarray(scores, dtype=np.float64))
        beyond = min(max(round(contamination * len(ordered)), _TAIL_ROWS), max(len(ordered) - 1, 1))
        start, tail = ordered[-beyond - 1 :][0], ordered[-beyond:]
        # Where all of the tail is one score the spread of all scores has to do.
        width = float(np.mean(tail - start)) or float(np.std(ordered)) or 1.0
        threshold = float(start) + width * math.log(beyond / len(ordered) / contamination)
        return cls(threshold=threshold, width=width, anomalous=anomalous)

    def probabilities(self, scores: npt.NDArray[np.floating[Any]]) -> Probabilities:
        """Probabilities [n, 2] of scores [n]."""
        odds = np.clip((np.asarray(scores, dtype=np.float64) - self.threshold) / self.width, -500.0, 500.0)
        high = 1.0 / (1.0 + np.exp(-odds))
        return np.stack([1.0 - high, high] if self.anomalous else [high, 1.0 - high], axis=1)

    def draw(self, drawing: Drawing, scores: str) -> str:
        """Add the same to a graph, behind scores [N, 1]."""
        sign = 1.0 if self.anomalous else -1.0
        # Subtracted first: a threshold far from 0 would round away what lies between scores.
        moved = drawing.node("Sub", scores, drawing.constant([[self.threshold]]))
        weights, biases = np.array([[sign / self.width]]), np.array([0.0])
        return softmax(drawing, draw_linear(drawing, moved, weights=weights, biases=biases))

    def note(self, inputs: Inputs, rows: Learnable, *, judged: FloatMatrix, contamination: float) -> str:
        """What was learnt from, and what the probability says; the threshold was found by the rows `judged`."""
        of = f"rows of the class {inputs.classes[1 - self.anomalous]!r}" if len(rows.train) < len(inputs.train) else "rows"
        part = "validation" if judged is rows.validation else "training"
        return (
            f"It learnt from {len(rows.train):,} {of} and from no label. The probability of {inputs.classes[self.anomalous]!r} "
            f"is one half where {contamination:.3g} of such rows score higher, by the scores of {len(judged):,} {part} rows; "
            "its odds are that share over the share of rows that score as high."
        )
