# SPDX-License-Identifier: Apache-2.0
"""Transformer: every place looks at all others. For texts, for tables, and for sequences that lie in one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from msgspec import Meta

from modelward.training.graph import Drawing
from modelward.training.neural import Randomness, check_installed, check_shape, classifier, dense_weights
from modelward.training.neural.drawn_attention import draw_layer, draw_normal, draw_numbers, draw_sums
from modelward.training.neural.reading import Reading, altering, check_asked, read_weights, step_shape
from modelward.training.recipe import Inputs, InvalidParameterError, Made, Progress, Takes

if TYPE_CHECKING:
    from modelward.training.neural.attending import Attending
    from modelward.training.neural.entries import DrawnSteps


class TransformerParameters(Reading, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `transformer`."""

    shape: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], Annotated[int, Meta(ge=1, le=4096)]] | None,
        Meta(description="Of a table: steps, and the values of each; the columns lie step by step. None: each column by itself."),
    ] = None
    width: Annotated[int, Meta(ge=1, le=2048, description="Numbers that stand for a place.")] = 32
    heads: Annotated[int, Meta(ge=1, le=64, description="Looks at all places side by side; they share the width.")] = 4
    layers: Annotated[int, Meta(ge=1, le=24, description="Layers of attention.")] = 2
    inner: Annotated[int, Meta(ge=1, le=8192, description="Units at each place between two looks.")] = 64


@dataclass(frozen=True, slots=True)
class Transformer:
    """The encoder of Vaswani et al. (2017), normalised first; the mean over all places is judged. The best epoch by the validation
    loss is kept.

    Raises:
        InvalidParameterError: the heads cannot share the width. MissingExtraError: PyTorch or safetensors is not installed.
    """

    takes: ClassVar[tuple[Takes, ...]] = ("table", "text", "series")
    Parameters: ClassVar[type[TransformerParameters]] = TransformerParameters
    streams: ClassVar[bool] = True
    sizes: ClassVar[tuple[str, ...]] = ("width", "inner")
    parameters: TransformerParameters

    def __post_init__(self) -> None:
        check_installed("transformer")
        asked = self.parameters
        if asked.width % asked.heads:
            raise InvalidParameterError(
                f"The {asked.heads} heads of the recipe 'transformer' cannot share a width of {asked.width} evenly. "
                f"Set `width: {asked.heads * math.ceil(asked.width / asked.heads)}`, or other `heads`."
            )

    def weights(self, inputs: Inputs) -> int:
        """See `memory.Sized`."""
        asked, wide, shape = self.parameters, self.parameters.width, self._shape(inputs)
        places = shape[0] if shape else inputs.width
        entered = dense_weights((shape[1], wide)) if shape else places * wide
        layer = 4 * dense_weights((wide, wide)) + dense_weights((wide, asked.inner, wide)) + 4 * wide
        behind = asked.layers * layer + 2 * wide + dense_weights((wide, len(inputs.classes)))
        return read_weights(asked, inputs) + entered + places * wide + behind

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        asked, shape = self.parameters, self._shape(inputs)

        def network(randomness: Randomness) -> Attending:
            from modelward.training.neural.attending import Attending
            from modelward.training.neural.entries import entry_of

            return Attending(
                entry_of(asked, inputs, shape=shape) if shape else None,
                columns=inputs.width,
                width=asked.width,
                heads=asked.heads,
                layers=asked.layers,
                inner=asked.inner,
                dropout=asked.dropout,
                classes=len(inputs.classes),
                randomness=randomness,
            )

        return classifier("transformer", inputs, asked, progress, network=network, draw=_draw, alter=altering(asked, inputs))

    def _shape(self, inputs: Inputs) -> tuple[int, int] | None:
        """Steps and values of a row; None of a table whose columns are no steps."""
        asked = self.parameters
        check_asked(asked, inputs.taken)
        if inputs.taken == "table" and asked.shape:
            check_shape(asked.shape, inputs.width)
        return asked.shape if inputs.taken == "table" else step_shape(asked, inputs, shape=(1, 1))


def _draw(network: Attending, drawing: Drawing, rows: str) -> str:
    """The network's logits."""
    from modelward.training.neural.attending import HIDDEN
    from modelward.training.neural.entries import DrawnSteps, draw_mean

    steps, hidden = _draw_places(network, drawing, rows), ""
    if steps.there:
        is_hidden = drawing.node("Sub", drawing.constant(1.0), drawing.node("Transpose", steps.there, perm=[0, 2, 1]))
        hidden = drawing.node("Unsqueeze", is_hidden, drawing.constant([1], np.int64))
        hidden = drawing.node("Mul", hidden, drawing.constant(HIDDEN))
    places = steps.values
    for layer in network.stack:
        places = draw_layer(layer, drawing, places, behind=hidden)
    ends = draw_mean(drawing, DrawnSteps(draw_normal(network.normal, drawing, places), steps.there))
    return draw_sums(network.last, drawing, ends)


def _draw_places(network: Attending, drawing: Drawing, rows: str) -> DrawnSteps:
    from modelward.training.neural.entries import DrawnSteps

    if network.entry is None or network.entered is None:
        rows = drawing.node("Unsqueeze", rows, drawing.constant([2], np.int64))
        steps = DrawnSteps(drawing.node("Mul", rows, draw_numbers(drawing, network.scale)), "")
    else:
        steps = network.entry.draw(drawing, rows)
        steps = DrawnSteps(draw_sums(network.entered, drawing, steps.values), steps.there)
    return DrawnSteps(drawing.node("Add", steps.values, draw_numbers(drawing, network.place)), steps.there)
