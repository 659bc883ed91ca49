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


def areas(labels: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The area under the curve of each resampling; `counts` [resamples, rows] says how often each row is in it."""
    yes, no = labels == 1, labels == 0
    wins = np.greater.outer(scores[yes], scores[no]) + 0.5 * np.equal.outer(scores[yes], scores[no])
    pairs = counts[:, yes].sum(axis=1) * counts[:, no].sum(axis=1)
    return np.asarray(((counts[:, yes] @ wins) * counts[:, no]).sum(axis=1) / pairs)


def told(found: list[tuple[np.ndarray, np.ndarray]], before: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """The mean area, and by how much it is more than before, with a paired 95 % interval by resampling the test rows."""
    now, then = [], []
    for seed, ((labels, scores), (_, earlier)) in enumerate(zip(found, before, strict=True)):
        random = np.random.default_rng(seed)
        drawn = random.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=RESAMPLES)
        counts = np.vstack([np.ones(len(labels)), drawn])
        now.append(areas(labels, scores, counts))
        then.append(areas(labels, earlier, counts))
    area, gain = np.mean(now, axis=0)[0], 100 * (np.mean(now, axis=0) - np.mean(then, axis=0))
    low, high = np.quantile(gain[1:], (0.025, 0.975))
    return f"{area:.4f}" if found is before else f"{gain[0]:+.2f} ({low:+.2f} to {high:+.2f})"


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
