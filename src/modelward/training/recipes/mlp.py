# SPDX-License-Identifier: Apache-2.0
"""Multi-layer perceptron: layers of weighted sums, trained by the loop."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from modelward.training.graph import Drawing, estimator, softmax
from modelward.training.neural import (
    ArrayBatches,
    Batch,
    ClassifierLearning,
    Loss,
    Randomness,
    Task,
    Turn,
    check_installed,
    class_loss,
    device_named,
    learn,
)
from modelward.training.recipe import FloatMatrix, Inputs, Made, Probabilities, Progress

if TYPE_CHECKING:
    import torch

_JUDGED_AT_ONCE = 65_536


class PerceptronParameters(ClassifierLearning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `mlp`."""

    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], ...],
        Meta(min_length=1, max_length=16, description="Units of each hidden layer."),
    ] = (64, 32)
    activation: Annotated[
        Literal["relu", "tanh", "sigmoid", "gelu"], Meta(description="What each hidden unit does to its sum.")
    ] = "relu"


@dataclass(frozen=True, slots=True)
class Perceptron:
    """Layers of weighted sums; the best epoch by the validation loss is kept.

    Raises:
        MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[PerceptronParameters]] = PerceptronParameters
    parameters: PerceptronParameters

    def __post_init__(self) -> None:
        check_installed("mlp")

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        asked, device = self.parameters, device_named(inputs.device)
        randomness = Randomness.of(inputs.seed, device)
        network = _network(inputs, asked, randomness)
        task = _task(network, inputs, asked, device, randomness)
        learnt = learn(task, asked, progress=progress, checkpoints=inputs.checkpoints)
        layers = _layers(network)

        def draw(drawing: Drawing, rows: str) -> str:
            return _draw(drawing, rows, layers=layers, activation=asked.activation)

        return Made(
            predict=lambda rows: _predict(network, rows, device),
            graph=lambda: estimator(draw, width=inputs.width, classes=len(inputs.classes)),
            parameters=int(sum(part.size for layer in layers for part in layer)),
            notes=learnt.notes,
            curves=learnt.curves,
        )


def _network(inputs: Inputs, asked: PerceptronParameters, randomness: Randomness) -> torch.nn.Sequential:
    from torch import nn

    from modelward.training.neural.layers import Dropout, linear

    activation = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}[asked.activation]
    cuts = asked.activation in {"relu", "gelu"}
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise((inputs.width, *asked.hidden, len(inputs.classes))):
        layers += [linear(before, after, start=randomness.start, cuts=cuts), activation()]
        if asked.dropout:
            layers.append(Dropout(asked.dropout, randomness.noise))
    # Behind the last sums come the probabilities instead.
    return nn.Sequential(*layers[: -2 if asked.dropout else -1])


def _task(
    network: torch.nn.Module, inputs: Inputs, asked: PerceptronParameters, device: torch.device, randomness: Randomness
) -> Task:
    import torch

    # Copies: a matrix may be one that numpy does not let anybody write to.
    train = torch.tensor(inputs.train), torch.tensor(inputs.train_labels)
    seen = torch.tensor(inputs.validation), torch.tensor(inputs.validation_labels)
    loss_of = class_loss(asked, balanced=list(inputs.balanced_weights.values()), device=device)

    def loss(batch: Batch) -> Loss:
        rows, labels = batch
        return loss_of(network(rows), labels)

    return Task(
        name="mlp",
        turns=(Turn(network=network, loss=loss),),
        batches=ArrayBatches(*train, size=asked.batch_size, seed=inputs.seed),
        validation=ArrayBatches(*seen, size=_JUDGED_AT_ONCE) if inputs.has_validation else None,
        device=device,
        randomness=randomness,
    )


def _predict(network: torch.nn.Module, rows: FloatMatrix, device: torch.device) -> Probabilities:
    import torch

    with torch.no_grad():
        return torch.softmax(network(torch.tensor(rows, device=device)), dim=1).cpu().numpy()


def _layers(network: torch.nn.Module) -> list[tuple[Any, Any]]:
    """Weights [inputs, outputs] and biases of each layer."""
    arrays = [part.detach().cpu().numpy() for part in network.parameters()]
    return [(weights.T, biases) for weights, biases in zip(arrays[::2], arrays[1::2], strict=True)]


def _draw(drawing: Drawing, rows: str, *, layers: list[tuple[Any, Any]], activation: str) -> str:
    operator = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "Gelu"}[activation]
    *hidden, (last, bias) = layers
    for weights, biases in hidden:
        rows = drawing.node(operator, drawing.node("Gemm", rows, drawing.constant(weights), drawing.constant(biases)))
    return softmax(drawing, drawing.node("Gemm", rows, drawing.constant(last), drawing.constant(bias)))
