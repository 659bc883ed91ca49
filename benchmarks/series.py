# SPDX-License-Identifier: Apache-2.0
"""Networks on series of unequal length: which of nine men spoke, by 7 to 29 steps of 12 numbers (Japanese Vowels, UCI).

    pip download --no-deps sktime==1.2.0
    python benchmarks/series.py sktime-1.2.0-py3-none-any.whl

reads the data out of the wheel and runs none of its code; needs `pip install 'modelward[torch]'` and takes some minutes. That 270
series are learnt from and 370 are the test is the data's own division; of the 270, 54 stop training early. It prints the table
of docs/explanation/networks.md.
"""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from machine import described

from modelward.registry import Feature
from modelward.training import RECIPES, Inputs
from modelward.training.preparation import Prepare
from modelward.training.recipe import configure
from modelward.training.series_preparation import SeriesPreparation

FOLDER = "sktime/datasets/data/JapaneseVowels/JapaneseVowels_{}.ts"
CANDIDATES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "rnn": ("rnn", {"batch_size": 32, "epochs": 60, "patience": 15}),
    "rnn (LSTM), dropout": ("rnn", {"cell": "lstm", "batch_size": 32, "epochs": 60, "patience": 15, "dropout": 0.3}),
    "transformer": ("transformer", {"batch_size": 32, "epochs": 60, "patience": 15}),
    "transformer, dropout": ("transformer", {"batch_size": 32, "epochs": 100, "patience": 25, "dropout": 0.2}),
    "logistic-regression, steps side by side": ("logistic-regression", {}),
}


def read(wheel: Path, part: str) -> tuple[list[np.ndarray], np.ndarray]:
    """The series of a part, [steps, 12] each, and who spoke."""
    with zipfile.ZipFile(wheel) as archive:
        lines = archive.read(FOLDER.format(part)).decode().splitlines()
    rows = [line.split(":") for line in lines if line and line[0] not in "#@"]
    series = [np.array([each.split(",") for each in row[:-1]], dtype=np.float32).T for row in rows]
    return series, np.array([int(row[-1]) - 1 for row in rows])


def accuracy(wheel: Path, recipe: str, parameters: Mapping[str, Any], *, seed: int) -> float:
    """The share of the test series whose speaker is named."""
    (series, labels), (test, test_labels) = read(wheel, "TRAIN"), read(wheel, "TEST")
    held = np.arange(len(series)) % 5 == seed % 5
    preparation = SeriesPreparation.fit("voice", [one for one, out in zip(series, held, strict=True) if not out], Prepare())
    feature = preparation.feature(nullable=False, minimum=0.0, maximum=0.0)

    def prepared(some: list[np.ndarray], feature: Feature = feature) -> np.ndarray:
        return preparation.apply({"voice": feature.sort.column([one[-preparation.length :] for one in some], feature)})

    rows = prepared(series)
    taken = "series" if recipe in {"rnn", "transformer"} else "table"
    inputs = Inputs(
        train=rows[~held],
        train_labels=labels[~held],
        validation=rows[held],
        validation_labels=labels[held],
        classes=tuple("123456789"),
        seed=seed,
        taken=taken,
        shape=preparation.shape if taken == "series" else (),
    )
    made = configure(RECIPES.load(recipe), name=recipe, parameters=parameters).make(inputs, lambda *_: None)
    return float((made.predict(prepared(test)).argmax(axis=1) == test_labels).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    print(f"{', '.join(described().values())}\n\n| candidate | test accuracy, mean | lowest | highest |\n|---|--:|--:|--:|")
    for name, (recipe, parameters) in CANDIDATES.items():
        found = [accuracy(given.wheel, recipe, parameters, seed=seed) for seed in range(given.seeds)]
        print(f"| {name} | {np.mean(found):.4f} | {min(found):.4f} | {max(found):.4f} |", flush=True)


if __name__ == "__main__":
    main()
