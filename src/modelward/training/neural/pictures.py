# SPDX-License-Identifier: Apache-2.0
"""A convolutional network. Loads PyTorch at once: import it where a network is made."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn

from modelward.training.neural.dense import CUTS, activated
from modelward.training.neural.layers import Dropout, convolution, linear
from modelward.training.neural.randomness import Randomness
from modelward.training.rows import Spread


class Asked(Protocol):
    """What of a recipe's parameters shapes the network."""

    @property
    def channels(self) -> Sequence[int]: ...

    @property
    def layers(self) -> int: ...

    @property
    def kernel(self) -> int: ...

    @property
    def hidden(self) -> Sequence[int]: ...

    @property
    def activation(self) -> str: ...

    @property
    def dropout(self) -> float: ...


class Block(nn.Module):
    """Convolutions of one width, each normalised and activated, and then the largest of each two by two, where there are two."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        layers: int,
        kernel: tuple[int, int],
        pool: tuple[int, int],
        activation: nn.Module,
        start: torch.Generator,
    ) -> None:
        super().__init__()
        self.pool, self.activation = pool, activation
        widths = itertools.pairwise((inputs, *[outputs] * layers))
        self.filters = nn.ModuleList(convolution(*each, kernel=kernel, start=start) for each in widths)
        self.normals = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(layers))

    @property
    def layers(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Each convolution with the normalisation behind it."""
        pairs = zip(self.filters, self.normals, strict=True)
        return [(one, other) for one, other in pairs if isinstance(one, nn.Conv2d) and isinstance(other, nn.BatchNorm2d)]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        for filters, normal in self.layers:
            rows = self.activation(_normalised(filters(rows), normal))
        return nn.functional.max_pool2d(rows, self.pool)


def _normalised(rows: torch.Tensor, normal: nn.BatchNorm2d) -> torch.Tensor:
    """The rows normalised over the batch; by what was counted before where the batch has one value of each channel only."""
    if rows.numel() > rows.shape[1]:
        found: torch.Tensor = normal(rows)
        return found
    parts = normal.running_mean, normal.running_var, normal.weight, normal.bias
    return nn.functional.batch_norm(rows, *parts, eps=normal.eps)


class Pictures(nn.Module):
    """From rows [n, height * width * channels] to logits [n, K]. `middle` and `spread` are the mean and the deviation of all
    training pixels.
    """

    middle: torch.Tensor
    spread: torch.Tensor

    def __init__(self, asked: Asked, *, shape: tuple[int, ...], classes: int, spread: Spread, randomness: Randomness) -> None:
        super().__init__()
        height, width, channels = self.shape = shape
        self.register_buffer("middle", torch.tensor(spread.mean))
        self.register_buffer("spread", torch.tensor(spread.deviation).clamp(min=1e-6))
        self.activation = activated(asked.activation)
        blocks = []
        for before, after in itertools.pairwise((channels, *asked.channels)):
            kernel = (1 if height == 1 else asked.kernel, 1 if width == 1 else asked.kernel)
            pool = (min(height, 2), min(width, 2))
            block = Block(
                before,
                after,
                layers=asked.layers,
                kernel=kernel,
                pool=pool,
                activation=self.activation,
                start=randomness.start,
            )
            blocks.append(block)
            height, width = height // pool[0], width // pool[1]
        self.blocks = nn.ModuleList(blocks)
        sizes = (height * width * asked.channels[-1], *asked.hidden, classes)
        cuts = asked.activation in CUTS
        self.sums = nn.ModuleList(linear(*each, start=randomness.start, cuts=cuts) for each in itertools.pairwise(sizes))
        self.dropout = Dropout(asked.dropout, randomness.noise)

    @property
    def stack(self) -> list[Block]:
        """The blocks in their order."""
        return [block for block in self.blocks if isinstance(block, Block)]

    @property
    def dense(self) -> list[nn.Linear]:
        """The layers of sums behind the blocks, in their order."""
        return [layer for layer in self.sums if isinstance(layer, nn.Linear)]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        rows = ((rows - self.middle) / self.spread).view(-1, *self.shape).permute(0, 3, 1, 2)
        for block in self.stack:
            rows = block(rows)
        rows = rows.flatten(1)
        *hidden, last = self.dense
        for layer in hidden:
            rows = self.activation(layer(self.dropout(rows)))
        logits: torch.Tensor = last(self.dropout(rows))
        return logits
