# SPDX-License-Identifier: Apache-2.0
"""Multi-layer perceptron: layers of weighted sums, trained by the loop."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from msgspec import Meta

from modelward.training.graph import Drawing
from modelward.training.neural import ClassifierLearning, Randomness, check_installed, classifier, dense_weights
from modelward.training.recipe import Inputs, Made, Progress

if TYPE_CHECKING:
    import torch


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
    sizes: ClassVar[tuple[str, ...]] = ("hidden",)
    parameters: PerceptronParameters

    def __post_init__(self) -> None:
        check_installed("mlp")

    def weights(self, *, width: int, classes: int) -> int:
        """See `memory.Sized`."""
        return dense_weights((width, *self.parameters.hidden, classes))

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        asked = self.parameters

        def network(randomness: Randomness) -> torch.nn.Sequential:
            return _network(inputs, asked, randomness)

        def draw(network: torch.nn.Sequential, drawing: Drawing, rows: str) -> str:
            return _draw(network, drawing, rows, activation=asked.activation)

        return classifier("mlp", inputs, asked, progress, network=network, draw=draw)


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


def _draw(network: torch.nn.Sequential, drawing: Drawing, rows: str, *, activation: str) -> str:
    operator = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "Gelu"}[activation]
    arrays = [part.detach().numpy() for part in network.parameters()]
    *hidden, last = (
        (drawing.constant(weights.T), drawing.constant(biases)) for weights, biases in zip(arrays[::2], arrays[1::2], strict=True)
    )
    for layer in hidden:
        rows = drawing.node(operator, drawing.node("Gemm", rows, *layer))
    return drawing.node("Gemm", rows, *last)
