# SPDX-License-Identifier: Apache-2.0
"""Generators: rows of numbers and categories, or images, learned by playing against a critic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelward.registry import Interface
from modelward.training.neural.batches import ArrayBatches
from modelward.training.neural.devices import device_named
from modelward.training.neural.drawn import Drawn
from modelward.training.neural.learning import AdversarialLearning
from modelward.training.neural.loop import learn
from modelward.training.neural.randomness import Randomness
from modelward.training.neural.task import Task
from modelward.training.recipe import Inputs, MadeWhole, Progress, Whole
from modelward.training.restoring import Learnable, Restoration

if TYPE_CHECKING:
    from modelward.training.neural.adversarial import Game


def generator(
    name: str,
    inputs: Inputs,
    asked: AdversarialLearning,
    progress: Progress,
    *,
    learnable: Learnable,
    shape: Sequence[int],
) -> MadeWhole:
    """Train a generator of rows like `learnable`, and draw it. With a `shape` a row is an image, else the values have the names of
    the features.

    Raises:
        DivergedError, DeviceMissingError, PrecisionMissingError: see `learn`.
    """
    import torch

    device = device_named(inputs.device)
    randomness = Randomness.of(inputs.seed, device)
    game = _game(learnable.restoration, asked, shape=shape, classes=len(inputs.classes), randomness=randomness)
    rows = (learnable.low, learnable.high, learnable.places, inputs.train_labels)
    batches = ArrayBatches(*map(torch.tensor, rows), size=asked.batch_size, seed=inputs.seed)
    task = Task(name=name, turns=game.turns(), batches=batches, device=device, randomness=randomness)
    learnt = learn(task, asked, progress=progress, checkpoints=inputs.checkpoints)

    def finish(interface: Interface) -> Whole:
        made = Drawn(game.generator.cpu(), learnable.restoration, noise=asked.noise, shape=tuple(shape), like=interface)
        graph = made.graph()
        return Whole(graph, made.interface, made.compared(graph))

    return MadeWhole(
        finish=finish,
        parameters=sum(part.numel() for part in game.generator.parameters()),
        notes=learnt.notes,
        curves=learnt.curves,
    )


def _game(
    restoration: Restoration, asked: AdversarialLearning, *, shape: Sequence[int], classes: int, randomness: Randomness
) -> Game:
    from modelward.training.neural.adversarial import Critic, Game, Generator, Outline
    from modelward.training.neural.bodies import Comparing, Painting, Sums, Viewing
    from modelward.training.neural.layers import Dropout

    outline = Outline(numbers=len(restoration.numbers), sizes=restoration.sizes, classes=classes)
    given, start, dropout = asked.noise + classes, randomness.start, Dropout(asked.dropout, randomness.noise)
    if shape:
        whole = (*shape, 1)[:3]
        body: Painting | Sums = Painting(given, filters=asked.channels, shape=whole, start=start)
        seeing: Viewing | Comparing = Viewing(asked.channels, shape=whole, dropout=dropout, start=start)
    else:
        body = Sums((given, *asked.hidden, outline.width), start=start)
        seeing = Comparing((outline.width, *asked.hidden), dropout=dropout, start=start)
    return Game(
        outline=outline,
        generator=Generator(body),
        critic=Critic(seeing, classes=classes, start=start),
        noise=asked.noise,
        penalty=asked.penalty,
        temperature=asked.temperature,
        randomness=randomness,
    )
