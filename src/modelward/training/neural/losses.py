# SPDX-License-Identifier: Apache-2.0
"""What a network lowers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.learning import ClassifierLearning


class Loss(NamedTuple):
    """The loss of a batch: the weighted mean of what each row (or token) loses, and the sum of those weights.

    With the weight the means of several batches, or of the parts of one, add up to the mean of them all.
    """

    mean: torch.Tensor
    weight: torch.Tensor | float


def squared_error(given: torch.Tensor, wanted: torch.Tensor) -> Loss:
    """The mean squared error of numbers [n, ...]; each row weighs the same."""
    return Loss((given.float() - wanted).square().mean(), wanted.shape[0])


ClassLoss = Callable[["torch.Tensor", "torch.Tensor"], Loss]
"""Takes logits [n, K] and labels [n]."""


def class_loss(asked: ClassifierLearning, *, balanced: Sequence[float], device: torch.device) -> ClassLoss:
    """The loss that a spec asks for. `balanced` is the weight of each class where `class_weight` asks for one."""
    import torch

    weights = torch.tensor(list(balanced), device=device) if asked.class_weight else None
    of = _squared if asked.loss == "mse" else _cross_entropy

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> Loss:
        weight = labels.shape[0] if weights is None else weights[labels].sum()
        return Loss(of(logits, labels, weights, asked.label_smoothing), weight)

    return loss


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None, smoothing: float) -> torch.Tensor:
    from torch.nn import functional

    return functional.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)


def _squared(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None, smoothing: float) -> torch.Tensor:
    import torch
    from torch.nn import functional

    classes = logits.shape[1]
    wanted = functional.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    errors = (torch.softmax(logits, dim=1) - wanted).square().mean(dim=1)
    return errors.mean() if weights is None else (errors * weights[labels]).sum() / weights[labels].sum()
