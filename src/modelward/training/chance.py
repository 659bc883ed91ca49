# SPDX-License-Identifier: Apache-2.0
"""Chance that can be repeated: numbers that look drawn at random and follow from a seed alone, the same in numpy and in a graph.

What a generator makes must be made again from the record of its question, so a graph may draw nothing by itself. Each number is
a hash of the seed and of its own place: two rounds of the mixing of 32 bits that Chris Wellons found by search ("Hash function
prospector", github.com/skeeto/hash-prospector, public domain), with multipliers below 2³¹, so that products fit into 63 bits.
It is no cipher: who knows the seed knows the numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelward.training.graph import FLOAT, Drawing

SEEDS = 1 << 24
"""So many seeds give numbers of their own: the whole numbers that float32 tells apart, from 0."""
_INT64 = 7
_MASK = (1 << 32) - 1
_STEPS = (0x9E3779B9, 0x7F4A7C15)
# Shift, then multiply; the last shift stands alone.
_MIXING = ((16, 0x21F0AAAD), (15, 0x735A2D97), (15, None))
_FINE = 1 << 23


def uniform(seeds: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """Numbers [n, count], evenly spread between 0 and 1, of seeds [n, 1]; neither bound is reached."""
    whole = np.floor(np.minimum(np.abs(np.where(np.isnan(seeds), np.float32(0), seeds)), np.float32(SEEDS - 1))).astype(np.int64)
    mixed = _mixed(_mixed((whole * _STEPS[1]) & _MASK) ^ _places(count))
    return ((mixed >> 9).astype(np.float32) + np.float32(0.5)) / np.float32(_FINE)


def draw_uniform(drawing: Drawing, seeds: str, count: int) -> str:
    """The same in ONNX."""
    known = drawing.node("Where", drawing.node("IsNaN", seeds), drawing.constant(0.0), seeds)
    held = drawing.node("Min", drawing.node("Abs", known), drawing.constant(SEEDS - 1.0))
    whole = drawing.node("Cast", drawing.node("Floor", held), to=_INT64)
    begun = drawing.node("BitwiseAnd", drawing.node("Mul", whole, drawing.constant(_STEPS[1], np.int64)), _mask(drawing))
    placed = drawing.node("BitwiseXor", _draw_mixed(drawing, begun), drawing.constant(_places(count), np.int64))
    fine = drawing.node("Div", _draw_mixed(drawing, placed), drawing.constant(1 << 9, np.int64))
    middle = drawing.node("Add", drawing.node("Cast", fine, to=FLOAT), drawing.constant(0.5))
    return drawing.node("Div", middle, drawing.constant(float(_FINE)))


def _places(count: int) -> npt.NDArray[np.int64]:
    return (np.arange(1, count + 1, dtype=np.int64)[None] * _STEPS[0]) & _MASK


def _mixed(words: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    for shift, factor in _MIXING:
        words = words ^ (words >> shift)
        if factor:
            words = (words * factor) & _MASK
    return words


def _draw_mixed(drawing: Drawing, words: str) -> str:
    mask = _mask(drawing)
    for shift, factor in _MIXING:
        # No word is negative, so to divide is to shift.
        words = drawing.node("BitwiseXor", words, drawing.node("Div", words, drawing.constant(1 << shift, np.int64)))
        if factor:
            words = drawing.node("BitwiseAnd", drawing.node("Mul", words, drawing.constant(factor, np.int64)), mask)
    return words


def _mask(drawing: Drawing) -> str:
    return drawing.constant(_MASK, np.int64)
