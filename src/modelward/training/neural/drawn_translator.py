# SPDX-License-Identifier: Apache-2.0
"""Draws a recurrent translator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.training.graph import FLOAT, INT32, Drawing, State
from modelward.training.neural.decoding import DrawnStep, DrawnText
from modelward.training.neural.drawn_attention import draw_numbers, draw_sums
from modelward.training.neural.gates import draw_layer, draw_recurrent
from modelward.training.neural.vocabulary import NEVER

if TYPE_CHECKING:
    from modelward.training.neural.translator import Translator


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnTranslator:
    """The names of what was read: see `translator.Memory`. `hidden` is 0 at characters and far below elsewhere, [N, 1, places]."""

    network: Translator
    kept: str
    turned: str  # the same, [N, 2 * units, places]
    hidden: str
    start: list[str]
    beam: int

    @classmethod
    def read(cls, drawing: Drawing, network: Translator, text: DrawnText, *, width: int, beam: int) -> DrawnTranslator:
        """Draw how a text is read."""
        whole = drawing.constant([1], np.int64)
        rows = drawing.node(
            "Transpose", drawing.node("Gather", draw_numbers(drawing, network.characters), text.ids), perm=[1, 0, 2]
        )
        flat = drawing.node("Cast", drawing.node("Squeeze", text.lengths, whole), to=INT32)
        for layer in network.stacks[0]:
            rows = draw_layer(drawing, rows, layer, lengths=flat)
        kept = drawing.node("Transpose", rows, perm=[1, 0, 2])
        sums = drawing.node("ReduceSum", kept, whole, keepdims=0)
        mean = drawing.node("Div", sums, drawing.node("Cast", text.lengths, to=FLOAT))
        start = drawing.node("Tanh", draw_sums(network.bridge, drawing, mean))
        is_there = drawing.node("Less", drawing.constant([list(range(width))], np.int64), text.lengths)
        hidden = drawing.node("Where", is_there, drawing.constant(0.0), drawing.constant(NEVER))
        parts = network.bridge.out_features // network.units
        return cls(
            network=network,
            kept=kept,
            turned=drawing.node("Transpose", kept, perm=[0, 2, 1]),
            hidden=drawing.node("Unsqueeze", hidden, whole),
            start=drawing.nodes("Split", start, count=parts, axis=1, num_outputs=parts) if parts > 1 else [start],
            beam=beam,
        )

    def begin(self, drawing: Drawing) -> list[State]:
        """See `DrawnWriter`."""
        one, wide = drawing.constant([1], np.int64), drawing.constant([1, self.beam, 1], np.int64)
        return [State(drawing.node("Tile", drawing.node("Unsqueeze", part, one), wide), FLOAT, 3) for part in self.start]

    def step(self, inside: Drawing, before: str, states: list[str], *, number: str) -> DrawnStep:  # noqa: ARG002  # wherever it stands
        """See `DrawnWriter`."""
        network = self.network
        units, one = inside.constant([network.units], np.int64), inside.constant([1], np.int64)
        shape = inside.node("Concat", inside.node("Shape", before), units, axis=0)
        told = inside.node("Gather", draw_numbers(inside, network.pieces), before)
        told = inside.node("Reshape", told, inside.constant([1, -1, network.pieces.shape[1]], np.int64))
        beside = inside.constant([1, -1, network.units], np.int64)
        flat = [inside.node("Reshape", state, beside) for state in states]
        each, after = 1 + network.is_lstm, []
        for place, layer in enumerate(network.stacks[1]):
            given = flat[each * place : each * (place + 1)]
            written, *ended = draw_recurrent(inside, told, layer, initial=given, ends=True)
            told = inside.node("Squeeze", written, one)
            after += [inside.node("Reshape", part, shape) for part in ended]
        return DrawnStep(self._next(inside, inside.node("Reshape", told, shape)), after)

    def _next(self, inside: Drawing, told: str) -> str:
        """Logits [N, beam, vocabulary]."""
        network = self.network
        fits = inside.node("MatMul", draw_sums(network.ask, inside, told), self.turned)
        fits = inside.node("Div", fits, inside.constant(math.sqrt(2 * network.units)))
        fits = inside.node("Softmax", inside.node("Add", fits, self.hidden), axis=2)
        both = inside.node("Concat", told, inside.node("MatMul", fits, self.kept), axis=2)
        return draw_sums(network.last, inside, inside.node("Tanh", draw_sums(network.join, inside, both)))
