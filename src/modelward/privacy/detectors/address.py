# SPDX-License-Identifier: Apache-2.0
"""Postal addresses with a house number, Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import LIKELY, Match
from modelward.privacy.folding import Folded
from modelward.privacy.regions import NAMES

_CHARACTER = "[\u4e00-\u9fff]"
_ROOM = (
    r"(?:[0-9A-Za-z]{1,5}(?:号楼|号院|弄|栋|幢|座|单元|楼|层|室|房|号)"
    rf"|{_CHARACTER}{{2,8}}?(?:大厦|小区|花园|公寓|中心|广场)|[0-9]{{3,4}}(?![0-9]))"
)
# The number of a house on a street, or of a building in an estate. What is before it is read back from there, a bounded way.
_HOUSE = re.compile(
    r"(?:路|街|道|巷|弄|胡同|村|里|园|苑|庄|小区|广场|大厦|镇|乡|组|号院)[东南西北中]?"
    r"[0-9]{1,5}(?:-[0-9]{1,4})?(?:号|弄|栋|幢|座|号楼|组|室)(?!线|公路|病)"
    rf"(?:[东南西北]?{_ROOM}[,， ]?){{0,6}}"
)
_LOOK_BACK = 40
_RUN_BEFORE = re.compile(rf"(?:{_CHARACTER}|[0-9])+$")
_PROVINCE = re.compile("|".join(NAMES))
_REGION = re.compile(rf"{_CHARACTER}{{2,4}}?(?:市|自治州|县|区)")
_LEAD = re.compile(r"^.*?(?:地址|住址|住在|家住|位于|居住于?|寄[到往至]|送[到往至]|住|在|为|是|到|至|于)(?=.{2})")
_STREETS = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|Terrace|Way|Parkway|Pkwy|Highway|Hwy|"
    "Circle|Close|Crescent"
)
_TOWN = r"[A-Z][A-Za-z'.-]{1,20}"
_ENGLISH = re.compile(
    r"(?<![A-Za-z0-9])(?:[0-9]{1,6}[A-Za-z]? (?:(?:[NSEW]|North|South|East|West)\.? )?"
    r"(?:(?:[A-Z][A-Za-z'-]{1,20}|[0-9]{1,3}(?:st|nd|rd|th)) ){1,4}?"
    rf"(?:{_STREETS})(?![A-Za-z])\.?|P\.? ?O\.? Box [0-9]{{1,6}})"
    rf"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Floor|Flat|#)\.? ?[0-9A-Za-z-]{{1,6}})?(?: [NS][EW])?"
    rf"(?:,? {_TOWN}(?: {_TOWN}){{0,2}}(?:,? [A-Z]{{2}}(?![A-Za-z]))?(?:,? [0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9]))?)?"
)


class AddressDetector:
    """A street or an estate with a number: with the regions before it and the room behind in Chinese, the town in English."""

    name = "address"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        if not text.text.isascii():
            for found in _HOUSE.finditer(text.text):
                start = _beginning(text.text, found.start())
                if start < found.start():
                    end = found.start() + len(found[0].rstrip(",， "))
                    yield Match(start, end, text.text[start:end], LIKELY)
        for found in _ENGLISH.finditer(text.text):
            yield Match(found.start(), found.end(), found[0], LIKELY)


def _beginning(text: str, street: int) -> int:
    """Where an address begins whose street's last character is at `street`: with the first region that is named, or the street."""
    before = text[max(0, street - _LOOK_BACK) : street]
    run = _RUN_BEFORE.search(before)
    if run is None:
        return street
    start = street - len(run[0])
    if lead := _LEAD.match(run[0]):
        start += lead.end()
    region = _PROVINCE.search(text, start, street) or _REGION.search(text, start, street)
    return region.start() if region else max(start, street - 6)
