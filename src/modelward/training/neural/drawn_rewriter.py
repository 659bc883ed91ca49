# SPDX-License-Identifier: Apache-2.0
"""Draws a Transformer that writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.training.graph import FLOAT, Drawing, State
from modelward.training.neural.decoding import DrawnStep, DrawnText
from modelward.training.neural.drawn_attention import (
    DrawnKept,
    draw_kept,
    draw_layer,
    draw_look,
    draw_normal,
    draw_numbers,
    draw_sums,
    draw_taken,
)
from modelward.training.neural.vocabulary import NEVER

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.rewriter import Rewriter, WritingLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRewriter:
    """The names of what was read: see `rewriter.Memory`. `hidden` is 0 at characters and far below elsewhere, [N, 1, 1, places]."""

    network: Rewriter
    rows: str
    kept: list[DrawnKept]
    hidden: str
    beam: int

    @classmethod
    def read(cls, drawing: Drawing, network: Rewriter, text: DrawnText, *, width: int, beam: int) -> DrawnRewriter:
        """Draw how a text is read."""
        is_there = drawing.node("Less", drawing.constant([list(range(width))], np.int64), text.lengths)
        hidden = drawing.node("Where", is_there, drawing.constant(0.0), drawing.constant(NEVER))
        hidden = drawing.node("Unsqueeze", hidden, drawing.constant([1, 2], np.int64))
        rows = drawing.node("Gather", draw_numbers(drawing, network.characters), text.ids)
        rows = drawing.node("Add", rows, draw_numbers(drawing, network.read_at))
        for layer in network.stacks[0]:
            rows = draw_layer(layer, drawing, rows, behind=hidden)
        rows = draw_normal(network.has_read, drawing, rows)
        kept = [draw_kept(layer.reading, drawing, rows) for layer in network.stacks[1]]
        return cls(network=network, rows=text.ids, kept=kept, hidden=hidden, beam=beam)

    def begin(self, drawing: Drawing) -> list[State]:
        """See `DrawnWriter`: what is offered and held of no unit yet, [N, beam, heads, units, width of a head]."""
        network, count = self.network, drawing.node("Shape", self.rows, start=0, end=1)
        shape = drawing.constant([self.beam, network.heads, 0, network.width // network.heads], np.int64)
        nothing = drawing.node("Expand", drawing.constant(0.0), drawing.node("Concat", count, shape, axis=0))
        return [State(nothing, FLOAT, 5) for _ in range(2 * len(network.stacks[1]))]

    def step(self, inside: Drawing, before: str, states: list[str], *, number: str) -> DrawnStep:
        """See `DrawnWriter`."""
        network = self.network
        after: list[str] = []
        rows = inside.node("Gather", draw_numbers(inside, network.pieces), before)
        rows = inside.node("Add", rows, inside.node("Gather", draw_numbers(inside, network.written_at), number))
        for place, (layer, read) in enumerate(zip(network.stacks[1], self.kept, strict=True)):
            own, before_it = layer.itself, draw_normal(layer.itself.before, inside, rows)
            taken, kept = self._own(layer, inside, before_it, states[2 * place : 2 * place + 2])
            rows = inside.node("Add", rows, taken)
            across = draw_normal(layer.across, inside, rows)
            rows = inside.node("Add", rows, draw_look(layer.reading, inside, across, read, behind=self.hidden))
            inner = inside.node("Gelu", draw_sums(own.wide, inside, draw_normal(own.between, inside, rows)))
            rows = inside.node("Add", rows, draw_sums(own.narrow, inside, inner))
            after += kept
        return DrawnStep(draw_sums(network.last, inside, draw_normal(network.has_written, inside, rows)), after)

    def _own(self, layer: WritingLayer, inside: Drawing, rows: str, kept: Sequence[str]) -> tuple[str, list[str]]:
        """What the newest unit of each text takes of that text alone, and what is kept of it with the newest."""
        attention, heads = layer.itself.attention, self.network.heads
        apart = inside.constant((0, 0, heads, 1, self.network.width // heads), np.int64)

        def side(part: torch.nn.Linear) -> str:
            return inside.node("Reshape", draw_sums(part, inside, rows), apart)

        new = side(attention.offered), side(attention.held)
        offered, held = (inside.node("Concat", *pair, axis=3) for pair in zip(kept, new, strict=True))
        turned = DrawnKept(inside.node("Transpose", offered, perm=[0, 1, 2, 4, 3]), held)
        taken = draw_taken(attention, inside, side(attention.asked), turned, behind="")
        beside = inside.node("Reshape", taken, inside.constant((0, 0, -1), np.int64))
        return draw_sums(attention.joined, inside, beside), [offered, held]
