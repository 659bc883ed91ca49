# SPDX-License-Identifier: Apache-2.0
"""International bank account numbers (ISO 13616)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import CERTAIN, Match
from modelward.privacy.folding import Folded

_WRITTEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_SEPARATORS = re.compile(r"[ -]")
# How many characters a number of each country has, by the registry of SWIFT.
_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_LENGTHS = {country: length for length, countries in _COUNTRIES.items() for country in countries.split()}


class IbanDetector:
    """Country, two check digits (ISO 7064, MOD 97-10) and as many characters as the country's have."""

    name = "iban"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        for found in _WRITTEN.finditer(text.text):
            length = _LENGTHS.get(found[0][:2].upper(), 0)
            end = _end_of(found, length) if length else 0
            if end and (value := _SEPARATORS.sub("", text.text[found.start() : end]).upper()) and _passes(value):
                yield Match(found.start(), end, value, CERTAIN)


def _end_of(found: re.Match[str], length: int) -> int:
    """Where the first `length` characters end that separate nothing; 0 where there are fewer, or a word goes on behind them."""
    seen = 0
    for place, character in enumerate(found[0]):
        seen += character not in " -"
        if seen == length:
            after = found.string[found.start() + place + 1 : found.start() + place + 2]
            return 0 if after.isascii() and after.isalnum() else found.start() + place + 1
    return 0


def _passes(value: str) -> bool:
    return int("".join(str(int(character, 36)) for character in value[4:] + value[:4])) % 97 == 1
