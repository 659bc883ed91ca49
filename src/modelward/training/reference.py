# SPDX-License-Identifier: Apache-2.0
"""The reference of a run: what a quick recipe answers to training rows that it did not learn from.

It says what these rows can teach at the least, and which of them it would have labelled otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelward.training.recipe import Inputs, Labels, Made, Probabilities, Rows, Takes, configure
from modelward.training.recipes import RECIPES

FOLDS = 4
ROWS_LIMIT = 4000
_CELLS_LIMIT = 1_000_000
# Of a table both cost a fraction of a second on so few rows. The one is linear, the other is not, and the better one is believed.
_RECIPES: dict[Takes, dict[str, dict[str, Any]]] = {
    "table": {"logistic-regression": {"iterations": 200}, "knn": {}},
    "text": {"text-linear": {"longest": 3, "sequences": 5000}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Answers [m, K] of `recipe` to the training rows at `places` [m], each by one that learnt from three quarters of the others.

    `of` is how many training rows there are.
    """

    recipe: str
    places: Labels
    labels: Labels
    probabilities: Probabilities
    of: int
    seed: int

    @property
    def rows(self) -> int:
        return len(self.places)


def consult(inputs: Inputs) -> Reference | None:
    """Cross-validate the quick recipes on some training rows, drawn with the seed; None where only one class has enough."""
    places = _sample(inputs)
    classes = np.unique(inputs.train_labels[places])
    if len(classes) < 2:
        return None
    rows, labels = inputs.train[places], np.searchsorted(classes, inputs.train_labels[places])
    folds = _folds(labels, seed=inputs.seed)
    recipes = _RECIPES["text" if inputs.taken == "text" else "table"]
    answers = {name: _answers(name, parameters, rows, labels, folds) for name, parameters in recipes.items()}
    best = min(answers, key=lambda name: _brier(answers[name], labels))
    probabilities = np.zeros((len(places), len(inputs.classes)))
    probabilities[:, classes] = answers[best]
    return Reference(
        recipe=best,
        places=places,
        labels=inputs.train_labels[places],
        probabilities=probabilities,
        of=len(inputs.train_labels),
        seed=inputs.seed,
    )


def _sample(inputs: Inputs) -> Labels:
    """Up to 4,000 rows, fewer of wide ones, without the classes that some fold would lack."""
    limit = min(ROWS_LIMIT, max(100, _CELLS_LIMIT // inputs.width))
    drawn = np.random.default_rng(inputs.seed).permutation(len(inputs.train_labels))[:limit]
    counts = np.bincount(inputs.train_labels[drawn], minlength=len(inputs.classes))
    return drawn[counts[inputs.train_labels[drawn]] >= 2 * FOLDS].astype(np.int64)


def _folds(labels: Labels, *, seed: int) -> Labels:
    """The fold of each row; every class is dealt out evenly."""
    random, folds = np.random.default_rng(seed), np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        folds[random.permutation(mine)] = np.arange(len(mine)) % FOLDS
    return folds


def _answers(name: str, parameters: dict[str, Any], rows: Rows, labels: Labels, folds: Labels) -> Probabilities:
    answers = np.zeros((len(labels), int(labels.max()) + 1))
    for held, inputs in _rounds(rows, labels, folds):
        made = configure(RECIPES.load(name), name=name, parameters=parameters).make(inputs, lambda *_: None)
        assert isinstance(made, Made)
        answers[held] = made.predict(rows[held])
    return answers


def _rounds(rows: Rows, labels: Labels, folds: Labels) -> Iterator[tuple[Any, Inputs]]:
    classes = tuple(map(str, range(int(labels.max()) + 1)))
    for fold in range(FOLDS):
        held = folds == fold
        yield (
            held,
            Inputs(
                train=rows[~held], train_labels=labels[~held], validation=rows[:0], validation_labels=labels[:0], classes=classes
            ),
        )


def _brier(answers: Probabilities, labels: Labels) -> float:
    return float(np.square(answers - np.eye(answers.shape[1])[labels]).sum(axis=1).mean())
