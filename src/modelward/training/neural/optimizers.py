# SPDX-License-Identifier: Apache-2.0
"""How gradients become steps: penalties, clipping, and the optimisers themselves, which are PyTorch's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.learning import Learning

# How long the squares of gradients are remembered: what PyTorch does unasked.
_SQUARES = 0.999


def optimizer_of(network: torch.nn.Module, asked: Learning) -> torch.optim.Optimizer:
    """The optimiser that a spec asks for, over the parameters of a network.

    The L2 penalty is on weights alone, for a bias or the gain of a normalisation is no complexity. A decay of d is the gradient
    of d/2 |w|².
    """
    from torch import optim

    weights = weights_of(network)
    others = [one for one in network.parameters() if one.ndim < 2]
    groups = [{"params": weights, "weight_decay": 2 * asked.l2}, {"params": others, "weight_decay": 0.0}]
    # All weights in one call: in small networks the calls take longer than the sums.
    is_fused = weights[0].device.type in {"cpu", "cuda"} or None
    decays = asked.momentum, _SQUARES
    match asked.optimizer:
        case "adam":
            return optim.Adam(groups, lr=asked.learning_rate, betas=decays, fused=is_fused)
        case "adamw":
            return optim.AdamW(groups, lr=asked.learning_rate, betas=decays, fused=is_fused)
        case "nadam":
            return optim.NAdam(groups, lr=asked.learning_rate, betas=decays)
        case kind:
            momentum = 0.0 if kind == "sgd" else asked.momentum
            # Without momentum both are plain descent, and PyTorch refuses the one.
            is_nesterov = kind == "nesterov" and momentum > 0
            return optim.SGD(groups, lr=asked.learning_rate, momentum=momentum, nesterov=is_nesterov, fused=is_fused)


def weights_of(network: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The parameters that penalties are on: matrices and what has more dimensions."""
    return [one for one in network.parameters() if one.ndim >= 2]


def penalise(network: torch.nn.Module, l1: float) -> None:
    """Add the gradient of the L1 penalty to the gradients."""
    for weight in weights_of(network):
        if weight.grad is not None:
            weight.grad.add_(weight.detach().sign(), alpha=l1)


def clip(network: torch.nn.Module, asked: Learning) -> None:
    """Hold each element of the gradients within its limit, and then all of them together."""
    from torch.nn import utils

    if asked.clip_value is not None:
        utils.clip_grad_value_(network.parameters(), asked.clip_value)
    if asked.clip_norm is not None:
        utils.clip_grad_norm_(network.parameters(), asked.clip_norm)


def gradient_norm(network: torch.nn.Module) -> float | None:
    """The length of all gradients together; none before the first step."""
    from torch.nn import utils

    gradients = [one.grad for one in network.parameters() if one.grad is not None]
    return float(utils.get_total_norm(gradients)) if gradients else None
