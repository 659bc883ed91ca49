# SPDX-License-Identifier: Apache-2.0
"""Layers of weighted sums, one behind the other: made, and drawn."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from modelward.training.graph import Drawing

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.randomness import Randomness

Activation = Annotated[
    Literal["relu", "tanh", "sigmoid", "gelu", "elu", "silu"], Meta(description="What each hidden unit does to its sum.")
]
CUTS = frozenset({"relu", "gelu", "elu", "silu"})
"""Those that let hardly anything through of one sign: they want larger first weights."""
_OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "Gelu", "elu": "Elu"}


def dense(widths: Sequence[int], *, activation: str, dropout: float, randomness: Randomness) -> torch.nn.Sequential:
    """Layers from each of the `widths` to the next; behind the last are its sums."""
    from torch import nn

    from modelward.training.neural.layers import Dropout, linear

    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [linear(before, after, start=randomness.start, cuts=activation in CUTS), activated(activation)]
        if dropout:
            layers.append(Dropout(dropout, randomness.noise))
    return nn.Sequential(*layers[: -2 if dropout else -1])


def activated(kind: str) -> torch.nn.Module:
    """What each hidden unit does to its sum."""
    from torch import nn

    kinds: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
    kinds |= {"gelu": nn.GELU, "elu": nn.ELU, "silu": nn.SiLU}
    return kinds[kind]()


def draw_activated(drawing: Drawing, sums: str, kind: str) -> str:
    """The same, drawn."""
    if kind == "silu":
        return drawing.node("Mul", sums, drawing.node("Sigmoid", sums))
    return drawing.node(_OPERATORS[kind], sums)


def draw_dense(network: torch.nn.Sequential, drawing: Drawing, rows: str, *, activation: str) -> str:
    """The sums behind the last layer of what `dense` made, which is on the CPU."""
    arrays = [part.detach().numpy() for part in network.parameters()]
    *hidden, last = (
        (drawing.constant(weights.T), drawing.constant(biases)) for weights, biases in zip(arrays[::2], arrays[1::2], strict=True)
    )
    for layer in hidden:
        rows = draw_activated(drawing, drawing.node("Gemm", rows, *layer), activation)
    return drawing.node("Gemm", rows, *last)
