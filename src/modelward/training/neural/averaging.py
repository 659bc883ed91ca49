# SPDX-License-Identifier: Apache-2.0
"""A running mean of weights: less noisy than the weights of the last step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Average:
    """The exponential moving average of weights, by their names.

    The decay is smaller in the first steps, (1 + t) / (10 + t), or the mean would long remember where the weights began.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], decay: float) -> None:
        self._weights = weights
        self._decay = decay
        self.means = {name: weight.detach().clone() for name, weight in weights.items()}

    def update(self, step: int) -> None:
        """Take in the weights after step `step` (from 0)."""
        import torch

        share = 1 - min(self._decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, weight in self._weights.items():
                self.means[name].lerp_(weight, share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The means stand where the weights are, for as long as the body lasts."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        for name, weight in self._weights.items():
            weight.data, self.means[name] = self.means[name], weight.data
