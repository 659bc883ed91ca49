# SPDX-License-Identifier: Apache-2.0
"""A generator as it is served: one graph from a seed and a class to values, with chance and the units of the data inside."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.registry import VALUES, Feature, Interface
from modelward.training import chance
from modelward.training.graph import FLOAT, STRING, Drawing, in_bytes, prefix_apart_from
from modelward.training.parity import TOLERANCE, ParityReport
from modelward.training.recipe import FloatMatrix
from modelward.training.restoring import Restoration

if TYPE_CHECKING:
    from modelward.training.neural.adversarial import Generator

SEED = "seed"
_COMPARED_ROWS = 512
_SCORES, _SHARES = "scores", "shares"


@dataclass(frozen=True, slots=True)
class Drawn:
    """`like` is the interface of a classifier of the same data; a `shape` says that the values are an image."""

    network: Generator
    restoration: Restoration
    noise: int
    shape: tuple[int, ...]
    like: Interface

    @property
    def interface(self) -> Interface:
        """What it takes and gives."""
        target = self.like.target
        features = (
            Feature(SEED if target != SEED else f"{SEED}_", "number", minimum=0.0, maximum=chance.SEEDS - 1.0, is_bound=True),
            Feature(target, "category", categories=self.like.classes, is_bound=True),
        )
        if self.shape:
            return Interface(features, target, answer="values", shape=self.shape)
        names, known = tuple(self.like.names), dict(self.restoration.categories)
        categories = tuple(known.get(name, ()) for name in names)
        return Interface(features, target, answer="values", shape=(len(names),), values=names, categories=categories)

    def graph(self) -> bytes:
        """The graph that is served."""
        seed, target = self.interface.names
        drawing = Drawing(prefix=self._prefix)
        values = self._draw(drawing, seed, target)
        drawing.node("Reshape", values, drawing.constant((-1, *self.interface.shape), np.int64), called=VALUES)
        inputs = {seed: (FLOAT, ("N", 1)), target: (STRING, ("N", 1))}
        return in_bytes(drawing.finish(inputs, {VALUES: (FLOAT, ("N", *self.interface.shape))}))

    def compared(self, graph: bytes) -> ParityReport:
        """Ask the graph and the trained network for the same rows. Scores may differ by the tolerance; what follows from the
        graph's own scores must be the same to the last bit, but for a choice between values of a category that score alike.
        """
        seeds, places = np.arange(_COMPARED_ROWS, dtype=np.float32)[:, None], np.arange(_COMPARED_ROWS) % len(self.like.classes)
        found = self._answered(graph, seeds, np.array(self.like.classes, dtype=object)[places][:, None])
        draws = chance.uniform(seeds, self.noise + sum(self.restoration.sizes))
        differences = np.abs(found[_SCORES] - self._scores(draws[:, : self.noise], places)).max(axis=1)
        is_restored = self._is_restored(found, draws[:, self.noise :])
        differences = np.where(is_restored & np.isfinite(differences), differences, np.maximum(differences, 1.0))
        return ParityReport(
            rows=len(seeds),
            worst=float(np.nan_to_num(differences, nan=1.0).max()),
            differing=tuple(np.flatnonzero(~(differences <= TOLERANCE)).tolist()),
        )

    @property
    def _prefix(self) -> str:
        return prefix_apart_from(self.interface.names)

    @property
    def _numbers(self) -> int:
        return len(self.restoration.numbers)

    @property
    def _bounds(self) -> list[tuple[int, int]]:
        """From which score to which those of each category reach."""
        ends = np.cumsum([self._numbers, *self.restoration.sizes]).tolist()
        return list(itertools.pairwise(ends))

    def _draw(self, drawing: Drawing, seed: str, target: str) -> str:
        from modelward.training.neural.adversarial import STRETCH

        draws = chance.draw_uniform(drawing, seed, self.noise + sum(self.restoration.sizes))
        noise = drawing.node(
            "Sub", drawing.node("Mul", _part(drawing, draws, 0, self.noise), drawing.constant(2.0)), drawing.constant(1.0)
        )
        noise = drawing.node("Mul", noise, drawing.constant(STRETCH))
        rows = drawing.node("Concat", noise, self._draw_class(drawing, target), axis=1)
        scores = drawing.node("Identity", self.network.body.draw(drawing, rows), called=self._prefix + _SCORES)
        parts = []
        if self._numbers:
            shares = drawing.node("Sigmoid", _part(drawing, scores, 0, self._numbers), called=self._prefix + _SHARES)
            parts.append(self.restoration.draw(drawing, shares))
        parts += [self._draw_choice(drawing, scores, draws, begin, end) for begin, end in self._bounds]
        values = drawing.node("Concat", *parts, axis=1)
        return drawing.node("Gather", values, drawing.constant(self._order, np.int64), axis=1)

    @property
    def _order(self) -> list[int]:
        """Where each value of the interface stands among the restored columns. Pixels are in their order."""
        if self.shape:
            return [*range(self._numbers)]
        places = {name: place for place, name in enumerate(self.restoration.names)}
        return [places[name] for name in self.like.names]

    def _draw_class(self, drawing: Drawing, target: str) -> str:
        """The class one-hot; of one that training never saw, nothing but zeros."""
        codes = drawing.node(
            "LabelEncoder",
            target,
            domain="ai.onnx.ml",
            keys_strings=[name.encode() for name in self.like.classes],
            values_floats=[float(code) for code in range(len(self.like.classes))],
            default_float=-1.0,
        )
        known = drawing.constant(np.arange(len(self.like.classes))[None])
        return drawing.node("Cast", drawing.node("Equal", codes, known), to=FLOAT)

    def _draw_choice(self, drawing: Drawing, scores: str, draws: str, begin: int, end: int) -> str:
        """The place of one value of a category, drawn by its scores: the largest of these, each with Gumbel's noise."""
        first = self.noise - self._numbers
        doubt = drawing.node("Log", drawing.node("Neg", drawing.node("Log", _part(drawing, draws, begin + first, end + first))))
        heights = drawing.node("Sub", _part(drawing, scores, begin, end), doubt)
        return drawing.node("Cast", drawing.node("ArgMax", heights, axis=1, keepdims=1), to=FLOAT)

    def _scores(self, draws: FloatMatrix, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """What the trained network says."""
        import torch

        noise, classes = torch.from_numpy(draws * 2 - 1), torch.eye(len(self.like.classes))[torch.from_numpy(places)]
        with torch.no_grad():
            scores: npt.NDArray[np.float64] = self.network(noise, classes).numpy().astype(np.float64)
        return scores

    def _answered(self, graph: bytes, seeds: FloatMatrix, classes: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """The values of the graph, and what it computes on the way."""
        import onnx

        from modelward.training.parity import session_of

        seed, target = self.interface.names
        model = onnx.load_model_from_string(graph)
        inner = [_SCORES, _SHARES] if self._numbers else [_SCORES]
        model.graph.output.extend(onnx.helper.make_tensor_value_info(self._prefix + name, FLOAT, None) for name in inner)
        names = [VALUES, *(self._prefix + name for name in inner)]
        found = session_of(model.SerializeToString()).run(names, {seed: seeds, target: classes})
        return dict(zip([VALUES, *inner], found, strict=True))

    def _is_restored(self, found: dict[str, npt.NDArray[Any]], draws: FloatMatrix) -> npt.NDArray[np.bool_]:
        """Whether the values of each row follow from its scores."""
        flat = found[VALUES].reshape(len(draws), -1)[:, np.argsort(self._order)]
        is_right = np.ones(len(draws), dtype=np.bool_)
        if self._numbers:
            numbers, scores = self._numbers, found[_SCORES][:, : self._numbers].astype(np.float64)
            is_right &= (flat[:, :numbers] == self.restoration.apply(found[_SHARES])).all(axis=1)
            is_right &= (np.abs(found[_SHARES] - 1 / (1 + np.exp(-scores))) <= TOLERANCE).all(axis=1)
        for column, (begin, end) in enumerate(self._bounds, self._numbers):
            heights = found[_SCORES][:, begin:end] - np.log(-np.log(draws[:, begin - self._numbers : end - self._numbers]))
            chosen = np.take_along_axis(heights, flat[:, [column]].astype(np.int64), axis=1)[:, 0]
            is_right &= chosen >= heights.max(axis=1) - TOLERANCE
        return is_right


def _part(drawing: Drawing, rows: str, begin: int, end: int) -> str:
    """Some of the columns."""
    start, stop, axis = (drawing.constant([at], np.int64) for at in (begin, end, 1))
    return drawing.node("Slice", rows, start, stop, axis)
