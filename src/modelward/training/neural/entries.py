# SPDX-License-Identifier: Apache-2.0
"""What makes steps of a row, for networks that read step by step; each draws itself. Loads PyTorch at once: import it where a
network is made.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from modelward.training.graph import Drawing
from modelward.training.neural.reading import Reading, step_shape
from modelward.training.recipe import Inputs

# A sequence of characters is told apart by a polynomial in this base, modulo a Mersenne prime: all products fit into 64 bits.
_BASE, _PRIME = 8191, (1 << 31) - 1
# Few texts touch a bucket, so that a step of the optimiser moves what is read of it by more than other weights.
_GAIN = 4.0


class Steps(NamedTuple):
    """Steps [n, steps, values]. `there` [n, steps, 1] is 1 up to the end of each row and 0 behind it, where values are 0; None
    where all rows are equally long.
    """

    values: torch.Tensor
    there: torch.Tensor | None


class DrawnSteps(NamedTuple):
    """The names of the same in a graph; no name where all rows are equally long."""

    values: str
    there: str


class Laid(nn.Module):
    """The steps of a sequence that lies in a table, one column a value, step by step."""

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, rows: torch.Tensor) -> Steps:
        return Steps(rows.view(-1, *self.shape), None)

    def draw(self, drawing: Drawing, rows: str) -> DrawnSteps:
        """See `DrawnSteps`."""
        return DrawnSteps(drawing.node("Reshape", rows, drawing.constant((-1, *self.shape), np.int64)), "")


class Characters(nn.Module):
    """The steps of a text, of its code points [n, characters]: each step is the sum of what stands for the sequences of characters
    that end in its window (Bojanowski et al. 2017, with a hash instead of a list).

    All begin at 0, so that what no training text held adds nothing, but where it shares a bucket.
    """

    def __init__(self, asked: Reading, inputs: Inputs) -> None:
        super().__init__()
        self.characters, self.longest, self.buckets = inputs.width, asked.longest, asked.buckets
        self.window, self.shape = asked.window(inputs.width), step_shape(asked, inputs, shape=(1, 1))
        self.scale = _GAIN / math.sqrt(self.window)
        self.table = nn.Parameter(torch.zeros(self.buckets, self.shape[1]))

    def forward(self, points: torch.Tensor) -> Steps:
        steps, width = self.shape
        filled = functional.pad(points.long(), (0, steps * self.window - self.characters))
        found = torch.stack(self._places(filled), dim=2).view(-1, self.window * self.longest)
        sums = functional.embedding_bag(found, self.table, mode="sum", padding_idx=0)
        there = filled.view(-1, steps, self.window)[:, :, :1] > 0
        return Steps(sums.view(-1, steps, width) * self.scale, there.to(sums.dtype))

    def _places(self, points: torch.Tensor) -> list[torch.Tensor]:
        """For each length the bucket of the sequence that ends at each character; 0, which is no bucket, where there is none."""
        is_there, known, found = points > 0, points, []
        for length in range(self.longest):
            if length:
                known = (functional.pad(known, (1, -1)) * _BASE + points) % _PRIME
                is_there = is_there & functional.pad(is_there, (1, -1))
            found.append(torch.where(is_there, known % (self.buckets - 1) + 1, 0))
        return found

    def draw(self, drawing: Drawing, points: str) -> DrawnSteps:
        """See `DrawnSteps`."""
        points = drawing.node("Cast", points, to=_INT64)
        beyond = self.shape[0] * self.window - self.characters
        points = drawing.node("Pad", points, drawing.constant((0, 0, 0, beyond), np.int64)) if beyond else points
        table, whole, known = drawing.constant(self.table.detach().numpy()), "", points
        for length in range(self.longest):
            if length:
                known = drawing.node("Mod", self._draw_longer(drawing, known, points), drawing.constant(_PRIME, np.int64))
            sums = self._draw_sums(drawing, known, points, table, first=length)
            whole = drawing.node("Add", whole, sums) if whole else sums
        return DrawnSteps(drawing.node("Mul", whole, drawing.constant(self.scale)), self._draw_there(drawing, points))

    def _draw_longer(self, drawing: Drawing, known: str, points: str) -> str:
        before = drawing.node("Pad", known, drawing.constant((0, 1, 0, -1), np.int64))
        return drawing.node("Add", drawing.node("Mul", before, drawing.constant(_BASE, np.int64)), points)

    def _draw_sums(self, drawing: Drawing, known: str, points: str, table: str, *, first: int) -> str:
        """The sums of one length, whose first sequence ends at the character `first`."""
        one = drawing.constant(1, np.int64)
        place = drawing.node("Add", drawing.node("Mod", known, drawing.constant(self.buckets - 1, np.int64)), one)
        # A text has no gaps, so that where it has a character it has all those before.
        is_far = np.arange(self.shape[0] * self.window) >= first
        is_there = drawing.node("Mul", drawing.node("Min", points, one), drawing.constant(is_far[None], np.int64))
        found = drawing.node("Gather", table, drawing.node("Mul", place, is_there))
        windows = drawing.node("Reshape", found, drawing.constant((-1, self.shape[0], self.window, self.shape[1]), np.int64))
        return drawing.node("ReduceSum", windows, drawing.constant([2], np.int64), keepdims=0)

    def _draw_there(self, drawing: Drawing, points: str) -> str:
        firsts = drawing.constant(np.arange(self.shape[0]) * self.window, np.int64)
        first = drawing.node("Gather", drawing.node("Min", points, drawing.constant(1, np.int64)), firsts, axis=1)
        return drawing.node("Cast", drawing.node("Unsqueeze", first, drawing.constant([2], np.int64)), to=_FLOAT)


class Measured(nn.Module):
    """The steps of a series [n, steps * (channels + 1)], of which the last number of each says whether it is there. Where there are
    too many, those of a window lie side by side.
    """

    def __init__(self, asked: Reading, inputs: Inputs) -> None:
        super().__init__()
        self.given, self.window = inputs.shape, asked.window(inputs.shape[0])
        self.shape = step_shape(asked, inputs, shape=(1, 1))
        self.beyond = self.shape[0] * self.window - self.given[0]

    def forward(self, rows: torch.Tensor) -> Steps:
        whole = functional.pad(rows.view(-1, *self.given), (0, 0, 0, self.beyond))
        windows = whole.view(-1, self.shape[0], self.window, self.given[1])
        return Steps(windows[..., :-1].flatten(2), windows[:, :, 0, -1:])

    def draw(self, drawing: Drawing, rows: str) -> DrawnSteps:
        """See `DrawnSteps`."""
        whole = drawing.node("Reshape", rows, drawing.constant((-1, *self.given), np.int64))
        if self.beyond:
            whole = drawing.node("Pad", whole, drawing.constant((0, 0, 0, 0, self.beyond, 0), np.int64))
        channels = drawing.constant(np.arange(self.given[1] - 1), np.int64)
        values = drawing.node("Gather", whole, channels, axis=2)
        values = drawing.node("Reshape", values, drawing.constant((-1, *self.shape), np.int64))
        firsts = drawing.constant(np.arange(self.shape[0]) * self.window, np.int64)
        there = drawing.node("Gather", whole, drawing.constant([self.given[1] - 1], np.int64), axis=2)
        return DrawnSteps(values, drawing.node("Gather", there, firsts, axis=1))


Entry = Laid | Characters | Measured
_INT64, _FLOAT = 7, 1


def entry_of(asked: Reading, inputs: Inputs, *, shape: tuple[int, int]) -> Entry:
    """What makes the steps of these rows; those of a table lie in the `shape`."""
    if inputs.taken == "series":
        return Measured(asked, inputs)
    return Characters(asked, inputs) if inputs.taken == "text" else Laid(shape)


def mean(steps: Steps) -> torch.Tensor:
    """The mean of the steps that are there, [n, values]; 0 where none is."""
    if steps.there is None:
        return steps.values.mean(dim=1)
    return (steps.values * steps.there).sum(dim=1) / steps.there.sum(dim=1).clamp(min=1)


def draw_mean(drawing: Drawing, steps: DrawnSteps) -> str:
    """The same, drawn."""
    places = drawing.constant([1], np.int64)
    if not steps.there:
        return drawing.node("ReduceMean", steps.values, places, keepdims=0)
    whole = drawing.node("ReduceSum", drawing.node("Mul", steps.values, steps.there), places, keepdims=0)
    count = drawing.node("Max", drawing.node("ReduceSum", steps.there, places, keepdims=0), drawing.constant(1.0))
    return drawing.node("Div", whole, count)
