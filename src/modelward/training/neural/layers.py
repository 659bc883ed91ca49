# SPDX-License-Identifier: Apache-2.0
"""Layers and first weights whose random numbers come from a source of their own.

Unlike its neighbours this file loads PyTorch at once, for classes of networks need it: import it where a network is made.
"""

from __future__ import annotations

import math

import torch
from torch import nn


class Dropout(nn.Module):
    """Leaves out a share of its inputs, while it is trained."""

    def __init__(self, share: float, noise: torch.Generator) -> None:
        super().__init__()
        self._stays = 1.0 - share
        self._noise = noise

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        if not self.training or self._stays == 1.0:
            return rows
        mask = torch.empty_like(rows).bernoulli_(self._stays, generator=self._noise)
        return rows * mask.div_(self._stays)


def linear(inputs: int, outputs: int, *, start: torch.Generator, cuts: bool) -> nn.Linear:
    """A layer of weighted sums with He's first weights where what follows cuts (such as ReLU), else Glorot's; no bias yet."""
    # On no device the layer draws no weights of its own.
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    spread = math.sqrt(2 / inputs if cuts else 2 / (inputs + outputs))
    nn.init.normal_(layer.weight, std=spread, generator=start)
    nn.init.zeros_(layer.bias)
    return layer
