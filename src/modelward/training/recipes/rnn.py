# SPDX-License-Identifier: Apache-2.0
"""Recurrent network: reads a sequence step by step and remembers. For texts, and for sequences that lie in a table, one column a
value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from msgspec import Meta

from modelward.training.graph import INT32, Drawing
from modelward.training.neural import (
    Randomness,
    check_installed,
    check_shape,
    classifier,
    dense_weights,
)
from modelward.training.neural.gates import draw_layer
from modelward.training.neural.reading import Reading, altering, check_asked, read_weights, step_shape
from modelward.training.recipe import Inputs, Made, Progress, Takes

if TYPE_CHECKING:
    from modelward.training.neural.entries import DrawnSteps
    from modelward.training.neural.sequences import Sequences


class RecurrentParameters(Reading, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `rnn`."""

    learning_rate: Annotated[float, Meta(gt=0, le=1000, description="Length of a step.")] = 5e-3
    batch_size: Annotated[int, Meta(ge=0, le=1_000_000, description="Rows for one step; 0 means all of them.")] = 64
    shape: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=100_000)], Annotated[int, Meta(ge=1, le=4096)]] | None,
        Meta(description="Of a table: steps, and the values of each; the columns lie step by step. None: each column is a step."),
    ] = None
    cell: Annotated[Literal["lstm", "gru"], Meta(description="How it remembers.")] = "gru"
    units: Annotated[int, Meta(ge=1, le=4096, description="Numbers it remembers, each way.")] = 64
    layers: Annotated[int, Meta(ge=1, le=8, description="Recurrent layers, each reading what the one before wrote.")] = 1
    both_ways: Annotated[bool, Meta(description="Whether each layer also reads from the end.")] = True
    pooling: Annotated[
        Literal["last", "mean"], Meta(description="What is judged: what it remembers at the end, or the mean over all steps.")
    ] = "mean"


@dataclass(frozen=True, slots=True)
class Recurrent:
    """LSTM (Hochreiter and Schmidhuber 1997) or GRU (Cho et al. 2014); the best epoch by the validation loss is kept.

    Raises:
        MissingExtraError: PyTorch or safetensors is not installed.
    """

    takes: ClassVar[tuple[Takes, ...]] = ("table", "text", "series")
    Parameters: ClassVar[type[RecurrentParameters]] = RecurrentParameters
    sizes: ClassVar[tuple[str, ...]] = ("units",)
    parameters: RecurrentParameters

    def __post_init__(self) -> None:
        check_installed("rnn")

    def weights(self, inputs: Inputs) -> int:
        """See `memory.Sized`."""
        asked, shape = self.parameters, self._shape(inputs)
        gates, ways, (_, values) = {"lstm": 4, "gru": 3}[asked.cell], 1 + asked.both_ways, step_shape(asked, inputs, shape=shape)
        count = read_weights(asked, inputs)
        for _ in range(asked.layers):
            count += ways * gates * asked.units * (values + asked.units + 2)
            values = ways * asked.units
        return count + dense_weights((values, len(inputs.classes)))

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        asked, shape = self.parameters, self._shape(inputs)

        def network(randomness: Randomness) -> Sequences:
            from modelward.training.neural.entries import entry_of
            from modelward.training.neural.sequences import Sequences

            return Sequences(
                entry_of(asked, inputs, shape=shape),
                cell=asked.cell,
                units=asked.units,
                layers=asked.layers,
                is_both_ways=asked.both_ways,
                is_mean=asked.pooling == "mean",
                dropout=asked.dropout,
                classes=len(inputs.classes),
                randomness=randomness,
            )

        return classifier("rnn", inputs, asked, progress, network=network, draw=_draw, alter=altering(asked, inputs))

    def _shape(self, inputs: Inputs) -> tuple[int, int]:
        """How the columns of a table lie."""
        check_asked(self.parameters, inputs.taken)
        shape = self.parameters.shape or (inputs.width, 1)
        if inputs.taken == "table":
            check_shape(shape, inputs.width)
        return shape


def _draw(network: Sequences, drawing: Drawing, rows: str) -> str:
    """The network's logits."""
    from modelward.training.neural.entries import DrawnSteps, draw_mean

    steps: DrawnSteps = network.entry.draw(drawing, rows)
    counts = _draw_counts(drawing, steps.there)
    written = drawing.node("Transpose", steps.values, perm=[1, 0, 2])
    for layer in network.stack:
        written = draw_layer(drawing, written, layer, lengths=counts)
    steps = DrawnSteps(drawing.node("Transpose", written, perm=[1, 0, 2]), steps.there)
    ends = draw_mean(drawing, steps) if network.is_mean else _draw_ends(drawing, steps, network)
    weights, biases = (part.detach().numpy() for part in network.last.parameters())
    return drawing.node("Gemm", ends, drawing.constant(weights.T), drawing.constant(biases))


def _draw_counts(drawing: Drawing, there: str) -> str:
    """How many steps of each row are read, int32 [N]; no name where all are."""
    if not there:
        return ""
    counts = drawing.node("ReduceSum", there, drawing.constant([1, 2], np.int64), keepdims=0)
    return drawing.node("Cast", drawing.node("Max", counts, drawing.constant(1.0)), to=INT32)


def _draw_ends(drawing: Drawing, steps: DrawnSteps, network: Sequences) -> str:
    """What stands at the end of each way."""
    from modelward.training.neural.entries import DrawnSteps

    if steps.there:
        after = drawing.node("Pad", steps.there, drawing.constant((0, -1, 0, 0, 1, 0), np.int64))
        # Of a row without steps one was read.
        steps = DrawnSteps(drawing.node("Mul", steps.values, steps.there), steps.there)
        lasts = drawing.node("Mul", steps.values, drawing.node("Sub", steps.there, after))
        last = drawing.node("ReduceSum", lasts, drawing.constant([1], np.int64), keepdims=0)
    else:
        last = _draw_step(drawing, steps.values, -1)
    if not network.is_both_ways:
        return last
    units = np.arange(2 * network.units)
    sides = [
        drawing.node("Gather", side, drawing.constant(part, np.int64), axis=1)
        for side, part in zip((last, _draw_step(drawing, steps.values, 0)), np.split(units, 2), strict=True)
    ]
    return drawing.node("Concat", *sides, axis=1)


def _draw_step(drawing: Drawing, rows: str, step: int) -> str:
    place = drawing.constant([1], np.int64)
    return drawing.node("Squeeze", drawing.node("Gather", rows, drawing.constant([step], np.int64), axis=1), place)
