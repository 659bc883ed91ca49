# SPDX-License-Identifier: Apache-2.0
"""Networks that say which item comes next: trained on whole sequences at once, each place being asked what came after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.training.chains import UNASKED, windows
from modelward.training.estimating import Values
from modelward.training.graph import INT32, Drawing, estimator
from modelward.training.neural.batches import ArrayBatches, Batch
from modelward.training.neural.devices import device_named
from modelward.training.neural.learning import Learning
from modelward.training.neural.loop import learn
from modelward.training.neural.losses import Loss
from modelward.training.neural.randomness import Randomness
from modelward.training.neural.task import Task, Turn
from modelward.training.recipe import Gains, Inputs, Labels, Made, Probabilities, Progress, Rows
from modelward.training.recommending import probabilities, without_seen

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.histories import Histories

_JUDGED_AT_ONCE = 256
_GAINS_OF = 1000


def recommender(
    name: str,
    inputs: Inputs,
    asked: Learning,
    progress: Progress,
    *,
    network: Callable[[Randomness], Histories],
    draw: Callable[[Histories, Drawing, str], str],
    seen: Literal["exclude", "keep"],
    notes: tuple[str, ...] = (),
) -> Made:
    """Train what `network` makes, and draw it: `draw` is given the trained network on the CPU, and names the probabilities.

    Raises:
        DivergedError, DeviceMissingError, PrecisionMissingError: see `learn`.
    """
    device = device_named(inputs.device)
    randomness = Randomness.of(inputs.seed, device)
    made = network(randomness)
    learnt = learn(_task(name, made, inputs, asked, randomness, device), asked, progress=progress, checkpoints=inputs.checkpoints)
    return Made(
        predict=lambda rows: _predict(made, rows, seen=seen),
        graph=lambda: estimator(
            lambda drawing, rows: draw(made.cpu(), drawing, rows), width=inputs.width, classes=len(inputs.classes), kind=INT32
        ),
        parameters=sum(part.numel() for part in made.parameters()),
        notes=(*learnt.notes, *notes),
        curves=learnt.curves,
        gains=lambda: _gains(made, inputs, seen=seen),
    )


def _task(name: str, network: Histories, inputs: Inputs, asked: Learning, randomness: Randomness, device: torch.device) -> Task:
    import torch

    length = network.place.shape[0]
    found = windows(inputs.train[:, -length:], inputs.train_labels)
    train = torch.tensor(found.histories), torch.tensor(found.wanted)
    seen = torch.tensor(inputs.validation[:, -length:]), torch.tensor(inputs.validation_labels)
    return Task(
        name=name,
        turns=(Turn(network=network, loss=_loss(network)),),
        batches=ArrayBatches(*train, size=asked.batch_size, seed=inputs.seed),
        validation=ArrayBatches(*seen, size=_JUDGED_AT_ONCE) if inputs.has_validation else None,
        device=device,
        randomness=randomness,
    )


def _loss(network: Histories) -> Callable[[Batch], Loss]:
    """The cross-entropy over all items, behind each place that is asked about; of validation rows behind the last."""
    from torch.nn import functional

    def loss(batch: Batch) -> Loss:
        histories, wanted = batch
        if wanted.ndim == 1:
            return Loss(functional.cross_entropy(network(histories), wanted), len(wanted))
        is_asked = wanted != UNASKED
        return Loss(functional.cross_entropy(network.everywhere(histories, is_asked), wanted[is_asked]), is_asked.sum())

    return loss


def _gains(network: Histories, inputs: Inputs, *, seen: Literal["exclude", "keep"]) -> Gains:
    counts = np.bincount(inputs.train_labels, minlength=len(inputs.classes))
    frequencies = np.log(counts / counts.sum())

    def of(rows: Rows, labels: Labels) -> Values:
        places = np.random.default_rng(inputs.seed).permutation(len(labels))[:_GAINS_OF]
        given = _predict(network, rows[places], seen=seen)[np.arange(len(places)), labels[places]]
        # What stands in the history may be left out of every answer, and nobody can learn to give it.
        is_offered = given > 0
        gained = np.log(given[is_offered]) - frequencies[labels[places][is_offered]]
        return np.asarray(gained, dtype=np.float64)

    return Gains(training=of(inputs.train, inputs.train_labels), validation=of(inputs.validation, inputs.validation_labels))


def _predict(network: Histories, rows: Rows, *, seen: Literal["exclude", "keep"]) -> Probabilities:
    import torch

    device, length, parts = network.place.device, network.place.shape[0], []
    with torch.no_grad():
        for start in range(0, max(len(rows), 1), _JUDGED_AT_ONCE):
            some = rows[start : start + _JUDGED_AT_ONCE]
            logits = network(torch.tensor(some[:, -length:], device=device)).cpu().numpy()
            parts.append(probabilities(without_seen(logits, some) if seen == "exclude" else logits))
    return np.concatenate(parts)
