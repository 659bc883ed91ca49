# SPDX-License-Identifier: Apache-2.0
"""SASRec: looks back at the history with attention, and says what comes next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from msgspec import Meta

from modelward.training.graph import FLOAT, Drawing
from modelward.training.neural import Learning, Randomness, check_installed, dense_weights
from modelward.training.neural.drawn_attention import draw_layer, draw_normal, draw_numbers
from modelward.training.neural.next_items import recommender
from modelward.training.recipe import Inputs, InvalidParameterError, Made, Progress, Takes
from modelward.training.recommending import Seen, check_histories, draw_answer, repeats_note

if TYPE_CHECKING:
    from modelward.training.neural.histories import Histories


class SelfAttentiveParameters(Learning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `sasrec`."""

    seen: Seen = "exclude"
    learning_rate: Annotated[float, Meta(gt=0, le=1000, description="Length of a step.")] = 3e-3
    batch_size: Annotated[int, Meta(ge=0, le=1_000_000, description="Pieces of histories for one step; 0 means all of them.")] = 64
    epochs: Annotated[int, Meta(ge=1, le=10_000, description="Most passes over the training rows.")] = 30
    l2: Annotated[
        float, Meta(ge=0, le=100, description="L2 penalty on the weights; `adamw` takes it off the weights, not off the gradient.")
    ] = 1e-5
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of hidden units left out in each training step.")] = 0.2
    reach: Annotated[
        int,
        Meta(ge=1, le=1024, description="How many of the last items it looks at; what lies before is only left out of the answer."),
    ] = 50
    width: Annotated[int, Meta(ge=1, le=2048, description="Numbers that stand for an item.")] = 64
    heads: Annotated[int, Meta(ge=1, le=64, description="Looks at the history side by side; they share the width.")] = 2
    layers: Annotated[int, Meta(ge=1, le=24, description="Layers of attention.")] = 2
    inner: Annotated[int, Meta(ge=1, le=8192, description="Units at each place between two looks.")] = 128
    forgotten: Annotated[
        float,
        Meta(ge=0, lt=1, description="Share of the items read as unknown ones while it is trained, so that it can do with some."),
    ] = 0.2


@dataclass(frozen=True, slots=True)
class SelfAttentive:
    """SASRec (Kang and McAuley, 2018), trained with the cross-entropy over all items (Klenitskiy and Vasilev, 2023). The best epoch
    by the validation loss is kept.

    Raises:
        InvalidParameterError: the heads cannot share the width. MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[SelfAttentiveParameters]] = SelfAttentiveParameters
    takes: ClassVar[Takes] = "sequence"
    sizes: ClassVar[tuple[str, ...]] = ("width", "inner")
    parameters: SelfAttentiveParameters

    def __post_init__(self) -> None:
        check_installed("sasrec")
        asked = self.parameters
        if asked.width % asked.heads:
            raise InvalidParameterError(
                f"The {asked.heads} heads of the recipe 'sasrec' cannot share a width of {asked.width} evenly. "
                f"Set `width: {asked.heads * math.ceil(asked.width / asked.heads)}`, or other `heads`."
            )

    def weights(self, inputs: Inputs) -> int:
        """See `memory.Sized`."""
        asked, wide, classes = self.parameters, self.parameters.width, len(inputs.classes)
        layer = 4 * dense_weights((wide, wide)) + dense_weights((wide, asked.inner, wide)) + 4 * wide
        return (classes + 2 + min(inputs.width, asked.reach)) * wide + classes + asked.layers * layer + 2 * wide

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        check_histories(inputs)
        asked = self.parameters

        def network(randomness: Randomness) -> Histories:
            from modelward.training.neural.histories import Histories

            return Histories(
                known=len(inputs.classes),
                length=min(inputs.width, asked.reach),
                width=asked.width,
                heads=asked.heads,
                layers=asked.layers,
                inner=asked.inner,
                dropout=asked.dropout,
                forgotten=asked.forgotten,
                randomness=randomness,
            )

        def draw(network: Histories, drawing: Drawing, histories: str) -> str:
            logits = _draw(network, drawing, histories)
            return draw_answer(drawing, logits, histories, known=network.known, seen=asked.seen)

        notes = repeats_note(inputs, seen=asked.seen)
        return recommender("sasrec", inputs, asked, progress, network=network, draw=draw, seen=asked.seen, notes=notes)


def _draw(network: Histories, drawing: Drawing, histories: str) -> str:
    """The network's logits."""
    length = network.place.shape[0]
    bounds = (drawing.constant([bound], np.int64) for bound in (-length, 2**31, 1))
    histories = drawing.node("Slice", histories, *bounds)
    nothing = drawing.node("Equal", histories, drawing.constant(0, np.int32))
    behind = _draw_hidden(network, drawing, nothing)
    items = network.items.detach().numpy()
    rows = drawing.node("Gather", drawing.constant(items * network.scale), histories, axis=0)
    there = drawing.node("Cast", drawing.node("Not", nothing), to=FLOAT)
    there = drawing.node("Unsqueeze", there, drawing.constant([2], np.int64))
    rows = drawing.node("Add", rows, drawing.node("Mul", there, draw_numbers(drawing, network.place)))
    for layer in network.stack:
        rows = draw_layer(layer, drawing, rows, behind=behind)
    last = drawing.node("Gather", draw_normal(network.normal, drawing, rows), drawing.constant([-1], np.int64), axis=1)
    last = drawing.node("Squeeze", last, drawing.constant([1], np.int64))
    compared = drawing.constant(items[1 : network.known + 1].T)
    return drawing.node("Add", drawing.node("MatMul", last, compared), draw_numbers(drawing, network.bias))


def _draw_hidden(network: Histories, drawing: Drawing, nothing: str) -> str:
    """What is added to how well places fit [N, 1, length, length], so that those which are not looked at do not."""
    from modelward.training.neural.attending import HIDDEN

    length = network.place.shape[0]
    of_keys = drawing.node("Unsqueeze", nothing, drawing.constant([1, 2], np.int64))
    others = drawing.constant(~np.eye(length, dtype=bool)[None, None], np.bool_)
    ahead = drawing.constant(network.ahead.numpy()[None, None], np.bool_)
    hidden = drawing.node("Or", drawing.node("And", of_keys, others), ahead)
    return drawing.node("Where", hidden, drawing.constant(HIDDEN), drawing.constant(0.0))
