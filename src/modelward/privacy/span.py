# SPDX-License-Identifier: Apache-2.0
"""Where in a text a person is named or told of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]`, in code points of the text as it was given.

    `kind` is the name of the detector that found it. `value` is what is meant by it, however it was written: digits in ASCII
    without what separated them, a check letter as a capital. `strength` is how sure the detector is, from 0.5 to 1, and no
    probability.
    """

    start: int
    end: int
    kind: str
    value: str
    strength: float = 1.0
