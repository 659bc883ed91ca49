# SPDX-License-Identifier: Apache-2.0
"""Draws a translator: one graph that reads a text once and writes the answer in a loop, following `beam` texts side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from modelward.registry import TEXT
from modelward.training.graph import BOOL, FLOAT, INT32, INT64, PREPARED, Drawing, State, Step
from modelward.training.neural.vocabulary import END, LENGTH_POWER, NEVER, UNKNOWN, Alphabet, Units

if TYPE_CHECKING:
    import onnx


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


class DrawnText(NamedTuple):
    """The names of a text's places in the alphabet, int64 [N, width], and of how many are read, int64 [N, 1], at least one."""

    ids: str
    lengths: str


class DrawnStep(NamedTuple):
    """The names of the logits [N, beam, vocabulary] of each next unit, and of what is handed on."""

    logits: str
    states: list[str]


class DrawnWriter(Protocol):
    """What was read, drawn: see `following.Writer`."""

    def begin(self, drawing: Drawing) -> list[State]:
        """What writing begins with, each [N, beam, ...]."""
        ...

    def step(self, inside: Drawing, before: str, states: list[str], *, number: str) -> DrawnStep:
        """What comes behind the units `before`, int64 [N, beam], of which there are `number` in front of the next."""
        ...


Reader = Callable[[Drawing, DrawnText], DrawnWriter]
"""Draws how a text is read."""


def draw(reader: Reader, writing: Writing, *, width: int) -> onnx.ModelProto:
    """The graph from `X`, code points int32 [N, width], to `text`, code points int32 [N, length]."""
    drawing = Drawing()
    text = _text(drawing, writing)
    found = _written(drawing, reader(drawing, text), writing, text)
    drawing.node("Identity", _spelt(drawing, found, writing), called=TEXT)
    return drawing.finish({PREPARED: (INT32, ("N", width))}, {TEXT: (INT32, ("N", writing.length))})


def _text(drawing: Drawing, writing: Writing) -> DrawnText:
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
    return DrawnText(ids, lengths)


def _written(drawing: Drawing, writer: DrawnWriter, writing: Writing, text: DrawnText) -> str:
    """The units of the answers, int64 [N, most]."""
    beam, most = writing.beam, writing.most
    rows = drawing.node("Shape", text.ids, start=0, end=1)

    def filled(values: npt.ArrayLike, dtype: npt.DTypeLike, *shape: int) -> str:
        """A constant, for each row."""
        whole = drawing.node("Concat", rows, _whole(drawing, list(shape)), axis=0)
        return drawing.node("Expand", drawing.constant(values, dtype), whole)

    first = [0.0] + [NEVER] * (beam - 1)
    states = [
        State(filled(END, np.int64, beam, most), INT64, 3),
        State(filled(first, np.float32, beam), FLOAT, 2),
        State(filled(False, np.bool_, beam), BOOL, 2),  # noqa: FBT003  # a value
        State(filled(END, np.int64, beam), INT64, 2),
        *writer.begin(drawing),
    ]

    def round_(inside: Drawing, number: str, names: list[str]) -> Step:
        return _round(inside, writer, writing, number, names)

    units, scores, *_ = drawing.loop(states, round_, most=most)
    is_unit = drawing.node("Cast", drawing.node("Greater", units, _whole(drawing, END)), to=FLOAT)
    lengths = drawing.node("ReduceSum", is_unit, _whole(drawing, [2]), keepdims=0)
    power = drawing.node("Pow", drawing.node("Add", lengths, drawing.constant(1.0)), drawing.constant(LENGTH_POWER))
    best = drawing.node("ArgMax", drawing.node("Div", scores, power), axis=1, keepdims=1)
    return drawing.node("GatherND", units, best, batch_dims=1)


def _round(inside: Drawing, writer: DrawnWriter, writing: Writing, number: str, names: list[str]) -> Step:
    """One more unit behind each text that is followed."""
    units, scores, has_ended, before, *states = names
    beam, vocabulary = writing.beam, len(writing.units.pieces)
    logits, states = writer.step(inside, before, states, number=number)
    likely = inside.node("LogSoftmax", logits, axis=2)
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


def _whole(drawing: Drawing, numbers: npt.ArrayLike) -> str:
    return drawing.constant(numbers, np.int64)
