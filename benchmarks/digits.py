# SPDX-License-Identifier: Apache-2.0
"""Networks on handwritten digits of 8 by 8 pixels (1,797 images that scikit-learn ships), beside models that see each by itself.

Each division of the rows is stratified: a quarter is the test, and of the rest an eighth stops training early. The seed of a
division is that of training, too.

    python benchmarks/digits.py --divisions 5

needs `pip install 'modelward[torch]'` and takes some minutes. It prints the table of docs/explanation/networks.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np
from machine import described

from modelward.training import RECIPES, Inputs
from modelward.training.recipe import configure

CANDIDATES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "cnn, images changed at random": (
        "cnn",
        {"shape": [8, 8], "layers": 2, "batch_size": 64, "epochs": 40, "patience": 15, "dropout": 0.3, "shift": 1, "rotate": 8},
    ),
    "cnn": ("cnn", {"shape": [8, 8], "batch_size": 64, "epochs": 30, "patience": 10}),
    "rnn, rows of pixels as steps": ("rnn", {"shape": [8, 8], "cell": "lstm", "epochs": 40, "patience": 10}),
    "transformer, rows of pixels as steps": ("transformer", {"shape": [8, 8], "batch_size": 32, "epochs": 40, "patience": 10}),
    "mlp": ("mlp", {"batch_size": 64, "epochs": 40, "patience": 10}),
    "random-forest": ("random-forest", {}),
    "logistic-regression": ("logistic-regression", {}),
}


def divided(seed: int) -> tuple[Inputs, np.ndarray, np.ndarray]:
    """What is learnt from, and the test: pixels between -1 and 1, and labels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels / 8 - 1).astype(np.float32)
    rest, test, rest_labels, test_labels = train_test_split(pixels, labels, test_size=0.25, stratify=labels, random_state=seed)
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=0.125, stratify=rest_labels, random_state=seed
    )
    inputs = Inputs(
        train=train,
        train_labels=train_labels,
        validation=validation,
        validation_labels=validation_labels,
        classes=tuple(map(str, range(10))),
        seed=seed,
    )
    return inputs, test, test_labels


def accuracies(recipe: str, parameters: Mapping[str, Any], divisions: int) -> list[float]:
    """The test accuracy in each division."""
    found = []
    for seed in range(divisions):
        inputs, test, labels = divided(seed)
        made = configure(RECIPES.load(recipe), name=recipe, parameters=parameters).make(inputs, lambda *_: None)
        found.append(float((made.predict(test).argmax(axis=1) == labels).mean()))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--divisions", type=int, default=5)
    divisions = parser.parse_args().divisions
    print(f"{', '.join(described().values())}\n\n| candidate | test accuracy, mean | lowest | highest |\n|---|--:|--:|--:|")
    for name, (recipe, parameters) in CANDIDATES.items():
        found = accuracies(recipe, parameters, divisions)
        print(f"| {name} | {np.mean(found):.4f} | {min(found):.4f} | {max(found):.4f} |", flush=True)


if __name__ == "__main__":
    main()
