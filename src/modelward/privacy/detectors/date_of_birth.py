# SPDX-License-Identifier: Apache-2.0
"""Days of birth: dates that are called one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import CUED, Match
from modelward.privacy.folding import Folded

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|"
    r"Dec(?:ember)?)"
)
_DAY = (
    r"(?P<day>[0-9]{4} ?年 ?[0-9]{1,2} ?月(?: ?[0-9]{1,2} ?[日号])?"
    r"|(?:18|19|20)[0-9]{2}(?P<by>[-/.])[0-9]{1,2}(?P=by)[0-9]{1,2}|(?:18|19|20)[0-9]{6}"
    r"|[0-9]{1,2}(?P<of>[-/.])[0-9]{1,2}(?P=of)(?:[0-9]{4}|[0-9]{2})"
    rf"|{_MONTH}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}\.?,? [0-9]{{4}})(?![0-9])"
)
_BORN = (
    r"(?:出生(?:日期|年月日?|于|在)?|生日|生于|诞生于|born(?: on)?|birth ?(?:day|date)|date of birth|(?<![A-Za-z])d\.?o\.?b\.?)"
    r" ?(?:is|was|为|是|[:=])?[ :(]{0,3}"
)
_BEFORE = re.compile(rf"(?i){_BORN}{_DAY}")
_AFTER = re.compile(rf"(?i){_DAY}(?= ?(?:出生|生(?![产活效成]))|[ ,]{{0,2}}\(?(?:birth|born))")
_CUES = ("生", "born", "birth", "dob", "d.o.b")


class DateOfBirthDetector:
    """A date in digits, Chinese or English beside what says that somebody was born. Dates of other things are left."""

    name = "date-of-birth"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        if any(cue in text.lower for cue in _CUES):
            for form in (_BEFORE, _AFTER):
                for found in form.finditer(text.text):
                    yield Match(found.start("day"), found.end("day"), found["day"], CUED)
