# SPDX-License-Identifier: Apache-2.0
"""Detectors of anomalies on real tables that scikit-learn ships, beside scikit-learn's isolation forest and local outlier factor.

Two tables: tumours (breast cancer, malignant is the anomaly) and handwritten digits (each digit in turn is normal, the nine
others are anomalies). Each division of the rows is stratified, 30 % test and 10 % validation; its seed is that of training, too.
Numbers are standardised by the training rows for all alike.

    python benchmarks/anomalies.py --divisions 5

needs `pip install 'modelward[torch]'` and takes some minutes. It prints the table of docs/explanation/anomalies.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from machine import described

from modelward.plugins import installed_versions
from modelward.training import RECIPES, Inputs
from modelward.training.recipe import configure

Scores = Callable[[Inputs, np.ndarray, str | None], np.ndarray]
CLASSES = ("anomalous", "normal")
RESAMPLES = 1000
ASKED = 0.05


@dataclass(frozen=True)
class Table:
    """Rows, of which some are anomalous."""

    rows: np.ndarray
    is_anomalous: np.ndarray


def tables() -> dict[str, list[Table]]:
    """Each experiment with the tables that it is made on."""
    from sklearn.datasets import load_breast_cancer, load_digits

    tumours, benign = load_breast_cancer(return_X_y=True)
    pixels, digits = load_digits(return_X_y=True)
    few = np.sort(np.concatenate([np.flatnonzero(benign == 1), np.flatnonzero(benign == 0)[:40]]))
    return {
        "tumours, learnt from benign ones": [Table(tumours, benign == 0)],
        "tumours, one in ten malignant, learnt from all": [Table(tumours[few], benign[few] == 0)],
        "digits, learnt from one of them": [Table(pixels, digits != digit) for digit in range(10)],
    }


def divided(table: Table, seed: int) -> tuple[Inputs, np.ndarray, np.ndarray]:
    """What is learnt from, and the test rows."""
    from sklearn.model_selection import train_test_split

    labels = np.where(table.is_anomalous, 0, 1)
    rest, test, rest_labels, test_labels = train_test_split(table.rows, labels, test_size=0.3, stratify=labels, random_state=seed)
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=1 / 7, stratify=rest_labels, random_state=seed
    )
    middle, spread = train.mean(axis=0), train.std(axis=0)
    train, validation, test = (
        ((part - middle) / np.where(spread > 0, spread, 1)).astype(np.float32) for part in (train, validation, test)
    )
    inputs = Inputs(
        train=train,
        train_labels=train_labels,
        validation=validation,
        validation_labels=validation_labels,
        classes=CLASSES,
        seed=seed,
    )
    return inputs, test, test_labels == 0


def ours(recipe: str, **parameters: Any) -> Scores:
    """The probability of the anomalous class that a recipe gives."""

    def scores(inputs: Inputs, test: np.ndarray, normal: str | None) -> np.ndarray:
        made = configure(RECIPES.load(recipe), name=recipe, parameters={**parameters, "normal": normal}).make(
            inputs, lambda *_: None
        )
        return np.asarray(made.predict(test)[:, 0])

    return scores


def learnt_from(inputs: Inputs, normal: str | None) -> np.ndarray:
    return inputs.train if normal is None else inputs.train[inputs.train_labels == CLASSES.index(normal)]


def their_forest(inputs: Inputs, test: np.ndarray, normal: str | None) -> np.ndarray:
    """Scikit-learn's isolation forest."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=200, random_state=inputs.seed).fit(learnt_from(inputs, normal))
    return np.asarray(-forest.score_samples(test))


def their_neighbours(inputs: Inputs, test: np.ndarray, normal: str | None) -> np.ndarray:
    """Scikit-learn's local outlier factor, with its twenty neighbours."""
    from sklearn.neighbors import LocalOutlierFactor

    return np.asarray(-LocalOutlierFactor(novelty=True).fit(learnt_from(inputs, normal)).score_samples(test))


OURS: dict[str, Scores] = {name: ours(name, contamination=ASKED) for name in ("isolation-forest", "autoencoder")}
CANDIDATES: dict[str, Scores] = {
    **OURS,
    "scikit-learn, IsolationForest": their_forest,
    "scikit-learn, LocalOutlierFactor": their_neighbours,
}


def areas(scores: np.ndarray, is_anomalous: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The area under the curve, and behind it those of resampled test rows."""
    from sklearn.metrics import roc_auc_score

    found = [roc_auc_score(is_anomalous, scores)]
    while len(found) <= RESAMPLES:
        rows = random.integers(0, len(scores), len(scores))
        if 0 < is_anomalous[rows].sum() < len(rows):
            found.append(roc_auc_score(is_anomalous[rows], scores[rows]))
    return np.array(found)


def measured(tables: list[Table], candidate: Scores, *, normal: str | None, divisions: int) -> tuple[float, float, float]:
    """The mean area over tables and divisions, and its 95 % interval by resampling the test rows of each."""
    found = []
    for seed in range(divisions):
        for table in tables:
            inputs, test, is_anomalous = divided(table, seed)
            found.append(areas(candidate(inputs, test, normal), is_anomalous, np.random.default_rng(seed)))
    means = np.mean(found, axis=0)
    low, high = np.quantile(means[1:], (0.025, 0.975))
    return float(means[0]), float(low), float(high)


def lines(divisions: int) -> Iterator[str]:
    yield f"| experiment | {' | '.join(CANDIDATES)} |"
    yield "|---|" + "---|" * len(CANDIDATES)
    for name, listed in tables().items():
        normal = None if "learnt from all" in name else "normal"
        cells = [measured(listed, each, normal=normal, divisions=divisions) for each in CANDIDATES.values()]
        yield f"| {name} | " + " | ".join(f"{area:.3f} ({low:.3f} to {high:.3f})" for area, low, high in cells) + " |"


def alarms(divisions: int) -> Iterator[str]:
    """How many normal test rows are called anomalous, where one in twenty should be."""
    yield f"| normal test rows called anomalous, {ASKED:.0%} asked | {' | '.join(OURS)} |"
    yield "|---|" + "---|" * len(OURS)
    for name, listed in tables().items():
        if "learnt from all" in name:
            continue
        cells = []
        for scores in OURS.values():
            called: list[np.ndarray] = []
            for seed in range(divisions):
                for table in listed:
                    inputs, test, is_anomalous = divided(table, seed)
                    called.append(scores(inputs, test, "normal")[~is_anomalous] > 0.5)  # the threshold
            every = np.concatenate(called)
            cells.append(f"{every.mean():.3f} of {len(every):,}")
        yield f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Train, score, print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--divisions", type=int, default=5, help="how often the rows are divided anew")
    given = asked.parse_args()
    print(*described().values(), installed_versions(["scikit-learn", "torch"]), sep="\n", flush=True)
    for line in chain(lines(given.divisions), [""], alarms(given.divisions)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
