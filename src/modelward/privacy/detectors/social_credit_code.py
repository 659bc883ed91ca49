# SPDX-License-Identifier: Apache-2.0
"""Unified social credit codes, which name a firm, and with it a sole trader (GB 32100-2015)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.days import is_birthday
from modelward.privacy.detector import CERTAIN, Match
from modelward.privacy.folding import Folded
from modelward.privacy.regions import PROVINCES

_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUES = {character: value for value, character in enumerate(_CHARACTERS)}
_REGIONS = PROVINCES | {"10"}
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
# Who registers it and what it is, the region, the organisation, the check character.
_WRITTEN = re.compile(
    r"(?<![0-9A-Za-z])[1-9ANYany][ -]?[1-9](?:[ -]?[0-9]){6}(?:[ -]?[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]){10}(?![0-9A-Za-z])"
)
_SEPARATOR = re.compile("[ -]")
_GROUPED = frozenset({(18,), (4, 4, 4, 4, 2), (2, 6, 9, 1), (8, 10), (8, 8, 2), (6, 6, 6), (9, 9), (8, 9, 1)})


class SocialCreditCodeDetector:
    """18 characters: registrar, kind, region, organisation and the check character (MOD 31)."""

    name = "social-credit-code"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        for found in _WRITTEN.finditer(text.text):
            groups = _SEPARATOR.split(found[0])
            value = "".join(groups).upper()
            if (
                tuple(map(len, groups)) in _GROUPED
                and value[2:4] in _REGIONS
                and _check_character(value) == value[17]
                and not _is_rather_another(value)
            ):
                yield Match(found.start(), found.end(), value, CERTAIN)


def _is_rather_another(value: str) -> bool:
    """All digits, and an identity card with a slip in it, or of a registrar that hardly registers anything."""
    return value.isdigit() and (value[0] not in "159" or (value[:2] in PROVINCES and is_birthday(value[6:14])))


def _check_character(value: str) -> str:
    """GB 32100-2015, annex: 31 less the weighted sum modulo 31, where the weights are powers of 3."""
    total = sum(_VALUES[character] * weight for character, weight in zip(value, _WEIGHTS, strict=False))
    return _CHARACTERS[-total % 31]
