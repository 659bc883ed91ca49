# SPDX-License-Identifier: Apache-2.0
"""Multi-layer perceptron: layers of weighted sums, trained by the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from modelward.training.graph import Drawing
from modelward.training.neural import (
    Activation,
    ClassifierLearning,
    Randomness,
    check_installed,
    classifier,
    dense,
    dense_weights,
    draw_dense,
)
from modelward.training.recipe import Inputs, Made, Progress, Takes

if TYPE_CHECKING:
    import torch


class PerceptronParameters(ClassifierLearning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `mlp`."""

    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], ...],
        Meta(min_length=1, max_length=16, description="Units of each hidden layer."),
    ] = (64, 32)
    activation: Activation = "relu"


@dataclass(frozen=True, slots=True)
class Perceptron:
    """Layers of weighted sums; the best epoch by the validation loss is kept.

    Raises:
        MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[PerceptronParameters]] = PerceptronParameters
    takes: ClassVar[tuple[Takes, ...]] = ("table", "image")
    streams: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("hidden",)
    parameters: PerceptronParameters

    def __post_init__(self) -> None:
        check_installed("mlp")

    def weights(self, inputs: Inputs) -> int:
        """See `memory.Sized`."""
        return dense_weights((inputs.width, *self.parameters.hidden, len(inputs.classes)))

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        asked = self.parameters

        def network(randomness: Randomness) -> torch.nn.Sequential:
            widths = (inputs.width, *asked.hidden, len(inputs.classes))
            return dense(widths, activation=asked.activation, dropout=asked.dropout, randomness=randomness)

        def draw(network: torch.nn.Sequential, drawing: Drawing, rows: str) -> str:
            return draw_dense(network, drawing, rows, activation=asked.activation)

        return classifier("mlp", inputs, asked, progress, network=network, draw=draw)
