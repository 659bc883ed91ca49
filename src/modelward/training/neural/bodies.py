# SPDX-License-Identifier: Apache-2.0
"""What generators and critics are made of: layers of sums for rows of a table, convolutions for images. Loads PyTorch at once.

A body of a generator draws itself in ONNX, beside what it computes here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from modelward.training.graph import Drawing
from modelward.training.neural.layers import Dropout, linear
from modelward.training.neural.shapes import halved

LEAK = 0.2


class Sums(nn.Module):
    """From noise and class [n, sizes[0]] to scores [n, sizes[-1]]."""

    def __init__(self, sizes: Sequence[int], *, start: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList(linear(*each, start=start, cuts=True) for each in itertools.pairwise(sizes))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            rows = functional.leaky_relu(layer(rows), LEAK)
        scores: torch.Tensor = last(rows)
        return scores

    def draw(self, drawing: Drawing, rows: str) -> str:
        """The same in ONNX."""
        *hidden, last = self.layers
        for layer in hidden:
            rows = drawing.node("LeakyRelu", _draw_sums(drawing, rows, layer), alpha=LEAK)
        return _draw_sums(drawing, rows, last)


class Painting(nn.Module):
    """From noise and class [n, inputs] to the scores of pixels [n, height * width * channels], row by row and their channels
    together: a small image of many channels, each side of which is doubled once a filter.
    """

    def __init__(self, inputs: int, *, filters: Sequence[int], shape: tuple[int, ...], start: torch.Generator) -> None:
        super().__init__()
        *sides, channels = shape
        self.sizes = [tuple(sides)]
        for _ in filters:
            # What is rounded up here is cut off when it is doubled.
            self.sizes.insert(0, tuple(halved(side, is_up=True) for side in self.sizes[0]))
        widths = (*reversed(filters), channels)
        self.first = linear(inputs, math.prod(self.sizes[0]) * widths[0], start=start, cuts=True)
        steps = zip(itertools.pairwise(widths), self.sizes[1:], strict=True)
        self.layers = nn.ModuleList(_doubling(*pair, sides=sides, start=start) for pair, sides in steps)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        images: torch.Tensor = self.first(rows).view(len(rows), -1, *self.sizes[0])
        for layer, (height, width) in zip(self.layers, self.sizes[1:], strict=True):
            images = layer(functional.leaky_relu(images, LEAK))[:, :, :height, :width]
        return images.permute(0, 2, 3, 1).flatten(1)

    def draw(self, drawing: Drawing, rows: str) -> str:
        """The same in ONNX."""
        images = drawing.node("Reshape", _draw_sums(drawing, rows, self.first), drawing.constant((0, -1, *self.sizes[0]), "int64"))
        for layer, sides in zip(self.layers, self.sizes[1:], strict=True):
            images = drawing.node("LeakyRelu", images, alpha=LEAK)
            parts = (drawing.constant(part.detach().numpy()) for part in layer.parameters())
            strides, pads = ([_moves(side)[at] for side in sides] for at in (1, 2))
            images = drawing.node("ConvTranspose", images, *parts, strides=strides, pads=pads * 2)
            images = drawing.node("Slice", images, *(drawing.constant(bounds, "int64") for bounds in ((0, 0), sides, (2, 3))))
        return drawing.node("Flatten", drawing.node("Transpose", images, perm=[0, 2, 3, 1]))


class Comparing(nn.Module):
    """From rows [n, sizes[0]] to what a critic sees of them [n, sizes[-1]]."""

    def __init__(self, sizes: Sequence[int], *, dropout: Dropout, start: torch.Generator) -> None:
        super().__init__()
        self.dropout, self.seen = dropout, sizes[-1]
        self.layers = nn.ModuleList(linear(*each, start=start, cuts=True) for each in itertools.pairwise(sizes))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            rows = self.dropout(functional.leaky_relu(layer(rows), LEAK))
        return rows


class Viewing(nn.Module):
    """From pixels [n, height * width * channels] to what a critic sees of an image [n, seen], each side halved once a filter."""

    def __init__(self, filters: Sequence[int], *, shape: tuple[int, ...], dropout: Dropout, start: torch.Generator) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        *sides, channels = shape
        layers = []
        for pair in itertools.pairwise((channels, *filters)):
            layers.append(_halving(*pair, sides=sides, start=start))
            sides = [halved(side) for side in sides]
        self.layers = nn.ModuleList(layers)
        self.seen = math.prod(sides) * filters[-1]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        images = rows.view(-1, *self.shape).permute(0, 3, 1, 2)
        for layer in self.layers:
            images = self.dropout(functional.leaky_relu(layer(images), LEAK))
        return images.flatten(1)


def _moves(side: int) -> tuple[int, int, int]:
    """How long a filter is along a side, by how much it moves, and how far it reaches over the edge. One of 4 that moves by 2 sees
    every pixel as often as its neighbours, and halves the side, or doubles it; a side of one pixel stays as it is.
    """
    return (1, 1, 0) if side == 1 else (4, 2, 1)


def _halving(inputs: int, outputs: int, *, sides: Sequence[int], start: torch.Generator) -> nn.Conv2d:
    """Halves images with such `sides`."""
    kernel, stride, padding = zip(*map(_moves, sides), strict=True)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, device="meta").to_empty(device="cpu")
    _begin(layer, sources=inputs * math.prod(kernel), start=start)
    return layer


def _doubling(inputs: int, outputs: int, *, sides: Sequence[int], start: torch.Generator) -> nn.ConvTranspose2d:
    """Doubles images to such `sides`."""
    kernel, stride, padding = zip(*map(_moves, sides), strict=True)
    layer = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, device="meta").to_empty(device="cpu")
    # Each pixel is a sum over a part of the filter.
    _begin(layer, sources=inputs * math.prod(kernel) // math.prod(stride), start=start)
    return layer


def _begin(layer: nn.Module, *, sources: int, start: torch.Generator) -> None:
    """He's first weights, and no bias yet."""
    weights, biases = layer.parameters()
    nn.init.normal_(weights, std=math.sqrt(2 / sources), generator=start)
    nn.init.zeros_(biases)


def _draw_sums(drawing: Drawing, rows: str, layer: nn.Module) -> str:
    weights, biases = (part.detach().numpy() for part in layer.parameters())
    return drawing.node("Gemm", rows, drawing.constant(weights.T), drawing.constant(biases))
