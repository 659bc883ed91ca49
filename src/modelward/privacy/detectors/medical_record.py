# SPDX-License-Identifier: Apache-2.0
"""Numbers of medical records, which have no form of their own: what is called one is one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import CUED, Match
from modelward.privacy.folding import Folded

_CALLED = re.compile(
    r"(?i)(?:病[历案](?:号码?|编号)|住院号码?|门诊号码?|就诊卡?号码?"
    r"|(?<![A-Za-z])mrn|medical record(?: number| no\.?)?|patient (?:id|number|no\.?))"
    r"[ ]?(?:is|为|是|[:#=])?[ :#]{0,3}(?P<number>(?=[A-Za-z-]{0,5}[0-9])[A-Za-z0-9](?:-?[A-Za-z0-9]){3,19})(?![A-Za-z0-9])"
)
_CUES = ("病", "住院", "门诊", "就诊", "mrn", "medical", "patient")


class MedicalRecordDetector:
    """4 to 20 letters and digits behind what says that it is the number of a record, a stay or a patient."""

    name = "medical-record"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        if not any(cue in text.lower for cue in _CUES):
            return
        for found in _CALLED.finditer(text.text):
            yield Match(found.start("number"), found.end("number"), found["number"].upper(), CUED)
