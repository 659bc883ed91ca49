# SPDX-License-Identifier: Apache-2.0
"""Many images in colour, 64 by 64: from an .npz to a trained network, with the peak of resident memory and the seconds.

Each image is noise by seed with a bright bar, standing or lying, which is its class. Each stage is carried out by the services, in
a process of its own, in a home that is thrown away.

    python benchmarks/large_images.py --images 20000 60000

prints images, seconds and peak memory of each stage: the figures of docs/explanation/large-tables.md. They take 3 GB of disk
and ten minutes. `--place` names where files lie.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7
SIDE = 64
CNN = {"channels": [8], "hidden": [], "epochs": 1, "batch_size": 256}
STAGES = ("write", "register", "cnn", "logistic-regression")
_PURPOSE = {"purpose": "measure", "owner": "benchmark"}


def write(file: Path, *, images: int) -> None:
    """So many images as arrays, not packed."""
    random = np.random.default_rng(SEED)
    pixels = random.integers(0, 100, (images, SIDE, SIDE, 3), dtype=np.uint8)
    labels = random.integers(0, 2, images)
    for image, label, at in zip(pixels, labels.tolist(), random.integers(0, SIDE - 4, images).tolist(), strict=True):
        (image if label else image.swapaxes(0, 1))[at : at + 4] = 220
    np.savez(file, images=pixels, labels=labels)


def register(file: Path, home: Path) -> dict[str, Any]:
    """From the file to the shelf: each image decoded, profiled, fingerprinted, sealed."""
    from modelward.access import local_actor
    from modelward.app import create_home, open_platform

    settings = _settings(home)
    create_home(settings)
    added = open_platform(settings).datasets.add("bars", [file], target="label", **_PURPOSE, by=local_actor())
    return {"fingerprint": added.fingerprint[:16], "rows": added.rows}


def train(recipe: str, home: Path) -> dict[str, Any]:
    """From the shelf to a version: divided, decoded, trained, drawn, compared, examined."""
    from modelward.access import local_actor
    from modelward.app import open_platform
    from modelward.training import parse_spec

    data = {"dataset": "bars", "image": "image", "split": {"by": "random", "test": 0.2, "validation": 0.1, "seed": SEED}}
    candidate = {"cnn": CNN} if recipe == "cnn" else {recipe: {"iterations": 5}}
    spec = {"model": f"of-{recipe}", "data": data, "candidates": [candidate], "seed": SEED}
    platform = open_platform(_settings(home))
    run = platform.training.train(parse_spec(json.dumps(spec)), by=local_actor())
    version = platform.registry.find(run.versions[0], by=local_actor())
    graph_digest = hashlib.sha256(platform.registry.read(version, "model.onnx")).hexdigest()
    return {"fit_seconds": round(run.candidates[0].seconds, 1), "graph": graph_digest[:16]}


def _settings(home: Path) -> Any:
    from modelward.settings import Settings

    return Settings(home=home, upload_limit_bytes=1 << 34, training_workers=1)


def stage(name: str, *, place: Path, images: int) -> dict[str, Any]:
    """What the stage took, of the whole process: from its start to its end."""
    begun, file, home = time.monotonic(), place / "bars.npz", place / "home"
    said: dict[str, Any] = {}
    if name == "write":
        write(file, images=images)
    else:
        said = register(file, home) if name == "register" else train(name, home)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"images": images, "stage": name, "seconds": round(time.monotonic() - begun, 1), "peak_mb": peak // 10**6, **said}


def main() -> None:
    """Measure each stage for each number of images, and print a line of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[20_000, 60_000])
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=STAGES)
    parser.add_argument("--place", type=Path, default=None, help="an existing folder for the files, on a disk")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        print(json.dumps(stage(given.stage, place=given.place, images=given.images[0])))
        return
    for images in given.images:
        with tempfile.TemporaryDirectory(dir=given.place) as place:
            for name in given.stages:
                command = [sys.executable, __file__, "--images", str(images), "--place", place, "--stage", name]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
