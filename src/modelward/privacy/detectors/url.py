# SPDX-License-Identifier: Apache-2.0
"""Addresses of pages, which may name an account, a session or a search."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import CUED, Match
from modelward.privacy.folding import Folded

_URL = re.compile(
    r"(?i)(?<![A-Za-z0-9])(?:(?:https?|ftps?|wss?)://|www\.)[A-Za-z0-9\[](?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{0,2000}[A-Za-z0-9_~/#@$&*+=%-])?"
)


class UrlDetector:
    """An address with a scheme, or that begins with `www.`, to its last ASCII character but the punctuation behind it."""

    name = "url"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        if "://" in text.text or "www." in text.text.lower():
            for found in _URL.finditer(text.text):
                yield Match(found.start(), found.end(), found[0], CUED)
