# SPDX-License-Identifier: Apache-2.0
"""A checkpoint: the numbers of a training as safetensors, and in one of these tensors, as JSON, all that is no tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import torch

_STATE = "state.json"


class Tally(msgspec.Struct):
    """Sums over the steps of an epoch: of losses and their weights, by curve, and of the gradient norms that were measured."""

    losses: dict[str, tuple[float, float]] = msgspec.field(default_factory=dict)
    norms: tuple[float, int] = (0.0, 0)


class State(msgspec.Struct, kw_only=True):
    """Where a training is: in `epoch` (from 1), after `step` of its steps. `curves` have a value for each epoch that has ended;
    `best_epoch` is 0 as long as none was judged.
    """

    epoch: int = 1
    step: int = 0
    tally: Tally = msgspec.field(default_factory=Tally)
    curves: dict[str, list[float]] = msgspec.field(default_factory=dict)
    best: float | None = None
    best_epoch: int = 0


class _Kept(msgspec.Struct, kw_only=True):
    made_by: dict[str, str]
    state: State


def pack(state: State, tensors: Mapping[str, torch.Tensor], *, made_by: Mapping[str, str]) -> bytes:
    """The bytes of a checkpoint. `made_by` says what has to be the same when the training goes on."""
    import torch
    from safetensors.torch import save

    text = msgspec.json.encode(_Kept(made_by=dict(made_by), state=state))
    kept = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    return save({**kept, _STATE: torch.frombuffer(bytearray(text), dtype=torch.uint8)})


def unpack(checkpoint: bytes, *, made_by: Mapping[str, str]) -> tuple[State, dict[str, torch.Tensor]] | str:
    """State and tensors, or why they cannot be used: what is not the same any more."""
    from safetensors.torch import load

    # Copies lie where PyTorch puts tensors: libraries of linear algebra may round otherwise where numbers lie otherwise.
    tensors = {name: tensor.clone() for name, tensor in load(checkpoint).items()}
    kept = msgspec.json.decode(tensors.pop(_STATE).numpy().tobytes(), type=_Kept)
    for what, was in kept.made_by.items():
        if (now := made_by.get(what)) != was:
            return f"it was made with another {what} ({was}, now {now})"
    return kept.state, tensors
