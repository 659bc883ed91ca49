# SPDX-License-Identifier: Apache-2.0
"""How many training rows bear another class's label, and which.

Which: confident learning (Northcutt, Jiang and Chuang, 2021, section 3.1). A row is suspected where the reference gives another
class at least the probability that it gives that class on average over the rows that bear its label. How many: confident learning
counts rows of classes that overlap as well, on real tables more of them than wrong labels. So the share is taken where classes
overlap least, among the quarter of the rows that the reference is surest of: wrong labels are there as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelward.training.estimating import Figure, mean, share
from modelward.training.finding import Finding
from modelward.training.recipe import Labels
from modelward.training.reference import Reference

LEAST_SHARE = 0.02
"""The share below which nothing is said; the low end of the interval is asked."""
_SUREST_SHARE = 0.25
_LEAST_ROWS = 100
_NAMED = 8


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """`share` of the rows with a wrong label, seen among `surest` rows; `suspects` are places in the reference, worst first."""

    share: Figure
    surest: int
    suspects: Labels


def estimate(reference: Reference) -> LabelNoise | None:
    """The noise among the reference's rows; None where there are too few, or the reference itself knows nothing of the target."""
    if reference.rows < _LEAST_ROWS or _gain(reference).low <= 0:
        return None
    decided = reference.probabilities.argmax(axis=1)
    surest = np.argsort(-reference.probabilities.max(axis=1), kind="stable")[: max(1, round(_SUREST_SHARE * reference.rows))]
    wrong = int((decided[surest] != reference.labels[surest]).sum())
    return LabelNoise(share(wrong, of=len(surest)), len(surest), _suspects(reference))


def finding(reference: Reference, *, rows: Labels) -> Finding | None:
    """What to say before training, where the interval of the share lies above two in a hundred.

    `rows` holds where each training row stands in the dataset.
    """
    found = estimate(reference)
    if found is None or found.share.low < LEAST_SHARE:
        return None
    first = ", ".join(f"{rows[reference.places[place]] + 1}" for place in found.suspects[:_NAMED])
    return Finding(
        kind="label-noise",
        text=f"About {found.share} of the training rows seem to bear a wrong label: so many of the {found.surest:,} rows that a "
        f"quick reference is surest of bear another one. The reference is `{reference.recipe}`, cross-validated on "
        f"{reference.rows:,} of {reference.of:,} training rows drawn with seed {reference.seed}; confident learning suspects "
        f"{len(found.suspects):,} of them. Rows of classes that overlap everywhere look the same.",
        remedy=f"Look at the labels of the suspected rows, the worst first: rows {first} of the dataset. "
        "Wrong labels in the test rows make every measured accuracy wrong as well.",
    )


def _gain(reference: Reference) -> Figure:
    """By how much the reference's Brier score is lower than that of always answering the frequencies of the classes."""
    true = np.eye(reference.probabilities.shape[1])[reference.labels]
    constant, ours = (np.square(answers - true).sum(axis=1) for answers in (true.mean(axis=0), reference.probabilities))
    return mean(constant - ours, seed=reference.seed)


def _suspects(reference: Reference) -> Labels:
    """Rows whose place in the confident joint is off its diagonal, by how much less probable their own label is."""
    probabilities, labels = reference.probabilities, reference.labels
    bounds = np.full(probabilities.shape[1], np.inf)
    for label in np.unique(labels):
        bounds[label] = probabilities[labels == label, label].mean()
    likely = np.where(probabilities >= bounds, probabilities, -1.0)
    other, confidence = likely.argmax(axis=1), likely.max(axis=1)
    suspects = np.flatnonzero((confidence >= 0) & (other != labels))
    margin = probabilities[suspects, labels[suspects]] - confidence[suspects]
    return np.asarray(suspects[np.argsort(margin, kind="stable")], dtype=np.int64)
