# SPDX-License-Identifier: Apache-2.0
"""Social security numbers of the United States."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import CUED, LIKELY, Match
from modelward.privacy.folding import Folded

_WRITTEN = re.compile(r"(?<![0-9-])(?!000|666|9)[0-9]{3}(?P<by>-| |)(?!00)[0-9]{2}(?P=by)(?!0000)[0-9]{4}(?![0-9]|-[0-9])")
_CUE = re.compile(r"(?i)(?:ssn|social security(?: number| no\.?)?|社会安全号码?|社安号码?)[^0-9]{0,12}$")


class SocialSecurityNumberDetector:
    """Nine digits as 3-2-4, no group all zeros, the first neither 666 nor from 900 on; in one piece where it is called one."""

    name = "social-security-number"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        for start, end in text.dialled:
            for found in _WRITTEN.finditer(text.text, start, end):
                is_called = text.follows(_CUE, found.start())
                if (is_called or found["by"] == "-") and text.stands_alone(found.start(), found.end(), or_after=_CUE):
                    digits = "".join(filter(str.isdigit, found[0]))
                    yield Match(found.start(), found.end(), digits, CUED if is_called else LIKELY)
