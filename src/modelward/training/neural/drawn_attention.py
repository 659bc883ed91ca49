# SPDX-License-Identifier: Apache-2.0
"""Layers of attention, drawn in ONNX."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from modelward.training.graph import Drawing
    from modelward.training.neural.attending import Attention, Layer


def draw_layer(layer: Layer, drawing: Drawing, rows: str, *, behind: str = "") -> str:
    """What a layer makes of `rows`. `behind` is added to how well places fit, [N, 1, places, places]."""
    before = draw_normal(layer.before, drawing, rows)
    attended = draw_look(layer.attention, drawing, before, draw_kept(layer.attention, drawing, before), behind=behind)
    rows = drawing.node("Add", rows, attended)
    inner = drawing.node("Gelu", draw_sums(layer.wide, drawing, draw_normal(layer.between, drawing, rows)))
    return drawing.node("Add", rows, draw_sums(layer.narrow, drawing, inner))


@dataclass(frozen=True, slots=True)
class DrawnKept:
    """The names of what places offer, [N, heads, width of a head, places], and of what is taken where that fits, turned."""

    offered: str
    held: str


def draw_kept(attention: Attention, drawing: Drawing, rows: str) -> DrawnKept:
    """See `Attention.keep`."""
    offered = _apart(attention, drawing, draw_sums(attention.offered, drawing, rows), perm=[0, 2, 3, 1])
    return DrawnKept(offered, _apart(attention, drawing, draw_sums(attention.held, drawing, rows), perm=[0, 2, 1, 3]))


def draw_look(attention: Attention, drawing: Drawing, rows: str, kept: DrawnKept, *, behind: str) -> str:
    """See `Attention.look`. `behind` is added to how well places fit."""
    asked = _apart(attention, drawing, draw_sums(attention.asked, drawing, rows), perm=[0, 2, 1, 3])
    taken = draw_taken(attention, drawing, asked, kept, behind=behind)
    beside = drawing.node("Reshape", drawing.node("Transpose", taken, perm=[0, 2, 1, 3]), drawing.constant((0, 0, -1), np.int64))
    return draw_sums(attention.joined, drawing, beside)


def draw_taken(attention: Attention, drawing: Drawing, asked: str, kept: DrawnKept, *, behind: str) -> str:
    """What is taken where what is `asked` [..., places, width of a head] fits."""
    share = drawing.constant(math.sqrt(attention.asked.out_features // attention.heads))
    fits = drawing.node("Div", drawing.node("MatMul", asked, kept.offered), share)
    if behind:
        fits = drawing.node("Add", fits, behind)
    return drawing.node("MatMul", drawing.node("Softmax", fits, axis=-1), kept.held)


def _apart(attention: Attention, drawing: Drawing, rows: str, *, perm: list[int]) -> str:
    shape = (0, 0, attention.heads, attention.asked.out_features // attention.heads)
    return drawing.node("Transpose", drawing.node("Reshape", rows, drawing.constant(shape, np.int64)), perm=perm)


def draw_sums(layer: torch.nn.Linear, drawing: Drawing, rows: str) -> str:
    """A layer of weighted sums at each place."""
    weights = drawing.constant(layer.weight.detach().numpy().T)
    return drawing.node("Add", drawing.node("MatMul", rows, weights), draw_numbers(drawing, layer.bias))


def draw_normal(normal: torch.nn.LayerNorm, drawing: Drawing, rows: str) -> str:
    """A normalisation of the numbers at each place."""
    parts = draw_numbers(drawing, normal.weight), draw_numbers(drawing, normal.bias)
    return drawing.node("LayerNormalization", rows, *parts, axis=-1, epsilon=normal.eps)


def draw_numbers(drawing: Drawing, part: torch.Tensor | None) -> str:
    """Trained numbers as a constant."""
    assert part is not None
    return drawing.constant(part.detach().numpy())
