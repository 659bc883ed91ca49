# SPDX-License-Identifier: Apache-2.0
"""A Transformer's encoder. Loads PyTorch at once: import it where a network is made."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from modelward.training.neural.layers import Dropout, linear
from modelward.training.neural.randomness import Randomness


class Attention(nn.Module):
    """Each place takes from all places what its question fits, several times side by side [n, places, width]."""

    def __init__(self, width: int, heads: int, *, start: torch.Generator) -> None:
        super().__init__()
        self.heads = heads
        self.asked, self.offered, self.held, self.joined = (linear(width, width, start=start, cuts=False) for _ in range(4))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        asked, offered, held = (self._apart(layer(rows)) for layer in (self.asked, self.offered, self.held))
        fits = torch.softmax(asked @ offered.transpose(2, 3) / math.sqrt(asked.shape[-1]), dim=-1)
        taken: torch.Tensor = self.joined((fits @ held).transpose(1, 2).flatten(2))
        return taken

    def _apart(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.view(*rows.shape[:2], self.heads, -1).transpose(1, 2)


class Layer(nn.Module):
    """Attention, and then two layers of sums at each place; each normalises what it takes, and adds to it."""

    def __init__(self, width: int, heads: int, *, inner: int, dropout: Dropout, start: torch.Generator) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, start=start)
        self.wide, self.narrow = linear(width, inner, start=start, cuts=True), linear(inner, width, start=start, cuts=False)
        self.dropout = dropout

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        rows = rows + self.dropout(self.attention(self.before(rows)))
        added: torch.Tensor = self.dropout(self.narrow(functional.gelu(self.wide(self.between(rows)))))
        return rows + added


class Attending(nn.Module):
    """From rows [n, places * values] to logits [n, K]. With `shape` each place is a step of so many values and learns where it
    stands; without, each column is a place of its own, with weights of its own (Gorishniy et al. 2021).
    """

    def __init__(
        self,
        shape: tuple[int, int] | None,
        *,
        columns: int,
        width: int,
        heads: int,
        layers: int,
        inner: int,
        dropout: float,
        classes: int,
        randomness: Randomness,
    ) -> None:
        super().__init__()
        start, self.shape = randomness.start, shape
        places = shape[0] if shape else columns
        self.dropout = Dropout(dropout, randomness.noise)
        self.entry = linear(shape[1], width, start=start, cuts=False) if shape else None
        self.scale = nn.Parameter(torch.zeros(0) if shape else torch.randn(places, width, generator=start) / math.sqrt(width))
        self.place = nn.Parameter(torch.randn(places, width, generator=start) / math.sqrt(width))
        self.layers = nn.ModuleList(Layer(width, heads, inner=inner, dropout=self.dropout, start=start) for _ in range(layers))
        self.normal = nn.LayerNorm(width)
        self.last = linear(width, classes, start=start, cuts=False)

    @property
    def stack(self) -> list[Layer]:
        """The layers in their order."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        rows = self.dropout(self._entered(rows))
        for layer in self.stack:
            rows = layer(rows)
        logits: torch.Tensor = self.last(self.normal(rows).mean(dim=1))
        return logits

    def _entered(self, rows: torch.Tensor) -> torch.Tensor:
        if self.entry is None or self.shape is None:
            return rows[:, :, None] * self.scale + self.place
        steps: torch.Tensor = self.entry(rows.view(-1, *self.shape))
        return steps + self.place
