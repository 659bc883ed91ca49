# SPDX-License-Identifier: Apache-2.0
"""Transformer: every place looks at all others. For tables, and for sequences that lie in one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from msgspec import Meta

from modelward.training.graph import Drawing
from modelward.training.neural import ClassifierLearning, Randomness, check_installed, check_shape, classifier, dense_weights
from modelward.training.recipe import Inputs, InvalidParameterError, Made, Progress

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.attending import Attending, Attention, Layer


class TransformerParameters(ClassifierLearning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `transformer`."""

    shape: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], Annotated[int, Meta(ge=1, le=4096)]] | None,
        Meta(description="Steps, and the values of each; the columns lie step by step. None: a table, each column by itself."),
    ] = None
    width: Annotated[int, Meta(ge=1, le=2048, description="Numbers that stand for a place.")] = 32
    heads: Annotated[int, Meta(ge=1, le=64, description="Looks at all places side by side; they share the width.")] = 4
    layers: Annotated[int, Meta(ge=1, le=24, description="Layers of attention.")] = 2
    inner: Annotated[int, Meta(ge=1, le=8192, description="Units at each place between two looks.")] = 64


@dataclass(frozen=True, slots=True)
class Transformer:
    """The encoder of Vaswani et al. (2017), normalised first; the mean over all places is judged. The best epoch by the validation
    loss is kept.

    Raises:
        InvalidParameterError: the heads cannot share the width. MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[TransformerParameters]] = TransformerParameters
    sizes: ClassVar[tuple[str, ...]] = ("width", "inner")
    parameters: TransformerParameters

    def __post_init__(self) -> None:
        check_installed("transformer")
        asked = self.parameters
        if asked.width % asked.heads:
            raise InvalidParameterError(
                f"The {asked.heads} heads of the recipe 'transformer' cannot share a width of {asked.width} evenly. "
                f"Set `width: {asked.heads * math.ceil(asked.width / asked.heads)}`, or other `heads`."
            )

    def weights(self, *, width: int, classes: int) -> int:
        """See `memory.Sized`."""
        asked, wide = self.parameters, self.parameters.width
        check_shape(asked.shape or (width, 1), width)
        places = asked.shape[0] if asked.shape else width
        entered = dense_weights((asked.shape[1], wide)) if asked.shape else places * wide
        layer = 4 * dense_weights((wide, wide)) + dense_weights((wide, asked.inner, wide)) + 4 * wide
        return entered + places * wide + asked.layers * layer + 2 * wide + dense_weights((wide, classes))

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        asked = self.parameters
        if asked.shape:
            check_shape(asked.shape, inputs.width)

        def network(randomness: Randomness) -> Attending:
            from modelward.training.neural.attending import Attending

            return Attending(
                asked.shape,
                columns=inputs.width,
                width=asked.width,
                heads=asked.heads,
                layers=asked.layers,
                inner=asked.inner,
                dropout=asked.dropout,
                classes=len(inputs.classes),
                randomness=randomness,
            )

        return classifier("transformer", inputs, asked, progress, network=network, draw=_draw)


def _draw(network: Attending, drawing: Drawing, rows: str) -> str:
    """The network's logits."""
    rows = _draw_entry(network, drawing, rows)
    for layer in network.stack:
        rows = _draw_layer(layer, drawing, rows)
    rows = _draw_normal(network.normal, drawing, rows)
    return _draw_sums(network.last, drawing, drawing.node("ReduceMean", rows, drawing.constant([1], np.int64), keepdims=0))


def _draw_entry(network: Attending, drawing: Drawing, rows: str) -> str:
    if network.entry is None or network.shape is None:
        rows = drawing.node("Unsqueeze", rows, drawing.constant([2], np.int64))
        rows = drawing.node("Mul", rows, _constant(drawing, network.scale))
    else:
        rows = drawing.node("Reshape", rows, drawing.constant((-1, *network.shape), np.int64))
        rows = _draw_sums(network.entry, drawing, rows)
    return drawing.node("Add", rows, _constant(drawing, network.place))


def _draw_layer(layer: Layer, drawing: Drawing, rows: str) -> str:
    rows = drawing.node("Add", rows, _draw_attention(layer.attention, drawing, _draw_normal(layer.before, drawing, rows)))
    inner = drawing.node("Gelu", _draw_sums(layer.wide, drawing, _draw_normal(layer.between, drawing, rows)))
    return drawing.node("Add", rows, _draw_sums(layer.narrow, drawing, inner))


def _draw_attention(attention: Attention, drawing: Drawing, rows: str) -> str:
    width = attention.asked.out_features // attention.heads
    apart = drawing.constant((0, 0, attention.heads, width), np.int64)

    def side(layer: torch.nn.Linear, perm: list[int]) -> str:
        return drawing.node("Transpose", drawing.node("Reshape", _draw_sums(layer, drawing, rows), apart), perm=perm)

    asked, offered, held = (
        side(layer, perm)
        for layer, perm in ((attention.asked, [0, 2, 1, 3]), (attention.offered, [0, 2, 3, 1]), (attention.held, [0, 2, 1, 3]))
    )
    fits = drawing.node("Div", drawing.node("MatMul", asked, offered), drawing.constant(math.sqrt(width)))
    taken = drawing.node("MatMul", drawing.node("Softmax", fits, axis=-1), held)
    beside = drawing.node("Reshape", drawing.node("Transpose", taken, perm=[0, 2, 1, 3]), drawing.constant((0, 0, -1), np.int64))
    return _draw_sums(attention.joined, drawing, beside)


def _draw_sums(layer: torch.nn.Linear, drawing: Drawing, rows: str) -> str:
    weights = drawing.constant(layer.weight.detach().numpy().T)
    return drawing.node("Add", drawing.node("MatMul", rows, weights), _constant(drawing, layer.bias))


def _draw_normal(normal: torch.nn.LayerNorm, drawing: Drawing, rows: str) -> str:
    parts = _constant(drawing, normal.weight), _constant(drawing, normal.bias)
    return drawing.node("LayerNormalization", rows, *parts, axis=-1, epsilon=normal.eps)


def _constant(drawing: Drawing, part: torch.Tensor | None) -> str:
    assert part is not None
    return drawing.constant(part.detach().numpy())
