# SPDX-License-Identifier: Apache-2.0
"""A recurrent network. Loads PyTorch at once: import it where a network is made."""

from __future__ import annotations

import torch
from torch import nn

from modelward.training.neural.layers import Dropout, linear, recurrent
from modelward.training.neural.randomness import Randomness

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Sequences(nn.Module):
    """From rows [n, steps * values] to logits [n, K]: recurrent layers over the steps, and weighted sums of what they end with.

    `is_mean` hands on the mean over all steps, else what stands at the end of each way.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        cell: str,
        units: int,
        layers: int,
        is_both_ways: bool,
        is_mean: bool,
        dropout: float,
        classes: int,
        randomness: Randomness,
    ) -> None:
        super().__init__()
        self.shape, self.cell, self.units = shape, cell, units
        self.is_both_ways, self.is_mean = is_both_ways, is_mean
        width = units * (1 + is_both_ways)
        self.layers = nn.ModuleList(
            recurrent(CELLS[cell], width if place else shape[1], units, is_both_ways=is_both_ways, start=randomness.start)
            for place in range(layers)
        )
        self.last = linear(width, classes, start=randomness.start, cuts=False)
        self.dropout = Dropout(dropout, randomness.noise)

    @property
    def stack(self) -> list[nn.LSTM | nn.GRU]:
        """The recurrent layers in their order."""
        return [layer for layer in self.layers if isinstance(layer, nn.LSTM | nn.GRU)]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        rows = rows.view(-1, *self.shape).transpose(0, 1)
        for layer in self.stack:
            rows, _ = layer(self.dropout(rows))
        logits: torch.Tensor = self.last(self.dropout(self._end(rows)))
        return logits

    def _end(self, steps: torch.Tensor) -> torch.Tensor:
        if self.is_mean:
            return steps.mean(dim=0)
        return torch.cat((steps[-1, :, : self.units], steps[0, :, self.units :]), dim=1)
