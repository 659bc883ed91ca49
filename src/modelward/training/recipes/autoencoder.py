# SPDX-License-Identifier: Apache-2.0
"""Autoencoder: a network that gives back the rows it is given. A row that it gives back badly is an anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta

from modelward.training.detecting import Contamination, Normal, Rarity, learnable
from modelward.training.graph import Drawing, estimator
from modelward.training.neural import (
    Activation,
    Learning,
    Randomness,
    check_installed,
    dense,
    dense_weights,
    device_named,
    draw_dense,
)
from modelward.training.recipe import Inputs, Made, Progress

if TYPE_CHECKING:
    import numpy.typing as npt

RECONSTRUCTION_FILE = "reconstruction.json"
"""The file of a version that holds the mean squared error of each prepared column."""


class AutoencoderParameters(Learning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `autoencoder`."""

    normal: Normal = None
    contamination: Contamination = 0.05
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], ...],
        Meta(min_length=1, max_length=8, description="Units of each layer up to the narrowest; then the same again, backwards."),
    ] = (32, 8)
    activation: Activation = "gelu"
    noise: Annotated[
        float, Meta(ge=0, le=10, description="Spread of what is added to each prepared value, anew each time it is learnt from.")
    ] = 0.0
    epochs: Annotated[int, Meta(ge=1, le=10_000, description="Most passes over the training rows.")] = 400
    patience: Annotated[int, Meta(ge=1, le=10_000, description="Epochs without a better validation loss before it stops.")] = 30
    batch_size: Annotated[int, Meta(ge=0, le=1_000_000, description="Rows for one step; 0 means all of them.")] = 64


@dataclass(frozen=True, slots=True)
class Autoencoder:
    """Layers that grow narrower and then wider again; the score is the logarithm of the mean squared error of a prepared row.

    Raises:
        MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[AutoencoderParameters]] = AutoencoderParameters
    uses_labels: ClassVar[bool] = False
    sizes: ClassVar[tuple[str, ...]] = ("hidden",)
    parameters: AutoencoderParameters

    def __post_init__(self) -> None:
        check_installed("autoencoder")

    def weights(self, inputs: Inputs) -> int:
        """See `memory.Sized`."""
        return dense_weights(self._widths(inputs.width))

    def _widths(self, width: int) -> tuple[int, ...]:
        there = self.parameters.hidden
        return (width, *there, *reversed(there[:-1]), width)

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        from modelward.training.neural import reconstructing

        asked, rows = self.parameters, learnable(inputs, normal=self.parameters.normal)
        randomness = Randomness.of(inputs.seed, device_named(inputs.device))
        network = dense(self._widths(inputs.width), activation=asked.activation, dropout=asked.dropout, randomness=randomness)
        learnt = reconstructing.learn_to_reconstruct(
            "autoencoder", network, rows, inputs, asked, progress, randomness=randomness, noise=asked.noise
        )
        found = reconstructing.errors(network, rows.held_out, asked)
        rarity = Rarity.fit(reconstructing.scores(found), contamination=asked.contamination, anomalous=rows.anomalous)

        def draw(drawing: Drawing, name: str) -> str:
            network.cpu()
            given_back = reconstructing.draw_scores(
                drawing, name, lambda held: draw_dense(network, drawing, held, activation=asked.activation)
            )
            return rarity.draw(drawing, given_back)

        return Made(
            predict=lambda given: rarity.probabilities(reconstructing.scores(reconstructing.errors(network, given, asked))),
            graph=lambda: estimator(draw, width=inputs.width, classes=2),
            parameters=sum(part.numel() for part in network.parameters()),
            notes=(*learnt.notes, rarity.note(inputs, rows, judged=rows.held_out, contamination=asked.contamination)),
            curves=learnt.curves,
            files={RECONSTRUCTION_FILE: _by_column(inputs, found)},
        )


def _by_column(inputs: Inputs, found: npt.NDArray[np.float32]) -> bytes:
    """How badly each prepared column is given back where nothing is strange: what an error of one row is to be held against."""
    names = inputs.preparation.names() if inputs.preparation else [f"column {place + 1}" for place in range(inputs.width)]
    means = found.mean(axis=0, dtype=np.float64).tolist()
    return msgspec.json.encode({"mean_squared_errors": dict(zip(names, means, strict=True)), "rows": len(found)})
