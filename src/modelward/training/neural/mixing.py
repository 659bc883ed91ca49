# SPDX-License-Identifier: Apache-2.0
"""Mixup (Zhang and others, 2018): what lies between two rows has the label that lies between theirs. Loads PyTorch at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from modelward.training.neural.losses import ClassLoss, Loss

Network = Callable[[torch.Tensor], torch.Tensor]


def mixed_loss(
    network: Network, rows: torch.Tensor, labels: torch.Tensor, *, alpha: float, loss_of: ClassLoss, noise: torch.Generator
) -> Loss:
    """The loss on rows [n, width] that are each mixed with another of the batch, in one share drawn from Beta(alpha, alpha).

    The mean of the losses for either label, in that share, is the loss for the soft label that is between them: exactly for cross
    entropy, and up to a constant for the squared error.
    """
    share = _share(alpha, noise)
    partner = torch.randperm(len(rows), generator=noise, device=noise.device)
    logits = network(share * rows + (1 - share) * rows[partner])
    own, other = loss_of(logits, labels), loss_of(logits, labels[partner])
    # The weights are those of the same rows in another order, so they are equal.
    return Loss(share * own.mean + (1 - share) * other.mean, own.weight)


def _share(alpha: float, noise: torch.Generator) -> float:
    """PyTorch draws no beta from a source of one's own; its source says how numpy is to begin."""
    begin = int(torch.randint(0, 2**62, (1,), generator=noise, device=noise.device))
    return float(np.random.Generator(np.random.PCG64(begin)).beta(alpha, alpha))
