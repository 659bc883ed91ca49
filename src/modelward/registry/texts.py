# SPDX-License-Identifier: Apache-2.0
"""Texts as a graph takes them: their Unicode code points. They are made here and nowhere else, for training as for answering, so
that a model is asked in the very form that it learned from.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from modelward.privacy import of_few_marks

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

CodePoints = npt.NDArray[np.int32]

LENGTH_LIMIT = 1 << 14
# What lies further on is not even normalised: that would be work without end for what is cut off in the end.
_LOOKED_AT_A_CHARACTER = 8
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class ReadText(NamedTuple):
    """What is read of a text, and whether there was more of it than that."""

    text: str
    is_cut: bool


class ReadTexts(NamedTuple):
    """What is read of texts, int32 [rows, length], and the rows of which there was more than that."""

    points: CodePoints
    cut: list[int]


def read_text(text: str, *, length: int, lowercase: bool) -> ReadText:
    """At most `length` characters of `text` as a model reads them: in Unicode's form NFKC (full width like half width, ligatures
    as letters), in lower case where that is asked, control characters and runs of white space as one space, none at the ends.

    Only the first `8 * length` characters are looked at, and of combining marks in a row the first 30.
    """
    most = _LOOKED_AT_A_CHARACTER * length
    kept = unicodedata.normalize("NFKC", of_few_marks(text[:most]))
    kept = kept.lower() if lowercase else kept
    whole = _BLANKS.sub(" ", kept).strip(" ")
    # Blanks that nobody looked at are no text that was left out.
    is_cut = len(whole) > length or (len(text) > most and not _BLANKS.fullmatch(text, most))
    return ReadText(whole[:length].rstrip(" "), is_cut)


def read_texts(texts: Sequence[str], feature: Feature) -> ReadTexts:
    """The code points of each of `texts`, normalised and cut at `feature.length`, with zeros behind the end; and which were cut.

    No text holds a zero, for control characters became spaces: a zero always means that the text has ended.
    """
    points, cut = np.zeros((len(texts), feature.length), dtype=np.int32), []
    for row, text in enumerate(texts):
        kept, is_cut = read_text(text, length=feature.length, lowercase=feature.lowercase)
        points[row, : len(kept)] = np.frombuffer(kept.encode("utf-32-le"), dtype="<i4")
        if is_cut:
            cut.append(row)
    return ReadTexts(points, cut)


def code_points(texts: Sequence[str], feature: Feature) -> CodePoints:
    """The `points` of `read_texts`."""
    return read_texts(texts, feature).points


def texts_of(points: CodePoints) -> list[str]:
    """The texts that a graph answers with, int32 [rows, length]: each up to its first zero. What is no character becomes U+FFFD."""
    has_ended = np.logical_or.accumulate(points == 0, axis=1)
    is_character = (points > 0) & (points < 0x110000) & ((points < 0xD800) | (points > 0xDFFF))
    whole = np.where(is_character, points, 0xFFFD).astype("<i4")
    return [row[~ended].tobytes().decode("utf-32-le") for row, ended in zip(whole, has_ended, strict=True)]


class Alphabet:
    """Tells the texts apart of which training hardly saw the characters. Between threads it may be shared."""

    def __init__(self, characters: str, *, strange_share: float) -> None:
        self._is_strange = np.ones(sys.maxunicode + 1, dtype=np.bool_)
        # A zero is no character: there the text has ended.
        self._is_strange[[0, *map(ord, characters)]] = False
        self._most = strange_share

    def strange(self, points: CodePoints) -> list[int]:
        """The rows of `points`, [rows, length], that hold a larger share of strange characters than the texts of training."""
        count = self._is_strange[points].sum(axis=1)
        if not count.any():
            return []
        return [int(at) for at in np.flatnonzero(count > self._most * np.count_nonzero(points, axis=1))]


def text_of(points: CodePoints) -> str:
    """The text whose code points these are, int32 [length]; what lies behind its end is left out."""
    held: bytes = points[points != 0].astype("<i4").tobytes()
    return held.decode("utf-32-le")
