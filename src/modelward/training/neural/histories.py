# SPDX-License-Identifier: Apache-2.0
"""A network that says what comes next in a history. Loads PyTorch at once: import it where a network is made."""

from __future__ import annotations

import math

import torch
from torch import nn

from modelward.training.neural.attending import Layer
from modelward.training.neural.layers import Dropout
from modelward.training.neural.randomness import Randomness

_EMBEDDING_SPREAD = 0.02


class Histories(nn.Module):
    """From histories [n, length], codes 0 (nothing), 1 to K, and K + 1 (an item that is not known), to the logits [n, K] of
    the item that comes next.

    SASRec (Kang and McAuley, 2018): each place looks at itself and at the items before it, and what it makes of them is compared
    with the items themselves, whose numbers are those that a history is read with. A place of nothing has no position, so that
    what stands before the first item is the same wherever it is: it says what is taken first. While it is trained, a share
    `forgotten` of the items is read as not known, by which the network learns what to make of those.
    """

    ahead: torch.Tensor

    def __init__(
        self,
        *,
        known: int,
        length: int,
        width: int,
        heads: int,
        layers: int,
        inner: int,
        dropout: float,
        forgotten: float,
        randomness: Randomness,
    ) -> None:
        super().__init__()
        start, self.known, self.forgotten, self.noise = randomness.start, known, forgotten, randomness.noise
        self.items = nn.Parameter(_EMBEDDING_SPREAD * torch.randn(known + 2, width, generator=start))
        self.place = nn.Parameter(_EMBEDDING_SPREAD * torch.randn(length, width, generator=start))
        self.bias = nn.Parameter(torch.zeros(known))
        self.dropout = Dropout(dropout, randomness.noise)
        self.layers = nn.ModuleList(Layer(width, heads, inner=inner, dropout=self.dropout, start=start) for _ in range(layers))
        self.normal = nn.LayerNorm(width)
        self.register_buffer("ahead", torch.ones(length, length, dtype=torch.bool).triu(1), persistent=False)

    @property
    def scale(self) -> float:
        """What the numbers of an item are multiplied by where a history is read, so that positions do not drown them."""
        return math.sqrt(self.items.shape[1])

    @property
    def stack(self) -> list[Layer]:
        """The layers in their order."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    def forward(self, histories: torch.Tensor) -> torch.Tensor:
        return self._compared(self._read(histories)[:, -1])

    def everywhere(self, histories: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """The logits behind each of `places`, true [n, length], in their order [m, K]."""
        return self._compared(self._read(histories)[places])

    def _read(self, histories: torch.Tensor) -> torch.Tensor:
        nothing = histories == 0
        if self.training and self.forgotten:
            drawn = torch.empty(histories.shape, device=histories.device).uniform_(generator=self.noise)
            histories = torch.where((drawn < self.forgotten) & ~nothing, self.known + 1, histories)
        rows = self.items[histories] * self.scale + self.place * ~nothing[:, :, None]
        itself = torch.eye(histories.shape[1], dtype=torch.bool, device=histories.device)
        hidden = (nothing[:, None, :] & ~itself) | self.ahead
        rows = self.dropout(rows)
        for layer in self.stack:
            rows = layer(rows, hidden)
        read: torch.Tensor = self.normal(rows)
        return read

    def _compared(self, read: torch.Tensor) -> torch.Tensor:
        return read @ self.items[1 : self.known + 1].T + self.bias
