# SPDX-License-Identifier: Apache-2.0
"""What tells whether a value is a direct identifier of a person, such as an e-mail address or the number of an identity card."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from modelward.privacy.detectors import DETECTORS
from modelward.privacy.marks import of_few_marks

_LENGTH_LIMIT = 320


class Detector(Protocol):
    """Knows one kind of identifier.

    It MUST judge the value as a whole, not find an identifier inside longer text. Where the kind has a checksum or a calendar
    date, a value in which it is wrong MUST NOT match. It is given text after Unicode normalisation (NFKC) without surrounding
    space, of at most 320 characters, and MUST take time proportional to it.
    """

    name: str

    def matches(self, text: str) -> bool:
        """Whether all of `text` is such an identifier."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """Values were recognised: by which detector, and what share of them."""

    detector: str
    share: float


def normalised(text: str) -> str:
    """NFKC without surrounding space: full-width digits and letters, as Chinese text has them, become plain ones. Of
    combining marks in a row the first 30 are kept.
    """
    return unicodedata.normalize("NFKC", of_few_marks(text)).strip()


def identifiers_in(values: Iterable[str], *, at_least: float = 0.8) -> list[Found]:
    """The kinds of identifier that at least the share `at_least` of `values` is, the most frequent first; none of no values."""
    texts = [text for text in map(normalised, values) if text]
    if not texts:
        return []
    found = []
    for name in DETECTORS:
        detector: Detector = DETECTORS.load(name)()
        share = sum(len(text) <= _LENGTH_LIMIT and detector.matches(text) for text in texts) / len(texts)
        if share >= at_least:
            found.append(Found(name, share))
    return sorted(found, key=lambda each: (-each.share, each.detector))
