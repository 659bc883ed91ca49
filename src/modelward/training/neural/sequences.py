# SPDX-License-Identifier: Apache-2.0
"""A recurrent network. Loads PyTorch at once: import it where a network is made."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from modelward.training.neural.entries import Entry, Steps, mean
from modelward.training.neural.layers import Dropout, linear, recurrent
from modelward.training.neural.randomness import Randomness

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Sequences(nn.Module):
    """From rows [n, width] to logits [n, K]: recurrent layers over the steps that `entry` makes of a row, and weighted sums of what
    they end with. What lies behind the end of a row is not read.

    `is_mean` hands on the mean over all steps, else what stands at the end of each way.
    """

    def __init__(
        self,
        entry: Entry,
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
        self.entry, self.cell, self.units = entry, cell, units
        self.is_both_ways, self.is_mean = is_both_ways, is_mean
        width = units * (1 + is_both_ways)
        self.layers = nn.ModuleList(
            recurrent(CELLS[cell], width if place else entry.shape[1], units, is_both_ways=is_both_ways, start=randomness.start)
            for place in range(layers)
        )
        self.last = linear(width, classes, start=randomness.start, cuts=False)
        self.dropout = Dropout(dropout, randomness.noise)

    @property
    def stack(self) -> list[nn.LSTM | nn.GRU]:
        """The recurrent layers in their order."""
        return [layer for layer in self.layers if isinstance(layer, nn.LSTM | nn.GRU)]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        steps: Steps = self.entry(rows)
        written, there = steps.values.transpose(0, 1), steps.there
        for layer in self.stack:
            written = _written(layer, self.dropout(written), there)
        ends = mean(Steps(written.transpose(0, 1), there)) if self.is_mean else self._ends(written, there)
        logits: torch.Tensor = self.last(self.dropout(ends))
        return logits

    def _ends(self, written: torch.Tensor, there: torch.Tensor | None) -> torch.Tensor:
        forwards, backwards = written[..., : self.units], written[0, :, self.units :]
        if there is None:
            return torch.cat((forwards[-1], backwards), dim=1)
        is_last = there - nn.functional.pad(there, (0, 0, -1, 1))
        return torch.cat(((forwards.transpose(0, 1) * is_last).sum(dim=1), backwards), dim=1)


def _written(layer: nn.LSTM | nn.GRU, steps: torch.Tensor, there: torch.Tensor | None) -> torch.Tensor:
    """What a layer writes at each step [steps, n, units of both ways]; behind the end of each row 0."""
    if there is None:
        whole: torch.Tensor = layer(steps)[0]
        return whole
    # The way back begins at the end of each row: as a way forth over turned rows it takes a sixth of the time of packed ones.
    turned, weights = _turned(there), tuple(layer.parameters())
    forth, back = weights[: len(weights) // (1 + layer.bidirectional)], weights[len(weights) // 2 :]
    ways = [_one_way(layer, steps, forth)]
    if layer.bidirectional:
        ways.append(_taken(_one_way(layer, _taken(steps, turned), back), turned))
    return torch.cat(ways, dim=2) * there.transpose(0, 1)


def _turned(there: torch.Tensor) -> torch.Tensor:
    """Where each step of each row comes from when the row is read from its end, [steps, n]; behind the end from where it stands."""
    counts, place = there.sum(dim=(1, 2)).long(), torch.arange(there.shape[1], device=there.device)[:, None]
    return torch.where(place < counts, counts - 1 - place, place)


def _taken(steps: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return steps.gather(0, places[:, :, None].expand(-1, -1, steps.shape[2]))


def _one_way(layer: nn.LSTM | nn.GRU, steps: torch.Tensor, weights: tuple[torch.Tensor, ...]) -> torch.Tensor:
    nothing = steps.new_zeros(1, steps.shape[1], layer.hidden_size)
    how: dict[str, Any] = {"has_biases": True, "num_layers": 1, "dropout": 0.0, "train": layer.training}
    how |= {"bidirectional": False, "batch_first": False}
    if isinstance(layer, nn.LSTM):
        written: torch.Tensor = torch.lstm(steps, (nothing, nothing), weights, **how)[0]
    else:
        written = torch.gru(steps, nothing, weights, **how)[0]
    return written
