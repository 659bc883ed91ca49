# SPDX-License-Identifier: Apache-2.0
"""Numbers of resident identity cards of the People's Republic of China (GB 11643-1999)."""

from __future__ import annotations

from collections.abc import Iterable

from modelward.privacy.days import is_birthday
from modelward.privacy.detector import CERTAIN, Match
from modelward.privacy.folding import Folded
from modelward.privacy.regions import PROVINCES

_CHECK_CHARACTERS = "10X98765432"
_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))


class ResidentIdentityCardDetector:
    """18 characters: place, a day of birth that is in the calendar and not to come, order, and the check character."""

    name = "resident-identity-card"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        for number in text.numbers:
            for written in number.written(17, 18):
                digits, end = written.digits, written.end
                if digits[:2] not in PROVINCES or not is_birthday(digits[6:14]):
                    continue
                expected = _check_character(digits)
                if len(digits) == 17:
                    end = _end_of_letter(text, end)
                    if expected == "X" and end:
                        yield Match(written.start, end, f"{digits}X", CERTAIN)
                elif expected == digits[17] and not _goes_on(text, end):
                    yield Match(written.start, end, digits, CERTAIN)


def _end_of_letter(text: Folded, end: int) -> int:
    """Where the check letter ends that follows, after a space or a dash perhaps; 0 where none does."""
    place = end + 1 if text.text[end : end + 1] in {" ", "-", "\n"} else end
    return place + 1 if text.text[place : place + 1] in {"X", "x"} and not _goes_on(text, place + 1) else 0


def _goes_on(text: Folded, end: int) -> bool:
    after = text.text[end : end + 1]
    return after.isascii() and after.isdigit() and end not in text.gaps


def _check_character(digits: str) -> str:
    """ISO 7064, MOD 11-2: the weight of the i-th character from the right is 2**i modulo 11."""
    return _CHECK_CHARACTERS[sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 11]
