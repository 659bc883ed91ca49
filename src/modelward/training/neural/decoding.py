# SPDX-License-Identifier: Apache-2.0
"""Draws a translator: one graph that reads a text once and writes the answer in a loop, following `beam` texts side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.registry import TEXT
from modelward.training.graph import BOOL, FLOAT, INT32, INT64, PREPARED, Drawing, State, Step
from modelward.training.neural.gates import draw_layer, draw_recurrent
from modelward.training.neural.vocabulary import END, LENGTH_POWER, NEVER, UNKNOWN, Alphabet, Units

if TYPE_CHECKING:
    import onnx
    import torch

    from modelward.training.neural.translator import Translator


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How answers are written: the alphabet that is read, the units that are written, at most how many of them, how many texts are
    followed side by side, and at most how many characters an answer has.
    """

    alphabet: Alphabet
    units: Units
    most: int
    beam: int
    length: int


@dataclass(frozen=True, slots=True)
class _Read:
    """The names of what was read: see `translator.Memory`. `hidden` is 0 at characters and far below elsewhere, [N, 1, places]."""

    kept: str
    turned: str  # the same, [N, 2 * units, places]
    hidden: str
    start: list[str]


def draw(network: Translator, writing: Writing, *, width: int) -> onnx.ModelProto:
    """The graph from `X`, code points int32 [N, width], to `text`, code points int32 [N, length]."""
    drawing = Drawing()
    read = _read(drawing, network, writing, width=width)
    found = _written(drawing, network, writing, read)
    drawing.node("Identity", _spelt(drawing, found, writing), called=TEXT)
    return drawing.finish({PREPARED: (INT32, ("N", width))}, {TEXT: (INT32, ("N", writing.length))})


def _read(drawing: Drawing, network: Translator, writing: Writing, *, width: int) -> _Read:
    characters = writing.alphabet.characters.tolist()
    codes: dict[str, Any] = {
        "keys_int64s": [0, *characters],
        "values_int64s": [END, *range(2, len(characters) + 2)],
        "default_int64": UNKNOWN,
    }
    points = drawing.node("Cast", PREPARED, to=INT64)
    ids = drawing.node("LabelEncoder", points, domain="ai.onnx.ml", **codes)
    is_character = drawing.node("Cast", drawing.node("Greater", points, _whole(drawing, 0)), to=INT64)
    lengths = drawing.node("Max", drawing.node("ReduceSum", is_character, _whole(drawing, [1])), _whole(drawing, 1))
    rows = drawing.node("Transpose", drawing.node("Gather", _weights(drawing, network.characters), ids), perm=[1, 0, 2])
    flat = drawing.node("Cast", drawing.node("Squeeze", lengths, _whole(drawing, [1])), to=INT32)
    for layer in network.stacks[0]:
        rows = draw_layer(drawing, rows, layer, lengths=flat)
    kept = drawing.node("Transpose", rows, perm=[1, 0, 2])
    sums = drawing.node("ReduceSum", kept, _whole(drawing, [1]), keepdims=0)
    mean = drawing.node("Div", sums, drawing.node("Cast", lengths, to=FLOAT))
    start = drawing.node("Tanh", _linear(drawing, mean, network.bridge))
    is_there = drawing.node("Less", _whole(drawing, [list(range(width))]), lengths)
    hidden = drawing.node("Where", is_there, drawing.constant(0.0), drawing.constant(NEVER))
    parts = network.bridge.out_features // network.units
    return _Read(
        kept=kept,
        turned=drawing.node("Transpose", kept, perm=[0, 2, 1]),
        hidden=drawing.node("Unsqueeze", hidden, _whole(drawing, [1])),
        start=drawing.nodes("Split", start, count=parts, axis=1, num_outputs=parts) if parts > 1 else [start],
    )


def _written(drawing: Drawing, network: Translator, writing: Writing, read: _Read) -> str:
    """The units of the answers, int64 [N, most]."""
    beam, most = writing.beam, writing.most
    rows = drawing.node("Shape", read.kept, start=0, end=1)

    def filled(values: npt.ArrayLike, dtype: npt.DTypeLike, *shape: int) -> str:
        """A constant, for each row."""
        whole = drawing.node("Concat", rows, _whole(drawing, list(shape)), axis=0)
        return drawing.node("Expand", drawing.constant(values, dtype), whole)

    first = [0.0] + [NEVER] * (beam - 1)
    wide = [
        drawing.node("Tile", drawing.node("Unsqueeze", part, _whole(drawing, [1])), _whole(drawing, [1, beam, 1]))
        for part in read.start
    ]
    states = [
        State(filled(END, np.int64, beam, most), INT64, 3),
        State(filled(first, np.float32, beam), FLOAT, 2),
        State(filled(False, np.bool_, beam), BOOL, 2),  # noqa: FBT003  # a value
        State(filled(END, np.int64, beam), INT64, 2),
        *(State(part, FLOAT, 3) for part in wide),
    ]

    def round_(inside: Drawing, number: str, names: list[str]) -> Step:
        return _round(inside, network, writing, read, number, names)

    units, scores, *_ = drawing.loop(states, round_, most=most)
    is_unit = drawing.node("Cast", drawing.node("Greater", units, _whole(drawing, END)), to=FLOAT)
    lengths = drawing.node("ReduceSum", is_unit, _whole(drawing, [2]), keepdims=0)
    power = drawing.node("Pow", drawing.node("Add", lengths, drawing.constant(1.0)), drawing.constant(LENGTH_POWER))
    best = drawing.node("ArgMax", drawing.node("Div", scores, power), axis=1, keepdims=1)
    return drawing.node("GatherND", units, best, batch_dims=1)


