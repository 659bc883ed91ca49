# SPDX-License-Identifier: Apache-2.0
"""Where the loop gets its batches from. Which rows make up a batch follows from the seed and the epoch alone, so that a training
goes on in the middle of an epoch without having kept anything of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np

from modelward.training.rows import UnmadeRows

if TYPE_CHECKING:
    import torch

Batch = tuple["torch.Tensor", ...]
"""Tensors that belong together. The first dimension of each counts the rows, and each has as many."""


class Batches(Protocol):
    """Rows to learn from, or to judge by, in batches. They may come from memory or, as they are asked for, from a disk."""

    @property
    def steps(self) -> int:
        """Batches in an epoch, the same number in each."""
        ...

    def epoch(self, number: int, *, first: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` (from 1), from batch `first` (from 0) on; on the CPU or where they are trained with.

        Equal numbers MUST give equal batches, each time and in each process, wherever the iterator begins.
        """
        ...


class ArrayBatches:
    """Batches of tensors that lie in memory, and of `UnmadeRows` that are made batch by batch.

    `size` 0 means one batch of all rows. With a `seed` each epoch shuffles them anew, without one they come in their order.
    """

    def __init__(self, *parts: torch.Tensor | UnmadeRows, size: int, seed: int | None = None) -> None:
        self._parts = parts
        self._rows = len(parts[0])
        self._size = min(size or self._rows, self._rows)
        self._seed = seed

    @property
    def steps(self) -> int:
        """See `Batches.steps`."""
        return -(-self._rows // self._size)

    def epoch(self, number: int, *, first: int = 0) -> Iterator[Batch]:
        """See `Batches.epoch`."""
        if self._seed is None or self.steps == 1:
            for places in self._slices(first):
                yield tuple([_taken(part, places) for part in self._parts])
            return
        import torch

        for rows in torch.split(self._order(self._seed, number), self._size)[first:]:
            yield tuple([_taken(part, rows) for part in self._parts])

    def _slices(self, first: int) -> Iterator[slice]:
        return (slice(at, at + self._size) for at in range(first * self._size, self._rows, self._size))

    def _order(self, seed: int, number: int) -> torch.Tensor:
        import torch

        order = np.random.Generator(np.random.PCG64([seed, number])).permutation(self._rows)
        return torch.from_numpy(order).to(next(part.device for part in self._parts if not isinstance(part, UnmadeRows)))


def _taken(part: torch.Tensor | UnmadeRows, rows: slice | torch.Tensor) -> torch.Tensor:
    import torch

    if isinstance(part, UnmadeRows):
        return torch.from_numpy(part[rows if isinstance(rows, slice) else rows.numpy()])
    return part[rows] if isinstance(rows, slice) else part.index_select(0, rows)
