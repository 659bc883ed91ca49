# SPDX-License-Identifier: Apache-2.0
"""Cuts long runs of combining marks, before a text is normalised: for identifiers that are looked for, and for models that read."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# The limit of Unicode's stream-safe text format (UAX #15, section 13): no writing needs more marks on one character, and
# normalisation sorts the marks of a run, which of thousands takes the square of their number.
_MARKS_IN_A_ROW = 30
# No character of Unicode beyond is a mark.
_MARKS_END = 0x20000


def of_few_marks(text: str) -> str:
    """`text` with every run of combining marks cut at 30."""
    if text.isascii():
        return text
    mark, beyond = _marks()
    # A run of 31 reaches over one of every 31 characters, so that most texts are done with after a look at these few.
    step = _MARKS_IN_A_ROW + 1
    return beyond.sub("", text) if mark.search(text[step - 1 :: step]) else text


@cache
def _marks() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What finds a mark, and what finds the marks behind the 30th of a run. A mark is what begins with one when it is taken apart,
    as the half-width sound marks of Japanese do, which are letters by themselves.
    """
    letters = map(chr, range(0x300, _MARKS_END))
    mark = "".join(letter for letter in letters if unicodedata.combining(unicodedata.normalize("NFKD", letter)[0]))
    return re.compile(f"[{mark}]"), re.compile(f"(?<=[{mark}]{{{_MARKS_IN_A_ROW}}})[{mark}]+")
