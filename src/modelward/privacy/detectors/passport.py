# SPDX-License-Identifier: Apache-2.0
"""Numbers of passports and of permits to travel."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import CUED, LIKELY, Match
from modelward.privacy.folding import Folded

# China: ordinary passports G or E and eight digits, since 2017 E with a letter; those for service S, P and D, also with an E.
_CHINESE = re.compile(r"[DEGPSdegps](?: ?[0-9]{8}|(?<=[Ee])[A-HJ-NP-Za-hj-np-z] ?[0-9]{7}|(?<=[DPSdps])[Ee] ?[0-9]{7})")
_DIGITS = re.compile("[0-9]{6}")
_CUES = ("护照", "证", "passport", "permit")
_CALLED = re.compile(r"(?i)[A-Z]{0,2} ?[0-9]{6,10}")
_CUE = re.compile(
    r"(?i)(?:护照|通行证|回乡证|台胞证|旅行证|passport|travel permit)(?:号码?| ?(?:number|no\.?|#|id))?[^0-9A-Za-z]{0,4}"
    r"(?:is |为|是)?$"
)


class PassportDetector:
    """A Chinese number by its form; another where it is called a passport or a permit."""

    name = "passport"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        if _DIGITS.search(text.text):
            is_named = any(cue in text.lower for cue in _CUES)
            for form in (_CHINESE, _CALLED) if is_named else (_CHINESE,):
                for found in form.finditer(text.text):
                    is_called = is_named and text.follows(_CUE, found.start())
                    if (is_called or form is _CHINESE) and text.stands_alone(found.start(), found.end(), or_after=_CUE):
                        yield Match(found.start(), found.end(), found[0].replace(" ", "").upper(), CUED if is_called else LIKELY)
