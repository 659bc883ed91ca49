# SPDX-License-Identifier: Apache-2.0
"""Rows of text that are alike: they share most of their shingles, the runs of five characters in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.datasets.linking import Keys, Rows, mixed
from modelward.datasets.set_likeness import alike_by_sets

if TYPE_CHECKING:
    import polars as pl

_SHINGLE = 5


def alike_by_text(texts: pl.Series, *, similarity: float) -> Rows:
    """The component [n] of each text, where two are near if the similarity of Dice of their shingles is at least `similarity`.

    Case and the width of blanks do not count. A text that is missing or blank is near no other.
    """
    plain = texts.fill_null("").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    return alike_by_sets(plain.to_list(), _shingles, similarity=similarity)


def _shingles(texts: list[str]) -> tuple[Keys, Rows]:
    """The hash of each shingle of all texts, one after the other, and where each text begins.

    Four zero characters end a text, so that one of `k` characters has `k` shingles however short it is.
    """
    ended = "".join(text + "\0" * (_SHINGLE - 1) for text in texts)
    letters = np.frombuffer(ended.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths[:-1])]).astype(np.int64)
    hashed = np.zeros(len(letters) - _SHINGLE + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for place in range(_SHINGLE):
            hashed = hashed * np.uint64(0x100000001B3) + letters[place : place + len(hashed)]
    of_text = np.repeat(np.arange(len(texts)), lengths)
    return mixed(hashed[np.arange(len(of_text)) + (_SHINGLE - 1) * of_text], 0), starts
