# SPDX-License-Identifier: Apache-2.0
"""Number plates of vehicles in China (GA 36-2018)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import LIKELY, Match
from modelward.privacy.folding import Folded
from modelward.privacy.regions import PLATES

_SERIAL = "[A-HJ-NP-Z0-9]"
_WRITTEN = re.compile(
    rf"[{PLATES}][A-HJ-Z][ ·•.-]?(?:[DF]{_SERIAL}[0-9]{{4}}|[0-9]{{5}}[DF]"
    rf"|(?=[A-Z]{{0,4}}[0-9]){_SERIAL}{{4}}[A-HJ-NP-Z0-9挂学警港澳])"
    r"(?![A-Za-z0-9])"
)


class NumberPlateDetector:
    """Province, authority, and five characters, or six of which the first or the last says that it runs on electricity."""

    name = "number-plate"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        if not text.text.isascii():
            for found in _WRITTEN.finditer(text.text):
                yield Match(found.start(), found.end(), re.sub("[ ·•.-]", "", found[0]), LIKELY)
