# SPDX-License-Identifier: Apache-2.0
"""The sources of every random number of one training, made from its seed.

PyTorch's own source is shared by all threads of the process, in which other candidates train: no network may draw from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Randomness:
    """`start` draws the first weights, on the CPU, so that they are the same for every device. `noise` draws what each step
    needs, on the device: which units are left out, what is added to the rows, what a generator makes something of.
    """

    start: torch.Generator
    noise: torch.Generator

    @classmethod
    def of(cls, seed: int, device: torch.device) -> Randomness:
        """Two independent sources from one seed."""
        import torch

        first, second = (int(word) for word in np.random.SeedSequence(seed).generate_state(2, np.uint64) >> np.uint64(1))
        return cls(torch.Generator().manual_seed(first), torch.Generator(device).manual_seed(second))


def check_own_randomness(network: torch.nn.Module) -> None:
    """Nothing, where no layer of the network draws from PyTorch's own source while it is trained.

    Raises:
        ValueError: one does. The recipe has to be mended; `layers.Dropout` is what it should use.
    """
    from torch import nn

    for layer in network.modules():
        share = getattr(layer, "p" if isinstance(layer, nn.modules.dropout._DropoutNd) else "dropout", 0.0)  # noqa: SLF001  # the one class above all of PyTorch's dropouts
        if isinstance(share, float) and share > 0 and type(layer).__module__.startswith("torch."):
            raise ValueError(f"{type(layer).__name__} draws from PyTorch's own source of random numbers, which threads share.")
