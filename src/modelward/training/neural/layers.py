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


def convolution(inputs: int, outputs: int, *, kernel: tuple[int, int], start: torch.Generator) -> nn.Conv2d:
    """A convolution with He's first weights, whose output is as large as its input; without a bias, for a normalisation follows."""
    height, width = kernel
    layer = nn.Conv2d(inputs, outputs, kernel, padding=(height // 2, width // 2), bias=False, device="meta").to_empty(device="cpu")
    nn.init.normal_(layer.weight, std=math.sqrt(2 / (inputs * height * width)), generator=start)
    return layer


def recurrent(
    kind: type[nn.LSTM | nn.GRU], inputs: int, units: int, *, is_both_ways: bool, start: torch.Generator
) -> nn.LSTM | nn.GRU:
    """One recurrent layer over [steps, n, inputs]: Glorot's weights from the inputs, orthogonal ones from step to step, no biases
    yet, but those of an LSTM's forget gates, which begin open.
    """
    layer = kind(inputs, units, bidirectional=is_both_ways, device="meta").to_empty(device="cpu")
    for name, weight in layer.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.normal_(weight, std=math.sqrt(2 / (inputs + units)), generator=start)
        elif name.startswith("weight_hh"):
            for gate in weight.data.chunk(len(weight) // units):
                nn.init.orthogonal_(gate, generator=start)
        else:
            nn.init.zeros_(weight)
            if kind is nn.LSTM and name.startswith("bias_ih"):
                nn.init.ones_(weight.data[units : 2 * units])
    return layer
