# SPDX-License-Identifier: Apache-2.0
"""More training rows than were collected: copies with noise, and made-up rows of a rare class. The `augment` of a spec.

It is done to prepared training rows, once, before any recipe sees them; validation and test rows are never touched. Mixup is done
anew in each step of a network, so it stands in `neural.mixing`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.recipe import FloatMatrix, Inputs, UnusableInputsError, one_thread

# Streams of random numbers, so that one change does not move what the other draws.
_NOISE, _SMOTE = 1, 2
_BLOCK_CELLS = 1 << 22


class Smote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that are made up for a class that has few."""

    class_: Annotated[str, Meta(min_length=1, description="The class that rows are made up for.")] = msgspec.field(name="class")
    times: Annotated[float, Meta(gt=1, le=100, description="How many times as many training rows it has with them.")] = 2.0
    neighbours: Annotated[
        int, Meta(ge=1, le=100, description="Among how many nearest rows of its class a row finds the other it is mixed with.")
    ] = 5


class Augment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What training rows are added, and how they are mixed."""

    noise: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="Each training row has a copy, to the numbers of which noise is added: so many standard deviations of each "
            "feature; 0 is none.",
        ),
    ] = 0.0
    smote: Annotated[Smote | None, Meta(description="Made-up rows of a rare class; none makes up none.")] = None
    mixup: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="Networks learn from weighted means of two rows and of their labels; the weight is drawn from the beta "
            "distribution with this parameter, twice. 0 is none.",
        ),
    ] = 0.0


def augmented(inputs: Inputs, asked: Augment) -> Inputs:
    """The inputs with more training rows: those that there were, those made up, and a noisy copy of each.

    Raises:
        UnusableInputsError: there is no class of that name, or it has a single training row.
    """
    learnt = inputs
    if asked.smote is not None:
        learnt = _with_made_up(learnt, asked.smote)
    if asked.noise:
        learnt = _more(learnt, _noisy(learnt, asked.noise), learnt.train_labels)
    return replace(learnt, mixup=asked.mixup)


def facts(asked: Augment, *, before: Inputs, after: Inputs) -> dict[str, Any]:
    """What a version says of it: what was asked, and how many rows were learnt from."""
    counts = {part: np.bincount(each.train_labels, minlength=len(before.classes)) for part, each in (("of", before), ("to", after))}
    rows = {name: [int(counts["of"][place]), int(counts["to"][place])] for place, name in enumerate(before.classes)}
    return {**msgspec.to_builtins(asked), "rows_of_class": rows}


def _more(inputs: Inputs, rows: FloatMatrix, labels: Any) -> Inputs:
    return replace(inputs, train=np.concatenate([inputs.train, rows]), train_labels=np.concatenate([inputs.train_labels, labels]))


def _noisy(inputs: Inputs, scale: float) -> FloatMatrix:
    """Copies of all rows with noise on their numbers, which come first among the columns. What does not vary stays as it is."""
    numbers, rows = _numbers(inputs), inputs.train.copy()
    spread = rows[:, :numbers].std(axis=0, dtype=np.float64).astype(np.float32)
    random = np.random.Generator(np.random.PCG64([inputs.seed, _NOISE]))
    rows[:, :numbers] += np.float32(scale) * spread * random.standard_normal((len(rows), numbers), dtype=np.float32)
    return rows


def _with_made_up(inputs: Inputs, asked: Smote) -> Inputs:
    """SMOTE-NC (Chawla and others, 2002): on the way from a row to one of its nearest of the same class. A category has no way in
    between, so all of them are those of the nearer end.
    """
    if asked.class_ not in inputs.classes:
        known = ", ".join(map(repr, inputs.classes[:10]))
        raise UnusableInputsError(f"data.augment.smote: there is no class {asked.class_!r}. The classes are {known}.")
    label = inputs.classes.index(asked.class_)
    own = inputs.train[inputs.train_labels == label]
    if len(own) < 2:
        raise UnusableInputsError(
            f"data.augment.smote: the class {asked.class_!r} has a single training row, and rows are made up between two. "
            "Collect more of them, or leave the key out."
        )
    count = round((asked.times - 1) * len(own))
    random = np.random.Generator(np.random.PCG64([inputs.seed, _SMOTE]))
    # Each row begins as many ways as every other, one more or less.
    first = np.resize(random.permutation(len(own)), count)
    one_thread()
    near = _nearest(own, min(asked.neighbours, len(own) - 1))
    second = near[first, random.integers(0, near.shape[1], count)]
    share = random.random((count, 1), dtype=np.float32)
    rows, numbers = np.where(share < 0.5, own[first], own[second]), _numbers(inputs)
    rows[:, :numbers] = (own[first] + share * (own[second] - own[first]))[:, :numbers]
    return _more(inputs, rows, np.full(count, label, dtype=np.int64))


def _nearest(rows: FloatMatrix, count: int) -> npt.NDArray[np.int64]:
    """The places [n, count] of the nearest other rows, from all distances, some rows at a time."""
    exact = rows.astype(np.float64)
    lengths, size = np.square(exact).sum(axis=1), max(1, _BLOCK_CELLS // len(exact))
    found = []
    for start in range(0, len(exact), size):
        block = exact[start : start + size]
        distances = lengths - 2 * block @ exact.T
        # No row is its own neighbour.
        distances[np.arange(len(block)), np.arange(start, start + len(block))] = np.inf
        found.append(np.argpartition(distances, count - 1, axis=1)[:, :count])
    return np.concatenate(found)


def _numbers(inputs: Inputs) -> int:
    """How many of the columns are numbers: they come first."""
    return inputs.width if inputs.preparation is None else len(inputs.preparation.numbers)
