# SPDX-License-Identifier: Apache-2.0
"""Networks that give back the rows they are given, through fewer units than there are columns. Loads PyTorch at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from modelward.training.graph import Drawing
from modelward.training.neural.batches import ArrayBatches, Batch
from modelward.training.neural.devices import device_named
from modelward.training.neural.learning import Learning
from modelward.training.neural.loop import Learnt, learn
from modelward.training.neural.losses import Loss, squared_error
from modelward.training.neural.randomness import Randomness
from modelward.training.neural.task import Task, Turn

if TYPE_CHECKING:
    from modelward.training.detecting import Learnable
    from modelward.training.recipe import FloatMatrix, Inputs, Progress

FAR = 1e6
"""A prepared value that lies farther from 0 is held there, so that no square is infinite."""
_LEAST = 1e-12


def learn_to_reconstruct(
    name: str,
    network: torch.nn.Module,
    rows: Learnable,
    inputs: Inputs,
    asked: Learning,
    progress: Progress,
    *,
    randomness: Randomness,
    noise: float,
) -> Learnt:
    """Train the network to give back `rows` by the mean squared error; with `noise`, from rows to which it was added."""
    train, seen = (torch.tensor(part).clamp(-FAR, FAR) for part in (rows.train, rows.validation))
    task = Task(
        name=name,
        turns=(Turn(network=network, loss=_loss(network, noise, randomness.noise)),),
        batches=ArrayBatches(train, size=asked.batch_size, seed=inputs.seed),
        validation=ArrayBatches(seen, size=asked.judged_at_once) if len(seen) else None,
        device=device_named(inputs.device),
        randomness=randomness,
    )
    return learn(task, asked, progress=progress, checkpoints=inputs.checkpoints)


def _loss(network: torch.nn.Module, noise: float, source: torch.Generator) -> Callable[[Batch], Loss]:
    def loss(batch: Batch) -> Loss:
        (rows,) = batch
        given = rows
        if noise and network.training:
            given = rows + noise * torch.randn(rows.shape, generator=source, device=rows.device)
        return squared_error(network(given), rows)

    return loss


def errors(network: torch.nn.Module, rows: FloatMatrix, asked: Learning) -> npt.NDArray[np.float32]:
    """The squared error of each column [n, width]."""
    device, size = next(network.parameters()).device, asked.judged_at_once
    with torch.no_grad():
        parts = []
        for start in range(0, max(len(rows), 1), size):
            part = torch.tensor(rows[start : start + size], device=device).clamp(-FAR, FAR)
            parts.append((network(part) - part).square().cpu().numpy())
    return np.concatenate(parts)


def scores(squares: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The logarithm of each row's mean squared error: some errors are a hundred times the others."""
    return np.asarray(np.log(np.maximum(squares.mean(axis=1), _LEAST)), dtype=np.float64)


def draw_scores(drawing: Drawing, rows: str, draw: Callable[[str], str]) -> str:
    """The same in a graph [N, 1]; `draw` is given the name of the rows, and names what the network gives back."""
    held = drawing.node("Clip", rows, drawing.constant(-FAR), drawing.constant(FAR))
    differences = drawing.node("Sub", draw(held), held)
    mean = drawing.node("ReduceMean", drawing.node("Mul", differences, differences), drawing.constant([1], np.int64), keepdims=1)
    return drawing.node("Log", drawing.node("Max", mean, drawing.constant(_LEAST)))
