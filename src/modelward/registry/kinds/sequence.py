# SPDX-License-Identifier: Apache-2.0
"""Sequences: a list of known words in JSON, such as the items that somebody took; objects (text) [rows, length] for a graph, the
last words at the end, "" before the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.registry.values import UnfitValueError, is_unicode, json_kind

if TYPE_CHECKING:
    from modelward.registry.interface import Feature

LENGTH_LIMIT = 1024
WORDS_LIMIT = 10_000
WORD_LIMIT = 200
_SHOWN_WORDS = 20
_PLAIN_WORDS = 10


class SequenceKind:
    """See `Kind`. A feature says how many of the last words are read, `length`; `categories` are the words that training saw. A
    sequence without words is one: nothing is missing in it. An empty text is no word.
    """

    datatype, element, task = "BYTES", "STRING", "other"
    is_binary = False
    is_packed = False
    # A graph may score ten thousand items for each row, and compare all places of a sequence with each other.
    rows_at_once: int | None = 64

    def fault(self, feature: Feature) -> str:
        if 1 <= feature.length <= LENGTH_LIMIT:
            return ""
        return f"A sequence has a length of 1 to {LENGTH_LIMIT}, and {feature.name!r} has {feature.length}."

    def shape(self, feature: Feature) -> tuple[int, ...]:
        return (feature.length,)

    def tensor(self, feature: Feature) -> tuple[int, ...]:
        return (feature.length,)

    def json_type(self, feature: Feature) -> Any:
        return None

    def encoder(self, feature: Feature) -> Callable[[Any], tuple[str, ...]]:
        length = feature.length

        def encode(value: Any) -> tuple[str, ...]:
            if not isinstance(value, list | tuple):
                raise UnfitValueError(f"must be a list of texts and is {json_kind(value)}; send [] where there are none")
            if len(value) > WORDS_LIMIT:
                raise UnfitValueError(f"has {len(value):,} entries, and the limit is {WORDS_LIMIT:,}; send the last {length:,}")
            for place, word in enumerate(value, 1):
                if why := _why_no_word(word):
                    raise UnfitValueError(f"has an entry, number {place:,}, that {why}")
            # An array has places that no word takes; they hold the empty text.
            return tuple([word for word in value if word][-length:])

        return encode

    def listed(self, values: npt.NDArray[Any], feature: Feature) -> Sequence[Any]:
        """Of an array [rows, any number], in which the empty text is no word."""
        return [[word for word in row if word != ""] for row in values.reshape(len(values), -1).tolist()]

    def column(self, values: Sequence[Any], feature: Feature) -> npt.NDArray[np.object_]:
        block = np.full((len(values), feature.length), "", dtype=object)
        for row, words in enumerate(values):
            if words:
                block[row, -len(words) :] = words
        return block

    def plain(self, feature: Feature) -> list[str]:
        return list(feature.categories[: min(feature.length, _PLAIN_WORDS)])

    def told(self, feature: Feature) -> str:
        words = feature.categories
        shown = f"{', '.join(words[:_SHOWN_WORDS])}{', …' if len(words) > _SHOWN_WORDS else ''}"
        return f"the last {feature.length} of {len(words):,} known ones are read: {shown}"


def _why_no_word(word: Any) -> str:
    if type(word) is not str:
        return f"must be a text and is {json_kind(word)}"
    if len(word) > WORD_LIMIT:
        return f"is {len(word)} characters long; the limit is {WORD_LIMIT}"
    return "" if word.isascii() or is_unicode(word) else "holds half a character (a lone surrogate); send valid Unicode"
