# SPDX-License-Identifier: Apache-2.0
"""How many training rows bear another class's label, and which.

Which: confident learning (Northcutt, Jiang and Chuang, 2021, section 3.1). A row is suspected where the reference gives another
class at least the probability that it gives that class on average over the rows that bear its label. How many: confident learning
counts rows of classes that overlap as well, on real tables more of them than wrong labels. So the share is taken where classes
overlap least, among the quarter of the rows that the reference is surest of: wrong labels are there as everywhere.

Wrong labels that all go one way leave those rows alone, for the reference is surest of the classes that keep theirs. They show in
the rows that it decides for the class that lost some: there they are as frequent where it is surer as where it is less sure, and
where classes overlap they are not. Both that class and the one it lost rows to have to be recognised otherwise.
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
# Of wrong labels that go one way: what their share must pass, how even it must be, and how well classes must be recognised.
_ONE_WAY_SHARE, _EVENNESS, _RECOGNISED, _RECOGNISED_OTHER = 0.05, 0.7, 0.7, 0.5
_TIMES_THE_REST = 3
_LEAST_DECIDED = 40
_LEAST_ROWS = 100
_NAMED = 8


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """`share` of the rows with a wrong label, seen among `surest` rows; `suspects` are places in the reference, worst first. Where
    `is_one_way`, the share is of the rows that look like one class.
    """

    share: Figure
    surest: int
    suspects: Labels
    is_one_way: bool = False


def estimate(reference: Reference) -> LabelNoise | None:
    """The noise among the reference's rows; None where there are too few, or the reference itself knows nothing of the target."""
    if reference.rows < _LEAST_ROWS or _gain(reference).low <= 0:
        return None
    decided = reference.probabilities.argmax(axis=1)
    surest = np.argsort(-reference.probabilities.max(axis=1), kind="stable")[: max(1, round(_SUREST_SHARE * reference.rows))]
    wrong = int((decided[surest] != reference.labels[surest]).sum())
    return LabelNoise(share(wrong, of=len(surest)), len(surest), _suspects(reference))


def estimate_one_way(reference: Reference) -> LabelNoise | None:
    """The noise among the rows that look like one class, where they bear others evenly; None where no class has any."""
    if reference.rows < _LEAST_ROWS:
        return None
    found = [noise for label in np.unique(reference.labels) if (noise := _one_way(reference, label))]
    return max(found, key=lambda noise: noise.share.low, default=None)


def _one_way(reference: Reference, label: int) -> LabelNoise | None:
    decided = reference.probabilities.argmax(axis=1)
    surest = np.argsort(-reference.probabilities.max(axis=1), kind="stable")
    is_wrong = decided != reference.labels
    mine, rest = surest[decided[surest] == label], surest[decided[surest] != label]
    if min(len(mine), len(rest)) < _LEAST_DECIDED:
        return None
    half = len(mine) // 2
    sure, less = (share(int(is_wrong[part].sum()), of=len(part)) for part in (mine[:half], mine[half:]))
    most_elsewhere = sure.low / _TIMES_THE_REST
    if sure.low < _ONE_WAY_SHARE or less.low < LEAST_SHARE or sure.value < _EVENNESS * less.value:
        return None
    wrong = mine[is_wrong[mine]]
    other = np.bincount(reference.labels[wrong]).argmax()
    own, others = ((~is_wrong[reference.labels == each]).mean() for each in (label, other))
    if is_wrong[rest[: len(rest) // 2]].mean() > most_elsewhere or own < _RECOGNISED or others < _RECOGNISED_OTHER:
        return None
    return LabelNoise(sure, half, wrong[reference.labels[wrong] == other], is_one_way=True)


def finding(reference: Reference, *, rows: Labels) -> Finding | None:
    """What to say before training, where the interval of the share lies above two in a hundred, or above five of one class.

    `rows` holds where each training row stands in the dataset.
    """
    found = estimate(reference)
    if found is None or found.share.low < LEAST_SHARE:
        found = estimate_one_way(reference)
    return None if found is None else told(found, reference, rows=rows)


def told(found: LabelNoise, reference: Reference, *, rows: Labels) -> Finding:
    """What to say of the noise that was found."""
    said = (
        f"About {found.share} of the training rows seem to bear a wrong label: so many of the {found.surest:,} rows that a quick "
        "reference is surest of bear another one.",
        "Rows of classes that overlap everywhere look the same.",
    )
    if found.is_one_way:
        said = (
            f"About {found.share} of the training rows that look like one class seem to bear a wrong label: so many of the "
            f"{found.surest:,} that a quick reference is surest of bear another one, and as many of the others.",
            "Where no column tells why some rows of one kind are of another class, that looks the same.",
        )
    first = ", ".join(f"{rows[reference.places[place]] + 1}" for place in found.suspects[:_NAMED])
    return Finding(
        kind="label-noise",
        text=f"{said[0]} The reference is `{reference.recipe}`, cross-validated on {reference.rows:,} of {reference.of:,} training "
        f"rows drawn with seed {reference.seed}; {len(found.suspects):,} rows are suspected. {said[1]}",
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
