# SPDX-License-Identifier: Apache-2.0
"""The units that texts are read and written in, found in the training texts alone and kept in the version.

What is read is characters. What is written is characters, or subwords: characters that stand together most often are joined, again
and again (byte pair encoding, Sennrich, Haddow and Birch 2016), never across the blank that begins a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from modelward.registry import CodePoints

Ids = npt.NDArray[np.int64]
END, UNKNOWN = 0, 1
"""The first two units: what stands before and behind a text, and what training hardly saw. The second is never written."""
PADDING = -1
NEVER = -1e9
"""The log probability of what cannot be."""
LENGTH_POWER = 0.6
"""Texts that are followed side by side are compared by their log probability over this power of their units (Wu et al. 2016)."""
_WORD = re.compile(r" ?[^ ]+| ")
_LEAST_TOGETHER = 2


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The characters that are read, by code point, ascending. Place 0 is for what lies behind the end of a text, 1 for all
    others.
    """

    characters: Ids

    @classmethod
    def of(cls, points: CodePoints, *, most: int) -> Alphabet:
        """The most frequent characters in code points [n, length], of equals those of the lower code points."""
        found, counts = np.unique(points[points > 0], return_counts=True)
        return cls(np.sort(found[np.lexsort((found, -counts))][:most]).astype(np.int64))

    @property
    def size(self) -> int:
        return len(self.characters) + 2

    def ids(self, points: CodePoints) -> Ids:
        """The place of each character: int64 of the same shape."""
        at = np.minimum(np.searchsorted(self.characters, points), len(self.characters) - 1)
        known = np.where(self.characters[at] == points, at + 2, UNKNOWN)
        return np.where(points == 0, END, known).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Units:
    """The texts that are written one after the other, `pieces`; the first two are empty. `merges` say which two were joined."""

    pieces: tuple[str, ...]
    merges: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Iterable[str], *, most: int, are_subwords: bool) -> Units:
        """At most `most` units: the most frequent characters, and what joins them."""
        words = Counter(word for text in texts for word in _WORD.findall(text))
        letters: Counter[str] = Counter()
        for word, count in words.items():
            for letter in word:
                letters[letter] += count
        kept = sorted(sorted(letters), key=lambda letter: -letters[letter])[:most]
        joined = _joined(words, most=most - len(kept)) if are_subwords else []
        return cls(("", "", *kept, *("".join(pair) for pair in joined)), {pair: place for place, pair in enumerate(joined)})

    def ids(self, texts: Sequence[str], *, most: int | None = None) -> Ids:
        """The units of each text with `END` behind, [n, longest] with `PADDING` at the end; of a text of more than `most` units the
        first, without an end, for it has none there.
        """
        places = {piece: place for place, piece in enumerate(self.pieces) if piece}
        cut: dict[str, list[int]] = {}
        rows = [self._of_text(text, places, cut)[: None if most is None else most + 1] for text in texts]
        longest = max(map(len, rows), default=1) if most is None else most + 1
        found = np.full((len(rows), longest), PADDING, dtype=np.int64)
        for row, ids in enumerate(rows):
            found[row, : len(ids)] = ids
        return found

    def _of_text(self, text: str, places: dict[str, int], cut: dict[str, list[int]]) -> list[int]:
        ids: list[int] = []
        for word in _WORD.findall(text):
            if word not in cut:
                cut[word] = [places.get(piece, UNKNOWN) for piece in _split(word, self.merges)]
            ids += cut[word]
        return [*ids, END]


def _split(word: str, merges: dict[tuple[str, str], int]) -> list[str]:
    """The pieces of a word: what was joined first is joined first."""
    pieces, none = list(word), len(merges)
    while len(pieces) > 1:
        ranks = [merges.get(pair, none) for pair in pairwise(pieces)]
        if (rank := min(ranks)) == none:
            return pieces
        pieces = _with(pieces, ranks.index(rank))
    return pieces


def _with(pieces: list[str], at: int) -> list[str]:
    return [*pieces[:at], pieces[at] + pieces[at + 1], *pieces[at + 2 :]]


def _joined(words: Counter[str], *, most: int) -> list[tuple[str, str]]:
    """The pairs that were joined, in that order: each time the most frequent, of equals the first in the order of texts."""
    held = {word: list(word) for word in words}
    counts: Counter[tuple[str, str]] = Counter()
    lies_in: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for word, pieces in held.items():
        for pair in pairwise(pieces):
            counts[pair] += words[word]
            lies_in[pair].add(word)
    done: list[tuple[str, str]] = []
    while len(done) < most and counts:
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[best] < _LEAST_TOGETHER:
            break
        done.append(best)
        for word in sorted(lies_in.pop(best)):
            _join(word, best, held, counts, lies_in, count=words[word])
        counts.pop(best, None)
    return done


def _join(
    word: str,
    pair: tuple[str, str],
    held: dict[str, list[str]],
    counts: Counter[tuple[str, str]],
    lies_in: defaultdict[tuple[str, str], set[str]],
    *,
    count: int,
) -> None:
    """Join a pair wherever it stands in a word, and count the word's pairs anew."""
    pieces = held[word]
    for old in pairwise(pieces):
        counts[old] -= count
        lies_in[old].discard(word)
    at = 0
    while at < len(pieces) - 1:
        if (pieces[at], pieces[at + 1]) == pair:
            pieces = _with(pieces, at)
        at += 1
    held[word] = pieces
    for new in pairwise(pieces):
        counts[new] += count
        lies_in[new].add(word)
