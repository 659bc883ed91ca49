# SPDX-License-Identifier: Apache-2.0
"""Numbers of resident identity cards of the People's Republic of China (GB 11643-1999)."""

from __future__ import annotations

import re
from datetime import date

_WRITTEN = re.compile(r"[0-9]{17}[0-9Xx]")
_EARLIEST_YEAR = 1880
# The first two digits of GB/T 2260: the province or region that issued the number.
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
_CHECK_CHARACTERS = "10X98765432"


class ResidentIdentityCardDetector:
    """18 characters: place, a day of birth that is in the calendar and not to come, order, and the check character."""

    name = "resident-identity-card"

    def matches(self, text: str) -> bool:
        """See `Detector.matches`."""
        return (
            bool(_WRITTEN.fullmatch(text))
            and int(text[:2]) in _PROVINCES
            and _is_birthday(text[6:14])
            and _check_character(text[:17]) == text[17].upper()
        )


def _check_character(digits: str) -> str:
    """ISO 7064, MOD 11-2: the weight of the i-th character from the right is 2**i modulo 11."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(digits))
    return _CHECK_CHARACTERS[total % 11]


def _is_birthday(digits: str) -> bool:
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    # The day where this runs is near enough.
    return day.year >= _EARLIEST_YEAR and day <= date.today()
