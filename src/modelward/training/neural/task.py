# SPDX-License-Identifier: Apache-2.0
"""What the loop is given: networks, what each of them lowers, and the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.training.neural.batches import Batch, Batches
from modelward.training.neural.losses import Loss

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.randomness import Randomness


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One network's part of a step: what it lowers on a batch, and under which name that is kept.

    Most tasks have one turn. A GAN has two: its discriminator's, then its generator's, whose loss may ask both networks; each turn
    moves the weights of its own network alone. `loss` is called while the network is trained, and on validation batches while it is
    not (`network.training` tells).
    """

    network: torch.nn.Module
    loss: Callable[[Batch], Loss]
    curve: str = "training_loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be learnt. `name` is the recipe's, for messages.

    The first weights MUST come from `randomness.start`, and no layer may draw from PyTorch's own source: see `layers`. The networks
    are on the CPU, and `learn` puts them on `device`. `validation` is judged by the loss of the first turn after each epoch; the
    best epoch is kept. Without it, as for a GAN, all epochs run and the last is kept.
    """

    name: str
    turns: tuple[Turn, ...]
    batches: Batches
    validation: Batches | None = None
    device: torch.device
    randomness: Randomness
