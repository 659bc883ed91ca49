# SPDX-License-Identifier: Apache-2.0
"""A table larger than memory should have to hold: from a file to a trained model, with the peak of resident memory and the seconds.

A table is drawn by seed: six columns of numbers, one of them with gaps, four of categories, and a target of two classes that they
tell something of. Each stage is carried out by the services, in a process of its own, in a home that is thrown away. Learning has a
process of its own again: what both take together is looked at twice a second, memory that they share counted once (Linux).

    python benchmarks/large.py --rows 100000 1000000 10000000

prints rows, seconds and peak memory of each stage: the table of docs/explanation/large-tables.md. Ten million rows take about
4 GB of disk and half an hour. `--recipes` names what is trained, `--place` where files lie.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

SEED = 7
_CHUNK_ROWS = 250_000
RECIPES: dict[str, dict[str, Any]] = {
    "logistic-regression": {},
    "lightgbm": {"rounds": 50, "patience": 50},
    "mlp": {"epochs": 2, "batch_size": 4096, "learning_rate": 0.005},
}
ERASED = 'age == 33 and visits == 9 and town == "Ulm"'
TOWNS = ("Ulm", "Jena", "Gera", "Bonn", "Trier", "Essen")
PLANS = ("basic", "plus", "family", "company")
CHANNELS = ("shop", "phone", "web", "agent", "other")


def write_table(path: Path, *, rows: int, seed: int) -> None:
    """The table of so many rows as CSV; that of fewer rows is its beginning."""
    import polars as pl

    with path.open("wb") as sink:
        for number, start in enumerate(range(0, rows, _CHUNK_ROWS)):
            part = pl.DataFrame(_drawn(np.random.default_rng([seed, number])))[: rows - start]
            part.write_csv(sink, include_header=number == 0, float_precision=4)


def _drawn(random: np.random.Generator) -> dict[str, Any]:
    many = _CHUNK_ROWS
    age, income, visits = random.integers(18, 90, many), random.lognormal(10, 0.6, many), random.poisson(4, many)
    score, balance, days = random.normal(size=many), random.normal(500, 300, many), random.uniform(0, 4000, many)
    town, plan, channel = random.integers(0, 6, many), random.integers(0, 4, many), random.integers(0, 5, many)
    member = random.integers(0, 2, many)
    pull = 0.03 * (age - 50) + score - 0.4 * (visits < 3) + 0.5 * np.sin(days / 500) + 0.6 * (plan == 2) * member - 0.3 * (town < 2)
    return {
        "age": age,
        "income": income,
        "visits": visits,
        "score": np.where(random.random(many) < 0.05, None, score).tolist(),
        "balance": balance,
        "days": days,
        "town": np.array(TOWNS)[town],
        "plan": np.array(PLANS)[plan],
        "channel": np.array(CHANNELS)[channel],
        "member": member.astype(bool),
        "leaves": np.where(random.random(many) < 1 / (1 + np.exp(-pull)), "yes", "no"),
    }


def register(file: Path, home: Path) -> dict[str, Any]:
    """From the file to the shelf: read, recognised, profiled, fingerprinted, sealed."""
    from modelward.access import local_actor
    from modelward.app import create_home, open_platform

    settings = _settings(home)
    create_home(settings)
    platform = open_platform(settings)
    added = platform.datasets.add("large", [file], target="leaves", purpose="measure", owner="benchmark", by=local_actor())
    return {"fingerprint": added.fingerprint[:16], "rows": added.rows}


def train(recipe: str, home: Path) -> dict[str, Any]:
    """From the shelf to a version: split, prepared, trained, drawn, compared, examined."""
    from modelward.access import local_actor
    from modelward.app import open_platform
    from modelward.training import parse_spec

    split = {"by": "stratified", "test": 0.2, "validation": 0.1, "seed": SEED}
    candidate = {recipe: RECIPES.get(recipe, {})} if RECIPES.get(recipe) else recipe
    spec = {"model": f"of-{recipe}", "data": {"dataset": "large", "split": split}, "candidates": [candidate], "seed": SEED}
    platform = open_platform(_settings(home))
    run = platform.training.train(parse_spec(json.dumps(spec)), by=local_actor())
    version = platform.registry.find(run.versions[0], by=local_actor())
    return {"fit_seconds": round(run.candidates[0].seconds, 1), "parity": version.facts["parity"]}


def erase(home: Path) -> dict[str, Any]:
    """Somebody's rows out of the table: found, and the rest profiled and sealed anew."""
    from modelward.access import local_actor
    from modelward.app import open_platform

    platform = open_platform(_settings(home))
    erased = platform.assessment.erase("large", rows=ERASED, reason="measuring", by=local_actor())
    return {"gone": erased.erased.gone}


def _settings(home: Path) -> Any:
    from modelward.settings import Settings

    return Settings(home=home, upload_limit_bytes=1 << 34, training_workers=1)


def stage(name: str, *, file: Path, home: Path, rows: int) -> dict[str, Any]:
    """What the stage took, of the whole process: from its start to its end."""
    begun = time.monotonic()
    if name == "write":
        write_table(file, rows=rows, seed=SEED)
        said: dict[str, Any] = {"bytes": file.stat().st_size}
    else:
        said = {"register": lambda: register(file, home), "erase": lambda: erase(home)}.get(name, lambda: train(name, home))()
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    took = {"seconds": round(time.monotonic() - begun, 1), "cpu_seconds": round(used.ru_utime + used.ru_stime, 1)}
    return {"rows": rows, "stage": name, **took, "peak_mb": peak // 10**6, **said}


def watched(command: list[str]) -> dict[str, Any]:
    """What a stage says, and the peak of what it and its children took together in megabytes."""
    together = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        seen = psutil.Process(process.pid)
        while process.poll() is None:
            together = max(together, _resident(seen))
            time.sleep(0.5)
        said = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(process.returncode)
    return json.loads(said) | {"together_mb": together // 10**6}


def _resident(process: psutil.Process) -> int:
    total = 0
    with contextlib.suppress(psutil.Error):
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += each.memory_full_info().pss if sys.platform == "linux" else each.memory_info().rss
    return total


def main() -> None:
    """Measure each stage for each number of rows, and print a line of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES))
    parser.add_argument("--place", type=Path, default=None, help="an existing folder for the files, on a disk")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        file, home = given.place / "large.csv", given.place / "home"
        print(json.dumps(stage(given.stage, file=file, home=home, rows=given.rows[0])))
        return
    for rows in given.rows:
        with tempfile.TemporaryDirectory(dir=given.place) as place:
            for name in ("write", "register", *given.recipes, "erase"):
                command = [sys.executable, __file__, "--rows", str(rows), "--place", place, "--stage", name]
                print(json.dumps(watched(command)), flush=True)


if __name__ == "__main__":
    main()
