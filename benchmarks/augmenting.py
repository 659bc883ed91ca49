# SPDX-License-Identifier: Apache-2.0
"""What rows that a spec adds do to what is learnt: noise of growing scale, made-up rows of a rare class, and mixup.

Noise and mixup are measured on tumours (Breast Cancer Wisconsin), made-up rows on handwritten digits of which the nines are rare,
one in ten of them kept; both ship with scikit-learn. Each division of the rows is stratified, 30 % test and 10 % validation; its
seed is that of training and of what is added. The area under the ROC curve is of the test rows, which nothing is added to.

    python benchmarks/augmenting.py --divisions 5

needs `pip install 'modelward[torch]'` and takes some minutes. It prints the tables of docs/explanation/augmentation.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np
from machine import described

from modelward.plugins import installed_versions
from modelward.training import RECIPES, Inputs
from modelward.training.augmenting import Augment, Smote, augmented
from modelward.training.recipe import configure

RECIPES_ASKED: Mapping[str, Mapping[str, Any]] = {
    "logistic-regression": {},
    "decision-tree": {},
    "random-forest": {},
    "knn": {},
    "mlp": {"batch_size": 64, "epochs": 60, "patience": 10},
}
SCALES = (0.0, 0.05, 0.1, 0.3, 1.0, 3.0)
ALPHAS = (0.0, 0.2, 1.0)
TIMES = (1.0, 3.0, 9.0)
RESAMPLES = 1000
Tables = tuple[np.ndarray, np.ndarray]


def tumours() -> Tables:
    from sklearn.datasets import load_breast_cancer

    rows, labels = load_breast_cancer(return_X_y=True)
    return rows, labels


def rare_nines() -> Tables:
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    kept = np.sort(np.concatenate([np.flatnonzero(digits != 9), np.flatnonzero(digits == 9)[:60]]))  # the nines
    return pixels[kept], (digits[kept] == 9).astype(np.int64)  # the nines


def divided(table: Tables, seed: int) -> tuple[Inputs, np.ndarray, np.ndarray]:
    """What is learnt from, standardised by the training rows, and the test."""
    from sklearn.model_selection import train_test_split

    rest, test, rest_labels, test_labels = train_test_split(*table, test_size=0.3, stratify=table[1], random_state=seed)
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=1 / 7, stratify=rest_labels, random_state=seed
    )
    middle, spread = train.mean(axis=0), train.std(axis=0)
    parts = (((part - middle) / np.where(spread > 0, spread, 1)).astype(np.float32) for part in (train, validation, test))
    train, validation, test = parts
    inputs = Inputs(
        train=train,
        train_labels=train_labels,
        validation=validation,
        validation_labels=validation_labels,
        classes=("0", "1"),
        seed=seed,
    )
    return inputs, test, test_labels


def answers(table: Tables, recipe: str, asked: Augment, divisions: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The labels and the answers of each division's test rows."""
    found = []
    for seed in range(divisions):
        inputs, test, labels = divided(table, seed)
        made = configure(RECIPES.load(recipe), name=recipe, parameters=dict(RECIPES_ASKED[recipe]))
        found.append((labels, np.asarray(made.make(augmented(inputs, asked), lambda *_: None).predict(test)[:, 1])))
    return found


def told(found: list[tuple[np.ndarray, np.ndarray]], before: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """The mean area, and by how much it is more than before, with a paired 95 % interval by resampling the test rows."""
    from sklearn.metrics import roc_auc_score

    area = np.mean([roc_auc_score(*each) for each in found])
    if found is before:
        return f"{area:.4f}"
    gains = []
    for seed in range(RESAMPLES):
        random, drawn = np.random.default_rng(seed), []
        for (labels, now), (_, then) in zip(found, before, strict=True):
            rows = random.integers(0, len(labels), len(labels))
            if 0 < labels[rows].sum() < len(rows):
                drawn.append(roc_auc_score(labels[rows], now[rows]) - roc_auc_score(labels[rows], then[rows]))
        gains.append(np.mean(drawn))
    low, high = np.quantile(gains, (0.025, 0.975))
    gain = area - np.mean([roc_auc_score(*each) for each in before])
    return f"{100 * gain:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})"


def print_table(title: str, table: Tables, changes: Mapping[str, Augment], recipes: list[str], divisions: int) -> None:
    print(f"\n| {title} | {' | '.join(changes)} |\n|---|{'---|' * len(changes)}", flush=True)
    for recipe in recipes:
        found = [answers(table, recipe, each, divisions) for each in changes.values()]
        print(f"| {recipe} | {' | '.join(told(each, found[0]) for each in found)} |", flush=True)


def main() -> None:
    """Train, ask, print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--divisions", type=int, default=5, help="how often the rows are divided anew")
    given = asked.parse_args()
    print(*described().values(), installed_versions(["scikit-learn", "torch"]), sep="\n", flush=True)
    every = list(RECIPES_ASKED)
    noise = {f"noise {scale:g}": Augment(noise=scale) for scale in SCALES}
    print_table("noise, tumours", tumours(), noise, every, given.divisions)
    print_table("mixup, tumours", tumours(), {f"mixup {each:g}": Augment(mixup=each) for each in ALPHAS}, ["mlp"], given.divisions)
    made_up = {f"times {each:g}": Augment(smote=Smote(class_="1", times=each) if each > 1 else None) for each in TIMES}
    print_table("smote, rare nines", rare_nines(), made_up, every, given.divisions)


if __name__ == "__main__":
    main()
