# SPDX-License-Identifier: Apache-2.0
"""Families of models side by side on the census data of 1994 (Adult), as `modelward train` makes them and `assess` measures them.

LightGBM is tuned by a random search whose trials are judged by the validation rows alone; what it finds is one more candidate. All
are trained by the services, in a home that is thrown away, and measured on the same test rows, which the search never saw.

    python benchmarks/families.py --seed 7 --trials 40

needs `pip install 'modelward[boosting,glass]'` and takes some minutes. It prints the table of docs/explanation/families.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from machine import described

from modelward.access import local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.assessment import Clause, Objective
from modelward.datasets import SAMPLES, fetch_sample
from modelward.plugins import installed_versions
from modelward.settings import read_settings
from modelward.training import RECIPES, Inputs, parse_spec
from modelward.training.material import gather

Candidates = Mapping[str, tuple[str, Mapping[str, Any]]]
REFERENCES = ("lightgbm, tuned", "gradient-boosting")
FAMILIES: Candidates = {
    "logistic-regression": ("logistic-regression", {}),
    "gradient-boosting": ("gradient-boosting", {}),
    "lightgbm": ("lightgbm", {}),
    "ebm": ("ebm", {}),
    "ebm, curves alone": ("ebm", {"interactions": 0}),
}


def text_of(candidates: Candidates, *, seed: int) -> str:
    """The spec that trains them all. JSON is YAML."""
    split = {"by": "stratified", "test": 0.2, "validation": 0.1, "seed": seed}
    listed = [{recipe: dict(given)} if given else recipe for recipe, given in candidates.values()]
    return json.dumps({"model": "income", "data": {"dataset": "adult", "split": split}, "candidates": listed, "seed": seed})


def drawn(random: np.random.Generator) -> dict[str, Any]:
    """One trial: settings of LightGBM from the ranges that people search."""
    return {
        "rounds": 3000,
        "learning_rate": round(float(10 ** random.uniform(-2, -0.7)), 4),
        "max_leaf_nodes": int(random.integers(8, 128)),
        "min_samples_leaf": int(random.integers(5, 200)),
        "l1": round(float(10 ** random.uniform(-3, 1)), 4),
        "l2": round(float(10 ** random.uniform(-3, 1.5)), 4),
        "max_features": round(float(random.uniform(0.2, 1.0)), 3),
        "max_samples": round(float(random.uniform(0.5, 1.0)), 3),
        "max_bins": int(random.choice([63, 127, 255, 511])),
        "patience": 100,
    }


def search(inputs: Inputs, *, trials: int, seed: int) -> dict[str, Any]:
    """The settings with the largest area under the curve over the validation rows."""
    from sklearn.metrics import roc_auc_score

    random, recipe = np.random.default_rng(seed), RECIPES.load("lightgbm")
    best: tuple[float, dict[str, Any]] = (0.0, {})
    for number in range(trials):
        given = drawn(random)
        made = recipe(recipe.Parameters(**given)).make(inputs, lambda _share: None)
        area = float(roc_auc_score(inputs.validation_labels, made.predict(inputs.validation)[:, 1]))
        best = max(best, (area, given), key=lambda one: one[0])
        print(f"trial {number + 1} of {trials}: {area:.5f} on the validation rows, best {best[0]:.5f}", flush=True)
    return best[1]


def furnish(folder: Path) -> Platform:
    """A new home with the sample in it."""
    settings = read_settings(home=folder / ".modelward")
    create_home(settings)
    platform, sample = open_platform(settings), SAMPLES["adult"]
    platform.datasets.add(
        sample.name,
        [fetch_sample(sample.name, folder)],
        target=sample.target,
        positive=sample.positive,
        sensitive=sample.sensitive,
        purpose=sample.purpose,
        owner=sample.owner,
        by=local_actor(),
    )
    return platform


def inputs_of(platform: Platform, *, seed: int) -> Inputs:
    """What every candidate learns from."""
    spec, by = parse_spec(text_of(FAMILIES, seed=seed)), local_actor()
    table = platform.datasets.table("adult", by=by, purpose="search settings by the validation rows")
    return gather(spec, platform.datasets.show("adult", by=by), table).inputs


def behind(platform: Platform, version: str, reference: str) -> str:
    """How far a version's area under the curve is behind a reference's, in points, over the rows that both were measured on."""
    if version == reference:
        return "–"
    objective = Objective(metric="roc_auc", prefer="best")
    rows = platform.assessment.compare([version, reference], objective=objective, by=local_actor()).rows
    worse = next(row for row in rows if row.version != rows[0].version)
    sign = 1 if worse.version == version else -1
    low, high = sorted(100 * sign * (bound or 0.0) for bound in (worse.behind_low, worse.behind_high))
    return f"{100 * sign * worse.behind:+.2f} ({low:+.2f} to {high:+.2f})"


def told(clause: Clause | None) -> str:
    assert clause is not None
    assert clause.estimate is not None
    return f"{clause.estimate:.4f} ({clause.low:.4f} to {clause.high:.4f})"


def measured(platform: Platform, candidates: Candidates, *, seed: int) -> None:
    """Train them, assess them, and print the table."""
    by = local_actor()
    run = platform.training.train(parse_spec(text_of(candidates, seed=seed)), by=by)
    if run.unfinished:
        raise SystemExit(run.message)
    versions = dict(zip(candidates, run.versions, strict=True))
    print(
        "\n| family | test AUC | test accuracy | " + " | ".join(f"behind {name}, points of AUC" for name in REFERENCES), end=" | "
    )
    print("model file | CPU time of training |\n|---|---|---|---|---|---|---|")
    for name, version in versions.items():
        report = platform.assessment.assess(version, only=["quality", "latency", "size"], by=by)
        facts = platform.registry.find(version, by=by).facts
        size = report.clause("size.model_bytes")
        assert size is not None
        cells = [name, *(told(report.clause(f"quality.{metric}")) for metric in ("roc_auc", "accuracy"))]
        cells += [behind(platform, version, versions[reference]) for reference in REFERENCES]
        cells += [f"{(size.estimate or 0) / 1e3:.0f} KB", f"{facts['cpu_seconds']:.1f} s"]
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\n{report.rows:,} test rows; tuned: {dict(candidates[REFERENCES[0]][1])}")


def main() -> None:
    """Search, train, measure, print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, default=7, help="of the split, the search and the training")
    asked.add_argument("--trials", type=int, default=40, help="settings of LightGBM that are tried")
    given = asked.parse_args()
    print(*described().values(), installed_versions(["scikit-learn", "lightgbm", "interpret-core"]), sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        platform = furnish(Path(folder))
        try:
            tuned = search(inputs_of(platform, seed=given.seed), trials=given.trials, seed=given.seed)
            measured(platform, {**FAMILIES, REFERENCES[0]: ("lightgbm", tuned)}, seed=given.seed)
        finally:
            platform.close()


if __name__ == "__main__":
    main()
