# SPDX-License-Identifier: Apache-2.0
"""Parallel texts as a recipe learns from them: what is read beside what is to be written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelward.registry import CodePoints
from modelward.training.checkpoints import UNKEPT, Checkpoints
from modelward.training.recipe import UnusableInputsError

MOST_CHARACTERS = 1000
"""Longer answers are not learned: of a longer text its first characters are."""
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairInputs:
    """What a recipe learns from that answers with texts: code points int32 [n, width], zeros behind the end of each, and the text
    that each is to be answered with. `length` is the most characters of an answer. The rest is as `Inputs` has it.

    Raises:
        UnusableInputsError: there are not as many texts to be written as to be read, or none has a character.
    """

    train: CodePoints
    train_texts: tuple[str, ...]
    validation: CodePoints
    validation_texts: tuple[str, ...]
    length: int
    seed: int = 0
    device: str = "cpu"
    checkpoints: Checkpoints = UNKEPT

    def __post_init__(self) -> None:
        for part, rows, texts in (
            ("training", self.train, self.train_texts),
            ("validation", self.validation, self.validation_texts),
        ):
            if rows.ndim != 2 or rows.shape[1] != self.width or len(rows) != len(texts):
                raise UnusableInputsError(
                    f"The {part} part has {len(rows)} texts to be read and {len(texts)} to be written. Each needs its own."
                )
        if not any(self.train_texts):
            raise UnusableInputsError("No text that is to be written has a character. Name another target.")

    @property
    def width(self) -> int:
        """The characters that are read."""
        return int(self.train.shape[1])

    @property
    def has_validation(self) -> bool:
        """Whether there are pairs to stop early by."""
        return len(self.validation) > 0

    @property
    def classes(self) -> tuple[str, ...]:
        """None."""
        return ()

    def few(self) -> PairInputs:
        """The same with a few pairs."""
        rows, texts = self.train[:4], self.train_texts[:4]
        return replace(self, train=rows, train_texts=texts, validation=rows, validation_texts=texts)


def written(texts: Sequence[str]) -> tuple[str, ...]:
    """Texts as they are learned: in Unicode's form NFC, control characters and runs of white space as one space, none at the ends.

    Unlike what is read they keep their case and their full width, for what is written is to look as people write.
    """
    plain = (_BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip(" ") for text in texts)
    return tuple(text[:MOST_CHARACTERS].rstrip(" ") for text in plain)


def longest(texts: Sequence[str]) -> int:
    """The most characters of a text."""
    return int(np.max([len(text) for text in texts], initial=1))
