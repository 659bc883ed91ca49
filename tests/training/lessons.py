# SPDX-License-Identifier: Apache-2.0
"""Small tasks for the loop, and checkpoints that are kept in memory."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from modelward.training.neural import ArrayBatches, Learning, Loss, Randomness, Task, Turn, learn
from modelward.training.neural.layers import Dropout, linear

CPU = torch.device("cpu")


class StoppedError(Exception):
    """The power was cut."""


@dataclass
class InMemory:
    """Keeps every so many-th checkpoint; after `stop_after` steps the power is cut."""

    kept: bytes | None = None
    every: int = 1
    stop_after: int | None = None
    refused: list[str] = field(default_factory=list)
    steps: int = 0

    def is_due(self):
        self.steps += 1
        if self.steps == self.stop_after:
            raise StoppedError
        return self.steps % self.every == 0

    def save(self, make):
        self.kept = make()

    def load(self):
        return self.kept

    def refuse(self, why):
        self.refused.append(why)


def silent(*_):
    pass


def blobs(rows=90, *, seed=0, classes=3, width=5):
    """Rows [n, width] in as many heaps as there are classes, and their labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    matrix = random.normal(size=(rows, width)) + np.eye(classes, width)[labels] * 3
    return torch.tensor(matrix, dtype=torch.float32), torch.tensor(labels)


def task_of(asked: Learning, *, seed=3, rows=90, shape=(5, 8, 3), validation=True, normalised=False, task_name="test"):
    """A classifier of blobs with one hidden layer."""
    randomness = Randomness.of(seed, CPU)
    layers = [linear(shape[0], shape[1], start=randomness.start, cuts=True), nn.ReLU(), Dropout(asked.dropout, randomness.noise)]
    if normalised:
        layers.insert(1, nn.BatchNorm1d(shape[1]))
    network = nn.Sequential(*layers, linear(shape[1], shape[2], start=randomness.start, cuts=False))

    def loss(batch):
        return Loss(nn.functional.cross_entropy(network(batch[0]), batch[1]), len(batch[1]))

    return Task(
        name=task_name,
        turns=(Turn(network=network, loss=loss),),
        batches=ArrayBatches(*blobs(rows), size=asked.batch_size, seed=seed),
        validation=ArrayBatches(*blobs(30, seed=9), size=16) if validation else None,
        device=CPU,
        randomness=randomness,
    )


def adversaries(asked: Learning, *, seed=3):
    """A generator of points and a discriminator, each with its turn."""
    randomness = Randomness.of(seed, CPU)
    generator = nn.Sequential(
        linear(2, 6, start=randomness.start, cuts=True), nn.ReLU(), linear(6, 5, start=randomness.start, cuts=False)
    )
    critic = nn.Sequential(
        linear(5, 6, start=randomness.start, cuts=True), nn.ReLU(), linear(6, 1, start=randomness.start, cuts=False)
    )

    def made(count):
        return generator(torch.randn(count, 2, generator=randomness.noise))

    def tell_apart(batch):
        scores = torch.cat([critic(batch[0]), critic(made(len(batch[0])).detach())])
        wanted = torch.cat([torch.ones(len(batch[0]), 1), torch.zeros(len(batch[0]), 1)])
        return Loss(nn.functional.binary_cross_entropy_with_logits(scores, wanted), len(batch[0]))

    def deceive(batch):
        scores = critic(made(len(batch[0])))
        return Loss(nn.functional.binary_cross_entropy_with_logits(scores, torch.ones_like(scores)), len(batch[0]))

    return Task(
        name="test",
        turns=(
            Turn(network=critic, loss=tell_apart, curve="discriminator_loss"),
            Turn(network=generator, loss=deceive, curve="generator_loss"),
        ),
        batches=ArrayBatches(blobs()[0], size=asked.batch_size, seed=seed),
        device=CPU,
        randomness=randomness,
    )


def weights(task):
    """Every number of the task's networks, as bytes."""
    return b"".join(value.numpy().tobytes() for turn in task.turns for value in turn.network.state_dict().values())


def learnt(asked, *, make=task_of, checkpoints=None, progress=silent, **given):
    """A task that was learnt, and what came of it."""
    task = make(asked, **given)
    return task, learn(task, asked, progress=progress, checkpoints=checkpoints or InMemory(every=10**9))
