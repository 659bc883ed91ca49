# SPDX-License-Identifier: Apache-2.0
"""Shape functions: a model that is a sum of curves over one feature and maps over two, drawn as ONNX and written to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from modelward.training.graph import Drawing
from modelward.training.preparation import Preparation
from modelward.training.recipe import FloatMatrix
from modelward.training.trees import Tree, draw_trees

Numbers = npt.NDArray[np.float64]

SHAPES_FILE = "shapes.json"
NO_VALUE = "(missing or new)"
OTHER_VALUES = "(other)"
# Digits of a number that is written to be read; a score is off by less than one in a million.
_DIGITS = 7


class Axis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A feature of a term and its bins. A number has one bin more than `cuts`: bin i holds cuts[i-1] <= x < cuts[i], in the
    feature's own unit, a missing number being what the preparation fills in. A category has one bin for each of `values`.
    """

    feature: str
    cuts: tuple[float, ...] | None = None
    values: tuple[str, ...] | None = None

    @property
    def bins(self) -> int:
        """How many there are."""
        return len(self.cuts) + 1 if self.cuts is not None else len(self.values or ())


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """What one feature, or two together, add. `scores` and `errors` hold for each scored class a number a bin, over two axes a
    list of such lists; an error is the standard deviation of the score between the parts of the training rows it was learnt
    from. `importance` is the mean size of what the term adds to a training row.
    """

    axes: tuple[Axis, ...]
    importance: float
    scores: list[Any]
    errors: list[Any]


class Shapes(msgspec.Struct, frozen=True, kw_only=True):
    """The whole model: of a row, the score of each class in `scored` is its intercept and what every term adds, and the softmax
    of the scores is the probabilities. Of two classes only the second is scored; the other's score is 0. The most important
    term comes first.
    """

    classes: tuple[str, ...]
    scored: tuple[str, ...]
    intercept: tuple[float, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A feature as shape functions see it: a number, prepared, or the code of a category.

    It lies in `width` prepared columns from `first` on, a category perhaps `is_spread` over columns of 0 and 1. `labels` name the
    codes from -1 on, and a number has none.
    """

    name: str
    first: int
    width: int = 1
    is_spread: bool = False
    labels: tuple[str, ...] = ()
    shift: float = 0.0
    scale: float = 1.0

    @property
    def codes(self) -> range:
        """Every code it can have."""
        return range(-1, len(self.labels) - 1)

    def axis(self, cuts: Numbers) -> Axis:
        """The bins between `cuts` of prepared numbers, or of the codes."""
        if self.labels:
            return Axis(feature=self.name, values=self.labels)
        return Axis(feature=self.name, cuts=tuple(_short(cuts * self.scale + self.shift).tolist()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A trained term over the features `places`, in prepared units. `scores` and `errors` are [bins, ..., scored classes]."""

    places: tuple[int, ...]
    cuts: tuple[Numbers, ...]
    scores: Numbers
    errors: Numbers
    importance: float


def seen_features(preparation: Preparation | None, *, columns: int) -> tuple[Seen, ...]:
    """The features that the prepared columns come from; each column for itself where nobody said how they were made."""
    if preparation is None:
        return tuple(Seen(name=f"column {place + 1}", first=place) for place in range(columns))
    found = [
        Seen(name=step.name, first=place, shift=step.shift, scale=step.scale) for place, step in enumerate(preparation.numbers)
    ]
    for step in preparation.categories:
        first = found[-1].first + found[-1].width if found else 0
        labels = (NO_VALUE, *step.values, *((OTHER_VALUES,) if step.other >= 0 else ()))
        is_spread = preparation.encode == "one-hot"
        width = len(step.columns) if is_spread else 1
        found.append(Seen(name=step.name, first=first, width=width, is_spread=is_spread, labels=labels))
    return tuple(found)


def gathering(seen: Sequence[Seen]) -> tuple[FloatMatrix, FloatMatrix]:
    """Weights [prepared columns, features] and biases [features] with which prepared rows become one column a feature.

    Exact in float32: a number is taken times one, and of the columns of a category at most one is 1, the others 0.
    """
    weights = np.zeros((sum(one.width for one in seen), len(seen)), dtype=np.float32)
    biases = np.zeros(len(seen), dtype=np.float32)
    for place, one in enumerate(seen):
        weights[one.first : one.first + one.width, place] = np.arange(1, one.width + 1) if one.is_spread else 1
        biases[place] = -1 if one.is_spread else 0
    return weights, biases


def draw_shapes(drawing: Drawing, rows: str, *, seen: Sequence[Seen], shapes: Sequence[Shape], base: Numbers) -> str:
    """Add the nodes that sum all `shapes` onto `base`, the scores of all classes; their output is [N, len(base)] float32."""
    weights, biases = gathering(seen)
    if len(weights) > len(seen) or biases.any():
        rows = drawing.node("Gemm", rows, drawing.constant(weights), drawing.constant(biases))
    return draw_trees(drawing, rows, trees=[_tree(shape, classes=len(base)) for shape in shapes], base=base)


def written(shapes: Sequence[Shape], *, seen: Sequence[Seen], classes: tuple[str, ...], intercept: Numbers) -> Shapes:
    """The same to be read, in the features' own units and values."""
    return Shapes(
        classes=classes,
        scored=classes[-len(intercept) :],
        intercept=tuple(_short(intercept).tolist()),
        terms=tuple(
            Term(
                axes=tuple(seen[place].axis(cuts) for place, cuts in zip(shape.places, shape.cuts, strict=True)),
                importance=float(_short(np.array(shape.importance))),
                scores=_short(np.moveaxis(shape.scores, -1, 0)).tolist(),
                errors=_short(np.moveaxis(shape.errors, -1, 0)).tolist(),
            )
            for shape in sorted(shapes, key=lambda shape: -shape.importance)
        ),
    )


def _short(values: Numbers) -> Numbers:
    return np.array([float(f"{value:.{_DIGITS}g}") for value in values.ravel().tolist()]).reshape(values.shape)


def _tree(shape: Shape, *, classes: int) -> Tree:
    """A term as a tree that halves the bins until one is left, or until all that are left add the same."""
    nodes: list[tuple[int, float, int, int, bool, Numbers]] = []
    nothing = np.zeros(shape.scores.shape[-1])

    def grow(bounds: tuple[tuple[int, int], ...]) -> int:
        block = shape.scores[tuple(slice(*bound) for bound in bounds)].reshape(-1, len(nothing))
        number = len(nodes)
        nodes.append((0, 0.0, 0, 0, True, block[0]))
        if (block == block[0]).all():
            return number
        axis = next(place for place, (low, high) in enumerate(bounds) if high - low > 1)
        low, high = bounds[axis]
        middle = (low + high) // 2
        left = grow((*bounds[:axis], (low, middle), *bounds[axis + 1 :]))
        right = grow((*bounds[:axis], (middle, high), *bounds[axis + 1 :]))
        # A tree asks whether x <= t, and a bin begins at its cut: t is the number before it.
        before = np.nextafter(shape.cuts[axis][middle - 1], -np.inf)
        nodes[number] = (shape.places[axis], float(before), left, right, False, nothing)
        return number

    grow(tuple((0, bins) for bins in shape.scores.shape[:-1]))
    feature, threshold, left, right, is_leaf, values = (list(part) for part in zip(*nodes, strict=True))
    return Tree(
        feature=np.array(feature),
        threshold=np.array(threshold),
        left=np.array(left),
        right=np.array(right),
        is_leaf=np.array(is_leaf),
        values=np.array(values),
        first_target=classes - len(nothing),
    )