def _round(inside: Drawing, network: Translator, writing: Writing, read: _Read, number: str, names: list[str]) -> Step:
    """One more unit behind each text that is followed."""
    units, scores, has_ended, before, *states = names
    beam, vocabulary = writing.beam, len(writing.units.pieces)
    told, states = _step(inside, network, before, states)
    likely = inside.node("LogSoftmax", _next(inside, network, told, read), axis=2)
    closed, barred = np.full(vocabulary, NEVER), np.zeros(vocabulary, dtype=bool)
    closed[END], barred[UNKNOWN] = 0.0, True
    likely = inside.node("Where", inside.constant(barred, np.bool_), inside.constant(NEVER), likely)
    is_over = inside.node("Unsqueeze", has_ended, _whole(inside, [2]))
    likely = inside.node("Where", is_over, inside.constant(closed), likely)
    sums = inside.node("Add", inside.node("Unsqueeze", scores, _whole(inside, [2])), likely)
    flat = inside.node("Reshape", sums, _whole(inside, [0, -1]))
    scores, best = inside.nodes("TopK", flat, _whole(inside, [beam]), count=2, axis=1)
    size = _whole(inside, vocabulary)
    of = inside.node("Unsqueeze", inside.node("Div", best, size), _whole(inside, [2]))
    before = inside.node("Mod", best, size)
    units, has_ended, *states = (inside.node("GatherND", name, of, batch_dims=1) for name in (units, has_ended, *states))
    is_here = inside.node("Equal", _whole(inside, list(range(writing.most))), number)
    units = inside.node("Where", is_here, inside.node("Unsqueeze", before, _whole(inside, [2])), units)
    has_ended = inside.node("Or", has_ended, inside.node("Equal", before, _whole(inside, END)))
    fewest = inside.node("ReduceMin", inside.node("Cast", has_ended, to=INT32), keepdims=0)
    goes_on = inside.node("Equal", fewest, inside.constant(0, np.int32))
    return Step(goes_on, [units, scores, has_ended, before, *states])


def _step(inside: Drawing, network: Translator, before: str, states: list[str]) -> tuple[str, list[str]]:
    """What the last layer wrote, [N, beam, units], and what the layers hand on."""
    shape = inside.node("Concat", inside.node("Shape", before), _whole(inside, [network.units]), axis=0)
    told = inside.node("Gather", _weights(inside, network.pieces), before)
    told = inside.node("Reshape", told, _whole(inside, [1, -1, network.pieces.shape[1]]))
    flat = [inside.node("Reshape", state, _whole(inside, [1, -1, network.units])) for state in states]
    each, after = 1 + network.is_lstm, []
    for place, layer in enumerate(network.stacks[1]):
        given = flat[each * place : each * (place + 1)]
        written, *ended = draw_recurrent(inside, told, layer, initial=given, ends=True)
        told = inside.node("Squeeze", written, _whole(inside, [1]))
        after += [inside.node("Reshape", part, shape) for part in ended]
    return inside.node("Reshape", told, shape), after


def _next(inside: Drawing, network: Translator, told: str, read: _Read) -> str:
    """Logits [N, beam, vocabulary]."""
    fits = inside.node("MatMul", _linear(inside, told, network.ask), read.turned)
    fits = inside.node("Div", fits, inside.constant(math.sqrt(2 * network.units)))
    fits = inside.node("Softmax", inside.node("Add", fits, read.hidden), axis=2)
    both = inside.node("Concat", told, inside.node("MatMul", fits, read.kept), axis=2)
    return _linear(inside, inside.node("Tanh", _linear(inside, both, network.join)), network.last)


def _spelt(drawing: Drawing, units: str, writing: Writing) -> str:
    """The code points [N, length] of units [N, most]: their characters one after the other, without what lies between."""
    pieces = writing.units.pieces
    wide = max(map(len, pieces))
    table = np.zeros((len(pieces), wide), dtype=np.int32)
    for place, piece in enumerate(pieces):
        table[place, : len(piece)] = [ord(letter) for letter in piece]
    whole = writing.most * wide
    points = drawing.node("Reshape", drawing.node("Gather", drawing.constant(table, np.int32), units), _whole(drawing, [-1, whole]))
    places = np.arange(whole)
    is_there = drawing.node("Greater", points, drawing.constant(0, np.int32))
    order = drawing.node("Where", is_there, _whole(drawing, whole - places), _whole(drawing, -places))
    first = drawing.top(order, min(writing.length, whole))
    found = drawing.node("GatherElements", points, first, axis=1)
    if whole < writing.length:
        found = drawing.node("Pad", found, _whole(drawing, [0, 0, 0, writing.length - whole]))
    return found


def _linear(drawing: Drawing, rows: str, layer: torch.nn.Linear) -> str:
    product = drawing.node("MatMul", rows, drawing.constant(layer.weight.detach().numpy().T))
    return drawing.node("Add", product, _weights(drawing, layer.bias))


def _weights(drawing: Drawing, weights: torch.Tensor) -> str:
    return drawing.constant(weights.detach().numpy())


def _whole(drawing: Drawing, numbers: npt.ArrayLike) -> str:
    return drawing.constant(numbers, np.int64)
