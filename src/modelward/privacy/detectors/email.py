# SPDX-License-Identifier: Apache-2.0
"""E-mail addresses (RFC 5321, without quoted local parts and address literals)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import CERTAIN, WEAK, Match
from modelward.privacy.folding import Folded

_LOCAL_LONGEST, _DOMAIN_LONGEST = 64, 253
_BEFORE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
_AFTER = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z]")
# In letters of all scripts: such an address cannot be told from a sentence without spaces around it.
_WHOLE = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]{1,64}(?:\.[\w!#$%&'*+/=?^`{|}~-]{1,64}){0,8}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{0,61}[^\W_]"
)


class EmailDetector:
    """A local part of dotted atoms and a domain of at least two labels, the last not a number."""

    name = "email"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        place = text.text.find("@")
        while place >= 0:
            before = _BEFORE.search(text.text[max(0, place - _LOCAL_LONGEST) : place])
            after = _AFTER.match(text.text, place + 1, place + 1 + _DOMAIN_LONGEST)
            if before and after:
                start = place - len(before[0])
                yield Match(start, after.end(), text.text[start : after.end()].lower(), CERTAIN)
            place = text.text.find("@", place + 1)
        if len(text.text) <= _LOCAL_LONGEST + 1 + _DOMAIN_LONGEST and not text.text.isascii() and _WHOLE.fullmatch(text.text):
            yield Match(0, len(text.text), text.text.lower(), WEAK)
