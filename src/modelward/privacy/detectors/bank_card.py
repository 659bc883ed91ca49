# SPDX-License-Identifier: Apache-2.0
"""Numbers of payment cards (ISO/IEC 7812-1)."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"[1-9][0-9]{3}(?:[ -]?[0-9]){9,15}")


class BankCardDetector:
    """13 to 19 digits, grouped by spaces or hyphens or not, whose last is the Luhn check digit of the others."""

    name = "bank-card"

    def matches(self, text: str) -> bool:
        """See `Detector.matches`."""
        if not _WRITTEN.fullmatch(text):
            return False
        digits = [int(character) for character in text if character.isdigit()]
        return len(set(digits)) > 1 and _luhn_sum(digits) % 10 == 0


def _luhn_sum(digits: list[int]) -> int:
    """ISO/IEC 7812-1, annex B: every second digit from the right counts double, and then its own two digits."""
    doubled = [2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[-2::-2]]
    return sum(digits[-1::-2]) + sum(doubled)
