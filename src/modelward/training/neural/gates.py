# SPDX-License-Identifier: Apache-2.0
"""Draws recurrent layers: what PyTorch learned, in the order in which ONNX has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.training.graph import Drawing

if TYPE_CHECKING:
    import torch

# Where ONNX has the gates of PyTorch: input, output, forget, cell; and update, reset, new.
_ORDERS = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}


def draw_recurrent(
    drawing: Drawing,
    rows: str,
    layer: torch.nn.LSTM | torch.nn.GRU,
    *,
    lengths: str = "",
    initial: Sequence[str] = (),
    ends: bool = False,
) -> list[str]:
    """Add a layer over [steps, N, values]; the name of what it writes at each step, [steps, ways, N, units], and where `ends` says
    so of what it ends with, [ways, N, units], of an LSTM two. Behind `lengths` [N] nothing is read; `initial` is what it begins
    with.
    """
    cell, ways = layer.mode.lower(), ("", "_reverse")[: 1 + layer.bidirectional]
    parts = {
        kind: np.stack([_in_order(getattr(layer, f"{kind}_l0{way}"), cell) for way in ways])
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    biases = np.concatenate((parts["bias_ih"], parts["bias_hh"]), axis=1)
    attributes: dict[str, Any] = {"linear_before_reset": 1} if cell == "gru" else {}
    constants = [drawing.constant(each) for each in (parts["weight_ih"], parts["weight_hh"], biases)]
    direction = "bidirectional" if layer.bidirectional else "forward"
    given = [rows, *constants, *([lengths, *initial] if lengths or initial else ())]
    attributes |= {"hidden_size": layer.hidden_size, "direction": direction}
    return drawing.nodes(cell.upper(), *given, count={"gru": 2, "lstm": 3}[cell] if ends else 1, **attributes)


def draw_layer(drawing: Drawing, rows: str, layer: torch.nn.LSTM | torch.nn.GRU, *, lengths: str = "") -> str:
    """What one layer writes at each step, [steps, N, units of both ways]."""
    (written,) = draw_recurrent(drawing, rows, layer, lengths=lengths)
    beside = drawing.node("Transpose", written, perm=[0, 2, 1, 3])
    return drawing.node("Reshape", beside, drawing.constant((0, 0, -1), np.int64))


def _in_order(weights: torch.Tensor, cell: str) -> Any:
    gates = np.split(weights.detach().numpy(), len(_ORDERS[cell]))
    return np.concatenate([gates[place] for place in _ORDERS[cell]])
