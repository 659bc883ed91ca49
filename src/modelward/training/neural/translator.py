# SPDX-License-Identifier: Apache-2.0
"""A recurrent network that reads a text and writes another. Loads PyTorch at once: import it where a network is made.

What reads goes over the text both ways and keeps what it had at each character. What writes is told the unit that stands before,
asks what was kept for what fits (Luong, Pham and Manning 2015), and tells how probable each unit is next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from modelward.training.neural.following import Stepped
from modelward.training.neural.layers import Dropout, linear, recurrent
from modelward.training.neural.randomness import Randomness
from modelward.training.neural.vocabulary import END, NEVER

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


@dataclass(frozen=True, slots=True)
class Memory:
    """What was read: `kept` [n, places, 2 * units], which places are characters [n, places], and what writing begins with."""

    kept: torch.Tensor
    is_there: torch.Tensor
    start: list[torch.Tensor]


class Translator(nn.Module):
    """From places of an alphabet [n, places] to units one after the other."""

    def __init__(
        self,
        *,
        alphabet: int,
        vocabulary: int,
        cell: str,
        width: int,
        units: int,
        layers: int,
        dropout: float,
        randomness: Randomness,
    ) -> None:
        super().__init__()
        start, self.units, self.is_lstm = randomness.start, units, cell == "lstm"
        self.characters = nn.Parameter(torch.randn(alphabet, width, generator=start) / math.sqrt(width))
        self.pieces = nn.Parameter(torch.randn(vocabulary, width, generator=start) / math.sqrt(width))
        kind = CELLS[cell]
        self.readers = nn.ModuleList(
            recurrent(kind, 2 * units if place else width, units, is_both_ways=True, start=start) for place in range(layers)
        )
        self.writers = nn.ModuleList(
            recurrent(kind, units if place else width, units, is_both_ways=False, start=start) for place in range(layers)
        )
        self.bridge = linear(2 * units, layers * units * (1 + self.is_lstm), start=start, cuts=False)
        self.ask = linear(units, 2 * units, start=start, cuts=False)
        self.join = linear(3 * units, units, start=start, cuts=False)
        self.last = linear(units, vocabulary, start=start, cuts=False)
        self.dropout = Dropout(dropout, randomness.noise)

    @property
    def stacks(self) -> tuple[list[nn.LSTM | nn.GRU], list[nn.LSTM | nn.GRU]]:
        """The layers that read and those that write, in their order."""
        reading, writing = (
            [layer for layer in part if isinstance(layer, nn.LSTM | nn.GRU)] for part in (self.readers, self.writers)
        )
        return reading, writing

    def forward(self, characters: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
        """Logits [n, steps, vocabulary] of each next unit, where `units` [n, steps] are to be written: each is told after it."""
        memory = self.read(characters)
        before = functional.pad(units[:, :-1], (1, 0), value=END).clamp(min=END)
        told = self.dropout(functional.embedding(before, self.pieces))
        for layer, start in zip(self.stacks[1], self._by_layer(memory.start), strict=True):
            told, _ = layer(told.transpose(0, 1), self._given(start))
            told = self.dropout(told.transpose(0, 1))
        return self._next(told, memory)

    def read(self, characters: torch.Tensor) -> Memory:
        """Read texts, behind whose end nothing is read; of one without characters the first place is."""
        lengths = (characters != END).sum(dim=1).clamp(min=1)
        places = int(lengths.max())
        rows = self.dropout(functional.embedding(characters[:, :places], self.characters))
        for layer in self.stacks[0]:
            packed = pack_padded_sequence(rows.transpose(0, 1), lengths.cpu(), enforce_sorted=False)
            rows, _ = pad_packed_sequence(layer(packed)[0])
            rows = self.dropout(rows.transpose(0, 1))
        is_there = torch.arange(places, device=characters.device)[None] < lengths[:, None]
        mean = rows.sum(dim=1) / lengths[:, None]
        return Memory(rows, is_there, list(torch.split(torch.tanh(self.bridge(mean)), self.units, dim=1)))

    def _given(self, start: list[torch.Tensor]) -> torch.Tensor | tuple[torch.Tensor, ...]:
        rows = tuple(part[None].contiguous() for part in start)
        return rows if self.is_lstm else rows[0]

    def _next(self, told: torch.Tensor, memory: Memory) -> torch.Tensor:
        """Logits [n, k, vocabulary] from what the last layer wrote, [n, k, units]."""
        fits = self.ask(told) @ memory.kept.transpose(1, 2) / math.sqrt(2 * self.units)
        fits = torch.softmax(fits.masked_fill(~memory.is_there[:, None], NEVER), dim=-1)
        joined = torch.tanh(self.join(torch.cat((told, fits @ memory.kept), dim=2)))
        logits: torch.Tensor = self.last(self.dropout(joined))
        return logits

    def begin(self, memory: Memory, *, beam: int) -> list[torch.Tensor]:
        """See `following.Writer`."""
        return [part[:, None].expand(-1, beam, -1) for part in memory.start]

    def step(self, memory: Memory, before: torch.Tensor, states: list[torch.Tensor], *, number: int) -> Stepped:  # noqa: ARG002  # wherever it stands
        """See `following.Writer`."""
        rows, beam = before.shape
        told = functional.embedding(before, self.pieces).view(1, rows * beam, -1)
        after: list[torch.Tensor] = []
        for layer, start in zip(self.stacks[1], self._by_layer(states), strict=True):
            told, ended = layer(told, self._given([part.reshape(rows * beam, -1) for part in start]))
            after += [part.view(rows, beam, -1) for part in (ended if self.is_lstm else (ended,))]
        return Stepped(self._next(told.view(rows, beam, -1), memory), after)

    def _by_layer(self, states: list[torch.Tensor]) -> list[list[torch.Tensor]]:
        each = 1 + self.is_lstm
        return [states[at : at + each] for at in range(0, len(states), each)]
