# SPDX-License-Identifier: Apache-2.0
"""Layers of attention, drawn in ONNX."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from modelward.training.graph import Drawing
    from modelward.training.neural.attending import Attention, Layer


def draw_layer(layer: Layer, drawing: Drawing, rows: str, *, behind: str = "") -> str:
    """What a layer makes of `rows`. `behind` is added to how well places fit, [N, 1, places, places]."""
    attended = _draw_attention(layer.attention, drawing, draw_normal(layer.before, drawing, rows), behind=behind)
    rows = drawing.node("Add", rows, attended)
    inner = drawing.node("Gelu", draw_sums(layer.wide, drawing, draw_normal(layer.between, drawing, rows)))
    return drawing.node("Add", rows, draw_sums(layer.narrow, drawing, inner))


def _draw_attention(attention: Attention, drawing: Drawing, rows: str, *, behind: str) -> str:
    width = attention.asked.out_features // attention.heads
    apart = drawing.constant((0, 0, attention.heads, width), np.int64)

    def side(layer: torch.nn.Linear, perm: list[int]) -> str:
        return drawing.node("Transpose", drawing.node("Reshape", draw_sums(layer, drawing, rows), apart), perm=perm)

    asked, offered, held = (
        side(layer, perm)
        for layer, perm in ((attention.asked, [0, 2, 1, 3]), (attention.offered, [0, 2, 3, 1]), (attention.held, [0, 2, 1, 3]))
    )
    fits = drawing.node("Div", drawing.node("MatMul", asked, offered), drawing.constant(math.sqrt(width)))
    if behind:
        fits = drawing.node("Add", fits, behind)
    taken = drawing.node("MatMul", drawing.node("Softmax", fits, axis=-1), held)
    beside = drawing.node("Reshape", drawing.node("Transpose", taken, perm=[0, 2, 1, 3]), drawing.constant((0, 0, -1), np.int64))
    return draw_sums(attention.joined, drawing, beside)


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
