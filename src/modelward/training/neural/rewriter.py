# SPDX-License-Identifier: Apache-2.0
"""A Transformer that reads a text and writes another. Loads PyTorch at once: import it where a network is made.

What writes looks at what it wrote, and at what was read. What it wrote offers the same at every later unit, so it is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from modelward.training.neural.attending import Attention, Kept, Layer
from modelward.training.neural.following import Stepped
from modelward.training.neural.layers import Dropout, linear
from modelward.training.neural.randomness import Randomness
from modelward.training.neural.vocabulary import END


@dataclass(frozen=True, slots=True)
class Memory:
    """What was read, as each layer that writes sees it, and which places are hidden from it [n, 1, places]."""

    kept: list[Kept]
    hidden: torch.Tensor


class WritingLayer(nn.Module):
    """A layer that looks at what was written, then at what was read; each part normalises what it takes, and adds to it."""

    def __init__(self, width: int, heads: int, *, inner: int, dropout: Dropout, start: torch.Generator) -> None:
        super().__init__()
        self.itself = Layer(width, heads, inner=inner, dropout=dropout, start=start)
        self.across = nn.LayerNorm(width)
        self.reading = Attention(width, heads, start=start)
        self.dropout = dropout

    def forward(self, rows: torch.Tensor, written: Kept, read: Kept, hidden: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """`hidden` says what is not looked at of what was written, and of what was read."""
        own = self.itself
        return self.behind(rows + self.dropout(own.attention.look(own.before(rows), written, hidden[0])), read, hidden[1])

    def behind(self, rows: torch.Tensor, read: Kept, hidden: torch.Tensor) -> torch.Tensor:
        """What comes behind the look at what was written."""
        own = self.itself
        rows = rows + self.dropout(self.reading.look(self.across(rows), read, hidden))
        added: torch.Tensor = self.dropout(own.narrow(functional.gelu(own.wide(own.between(rows)))))
        return rows + added

    def keep(self, rows: torch.Tensor) -> Kept:
        """What written places offer to those behind them."""
        return self.itself.attention.keep(self.itself.before(rows))


class Rewriter(nn.Module):
    """From places of an alphabet [n, places], at most `places`, to units one after the other, at most `most`."""

    def __init__(
        self,
        *,
        alphabet: int,
        vocabulary: int,
        places: int,
        most: int,
        width: int,
        heads: int,
        layers: int,
        inner: int,
        dropout: float,
        randomness: Randomness,
    ) -> None:
        super().__init__()
        start, self.width, self.heads = randomness.start, width, heads

        def table(rows: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, width, generator=start) / math.sqrt(width))

        self.characters, self.pieces = table(alphabet), table(vocabulary)
        # Where a text that is cut goes on, an end is learned behind its last unit.
        self.read_at, self.written_at = table(places), table(most + 1)
        self.dropout = Dropout(dropout, randomness.noise)

        def stack(kind: type[Layer | WritingLayer]) -> nn.ModuleList:
            return nn.ModuleList(kind(width, heads, inner=inner, dropout=self.dropout, start=start) for _ in range(layers))

        self.readers, self.writers = stack(Layer), stack(WritingLayer)
        self.has_read, self.has_written = nn.LayerNorm(width), nn.LayerNorm(width)
        self.last = linear(width, vocabulary, start=start, cuts=False)

    @property
    def stacks(self) -> tuple[list[Layer], list[WritingLayer]]:
        """The layers that read and those that write, in their order."""
        reading = [layer for layer in self.readers if isinstance(layer, Layer)]
        return reading, [layer for layer in self.writers if isinstance(layer, WritingLayer)]

    def forward(self, characters: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
        """Logits [n, steps, vocabulary] of each next unit, where `units` [n, steps] are to be written: each is told after it."""
        memory, steps = self.read(characters), units.shape[1]
        before = functional.pad(units[:, :-1], (1, 0), value=END).clamp(min=END)
        rows = self.dropout(functional.embedding(before, self.pieces) + self.written_at[:steps])
        ahead = torch.ones(1, steps, steps, dtype=torch.bool, device=units.device).triu(1)
        for layer, read in zip(self.stacks[1], memory.kept, strict=True):
            rows = layer(rows, layer.keep(rows), read, (ahead, memory.hidden))
        logits: torch.Tensor = self.last(self.has_written(rows))
        return logits

    def read(self, characters: torch.Tensor) -> Memory:
        """Read texts, behind whose end nothing is looked at; of one without characters the first place is."""
        lengths = (characters != END).sum(dim=1).clamp(min=1)
        places = int(lengths.max())
        rows = self.dropout(functional.embedding(characters[:, :places], self.characters) + self.read_at[:places])
        hidden = (torch.arange(places, device=characters.device)[None] >= lengths[:, None])[:, None]
        for layer in self.stacks[0]:
            rows = layer(rows, hidden)
        rows = self.has_read(rows)
        return Memory([layer.reading.keep(rows) for layer in self.stacks[1]], hidden)

    def begin(self, memory: Memory, *, beam: int) -> list[torch.Tensor]:
        """See `following.Writer`: of each layer what is offered and held of what was written, [n, beam, heads, units, width of a
        head].
        """
        shape = len(memory.hidden), beam, self.heads, 0, self.width // self.heads
        return [torch.zeros(shape) for _ in range(2 * len(self.stacks[1]))]

    def step(self, memory: Memory, before: torch.Tensor, states: list[torch.Tensor], *, number: int) -> Stepped:
        """See `following.Writer`."""
        rows = functional.embedding(before, self.pieces) + self.written_at[number]
        after: list[torch.Tensor] = []
        for place, (layer, read) in enumerate(zip(self.stacks[1], memory.kept, strict=True)):
            pairs = zip(states[2 * place :], layer.keep(rows), strict=False)
            kept = Kept(*(torch.cat((state, new.transpose(1, 2)[:, :, :, None]), dim=3) for state, new in pairs))
            own = layer.itself
            rows = layer.behind(rows + _own(own.attention, own.before(rows), kept), read, memory.hidden)
            after += kept
        return Stepped(self.last(self.has_written(rows)), after)


def _own(attention: Attention, rows: torch.Tensor, kept: Kept) -> torch.Tensor:
    """What the newest unit of each text that is followed takes of that text alone."""
    n, beam, width = rows.shape
    flat = Kept(*(part.flatten(0, 1) for part in kept))
    return attention.look(rows.reshape(n * beam, 1, width), flat).view(n, beam, width)
