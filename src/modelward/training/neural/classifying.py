# SPDX-License-Identifier: Apache-2.0
"""Classifiers: what is alike in every neural recipe that tells classes apart, so that a recipe is its network and its drawing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from modelward.training.graph import FLOAT, INT32, Drawing, estimator, softmax
from modelward.training.neural.batches import ArrayBatches, Batch
from modelward.training.neural.devices import device_named
from modelward.training.neural.learning import ClassifierLearning
from modelward.training.neural.loop import learn
from modelward.training.neural.losses import ClassLoss, Loss, class_loss
from modelward.training.neural.randomness import Randomness
from modelward.training.neural.task import Task, Turn
from modelward.training.recipe import FloatMatrix, Inputs, Made, Probabilities, Progress, Rows
from modelward.training.rows import UnmadeRows, unmade

if TYPE_CHECKING:
    import torch

Network = TypeVar("Network", bound="torch.nn.Module")
Alter = Callable[["torch.Tensor"], "torch.Tensor"]
"""Takes rows [n, width], gives other rows of the same shape, the labels of which are the same."""


def classifier(
    name: str,
    inputs: Inputs,
    asked: ClassifierLearning,
    progress: Progress,
    *,
    network: Callable[[Randomness], Network],
    draw: Callable[[Network, Drawing, str], str],
    alter: Callable[[Randomness], Alter] | None = None,
) -> Made:
    """Train what `network` makes, and draw it. The network takes rows [n, width] and gives logits [n, K]; `draw` is given the
    trained network on the CPU, and names the logits it drew. `alter` makes what changes the rows of each step while they are learnt
    from.

    Raises:
        DivergedError, DeviceMissingError, PrecisionMissingError: see `learn`.
    """
    device = device_named(inputs.device)
    kind = INT32 if inputs.taken == "text" else FLOAT
    randomness = Randomness.of(inputs.seed, device)
    made = network(randomness)
    task = _task(name, made, inputs, asked, device, randomness, alter(randomness) if alter else None)
    learnt = learn(task, asked, progress=progress, checkpoints=inputs.checkpoints)

    def drawn(drawing: Drawing, rows: str) -> str:
        return softmax(drawing, draw(made.cpu(), drawing, rows))

    return Made(
        predict=lambda rows: _predict(made, rows, at_once=asked.judged_at_once),
        graph=lambda: estimator(drawn, width=inputs.width, classes=len(inputs.classes), kind=kind),
        parameters=sum(part.numel() for part in made.parameters()),
        notes=learnt.notes,
        curves=learnt.curves,
    )


def _task(
    name: str,
    network: torch.nn.Module,
    inputs: Inputs,
    asked: ClassifierLearning,
    device: torch.device,
    randomness: Randomness,
    alter: Alter | None,
) -> Task:
    import torch

    train = _held(inputs.train), torch.tensor(inputs.train_labels)
    seen = _held(inputs.validation), torch.tensor(inputs.validation_labels)
    loss_of = class_loss(asked, balanced=list(inputs.balanced_weights.values()), device=device)
    return Task(
        name=name,
        turns=(Turn(network=network, loss=_loss(network, loss_of, alter, mixup=inputs.mixup, noise=randomness.noise)),),
        batches=ArrayBatches(*train, size=asked.batch_size, seed=inputs.seed),
        validation=ArrayBatches(*seen, size=asked.judged_at_once) if inputs.has_validation else None,
        device=device,
        randomness=randomness,
    )


def _held(rows: Rows) -> torch.Tensor | UnmadeRows:
    import torch

    # A copy: a matrix may be one that numpy does not let anybody write to.
    return unmade(rows) or torch.tensor(rows)


def _loss(
    network: torch.nn.Module, loss_of: ClassLoss, alter: Alter | None, *, mixup: float, noise: torch.Generator
) -> Callable[[Batch], Loss]:
    from modelward.training.neural.mixing import mixed_loss

    def loss(batch: Batch) -> Loss:
        rows, labels = batch
        if not network.training:
            return loss_of(network(rows), labels)
        changed = alter(rows) if alter else rows
        if mixup:
            return mixed_loss(network, changed, labels, alpha=mixup, loss_of=loss_of, noise=noise)
        return loss_of(network(changed), labels)

    return loss


def _predict(network: torch.nn.Module, rows: FloatMatrix, *, at_once: int) -> Probabilities:
    import torch

    device = next(network.parameters()).device
    with torch.no_grad():
        parts = [
            torch.softmax(network(torch.tensor(rows[start : start + at_once], device=device)), dim=1).cpu().numpy()
            for start in range(0, max(len(rows), 1), at_once)
        ]
    return np.concatenate(parts)
