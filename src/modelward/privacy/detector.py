# SPDX-License-Identifier: Apache-2.0
"""What finds one kind of personal data in a text, such as e-mail addresses or the numbers of identity cards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from modelward.privacy.folding import Folded

CERTAIN = 1.0
"""A check character or a calendar says so."""
CUED = 0.9
"""The words beside it say what it is."""
LIKELY = 0.7
"""Its form says so, and hardly anything else is written like it."""
GUESSED = 0.5
"""More likely than not."""
WEAK = 0.3
"""It may be, where it is all there is, as in a column of such values. It is not enough within a longer text."""


class Match(NamedTuple):
    """A stretch of a folded text, from `start` to before `end`, that a detector takes for what it looks for.

    `value` is what is meant, however it was written: digits without spaces, a check letter as a capital.
    """

    start: int
    end: int
    value: str
    strength: float


class Detector(Protocol):
    r"""Knows one kind of personal data.

    It is given text that was folded (see `Folded`) and MUST take time that grows with its length and no faster. Where the kind has
    a checksum or a calendar date, what fails it MUST NOT match. It MUST find the same in a text that is glued to others in a script
    without spaces: `\b` is between no digit and no Chinese character. Matches of one detector may overlap.
    """

    name: str

    def find(self, text: Folded) -> Iterable[Match]:
        """All that may be of this kind, in any order."""
        ...
