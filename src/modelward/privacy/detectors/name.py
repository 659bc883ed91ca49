# SPDX-License-Identifier: Apache-2.0
"""Names of people, which have no form that could be checked: most are found, and some of what is found is none."""

from __future__ import annotations

from collections.abc import Iterable

from modelward.privacy.detector import Match
from modelward.privacy.folding import Folded
from modelward.privacy.names import chinese, english


class NameDetector:
    """A Chinese name by its characters and what is beside it, an English one by a title, a cue or a frequent first name."""

    name = "name"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        if not text.text.isascii():
            yield from chinese.names_in(text)
        yield from english.names_in(text)
