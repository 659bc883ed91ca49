# SPDX-License-Identifier: Apache-2.0
"""A Transformer's encoder. Loads PyTorch at once: import it where a network is made."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from modelward.training.neural.entries import Entry, Steps, mean
from modelward.training.neural.layers import Dropout, linear
from modelward.training.neural.randomness import Randomness

HIDDEN = -1e9
"""How well a place that is not looked at fits."""


class Kept(NamedTuple):
    """What places offer, and what is taken where that fits, each [n, heads, places, width of a head]."""

    offered: torch.Tensor
    held: torch.Tensor


class Attention(nn.Module):
    """Each place takes from all places what its question fits, several times side by side [n, places, width].

    `hidden`, true [n, places, places] or a shape that spreads to it, says which places (last) a place (before) does not look at;
    each looks at one at least.
    """

    def __init__(self, width: int, heads: int, *, start: torch.Generator) -> None:
        super().__init__()
        self.heads = heads
        self.asked, self.offered, self.held, self.joined = (linear(width, width, start=start, cuts=False) for _ in range(4))

    def forward(self, rows: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        return self.look(rows, self.keep(rows), hidden)

    def keep(self, rows: torch.Tensor) -> Kept:
        """What places offer to those that look at them."""
        return Kept(*(self._apart(layer(rows)) for layer in (self.offered, self.held)))

    def look(self, rows: torch.Tensor, kept: Kept, hidden: torch.Tensor | None = None) -> torch.Tensor:
        """What each place takes of others; `hidden` is [n, places, other places]."""
        asked, (offered, held) = self._apart(self.asked(rows)), kept
        fits = asked @ offered.transpose(2, 3) / math.sqrt(asked.shape[-1])
        if hidden is not None:
            fits = fits.masked_fill(hidden[:, None], HIDDEN)
        taken: torch.Tensor = self.joined((torch.softmax(fits, dim=-1) @ held).transpose(1, 2).flatten(2))
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

    def forward(self, rows: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        rows = rows + self.dropout(self.attention(self.before(rows), hidden))
        added: torch.Tensor = self.dropout(self.narrow(functional.gelu(self.wide(self.between(rows)))))
        return rows + added


class Attending(nn.Module):
    """From rows [n, width] to logits [n, K]. With an `entry` each place is a step of what it makes of a row, and learns where it
    stands; no place looks behind the end of a row. Without, each column is a place of its own, with weights of its own (Gorishniy
    et al. 2021).
    """

    def __init__(
        self,
        entry: Entry | None,
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
        start, self.entry = randomness.start, entry
        places = entry.shape[0] if entry else columns
        self.dropout = Dropout(dropout, randomness.noise)
        self.entered = linear(entry.shape[1], width, start=start, cuts=False) if entry else None
        self.scale = nn.Parameter(torch.zeros(0) if entry else torch.randn(places, width, generator=start) / math.sqrt(width))
        self.place = nn.Parameter(torch.randn(places, width, generator=start) / math.sqrt(width))
        self.layers = nn.ModuleList(Layer(width, heads, inner=inner, dropout=self.dropout, start=start) for _ in range(layers))
        self.normal = nn.LayerNorm(width)
        self.last = linear(width, classes, start=start, cuts=False)

    @property
    def stack(self) -> list[Layer]:
        """The layers in their order."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        places, there = self._placed(rows)
        places, hidden = self.dropout(places), None if there is None else (there == 0).transpose(1, 2)
        for layer in self.stack:
            places = layer(places, hidden)
        logits: torch.Tensor = self.last(mean(Steps(self.normal(places), there)))
        return logits

    def _placed(self, rows: torch.Tensor) -> Steps:
        if self.entry is None or self.entered is None:
            return Steps(rows[:, :, None] * self.scale + self.place, None)
        steps: Steps = self.entry(rows)
        return Steps(self.entered(steps.values) + self.place, steps.there)
