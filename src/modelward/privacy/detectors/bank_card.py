# SPDX-License-Identifier: Apache-2.0
"""Numbers of payment cards (ISO/IEC 7812-1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.days import is_birthday
from modelward.privacy.detector import CERTAIN, CUED, WEAK, Match
from modelward.privacy.folding import Folded
from modelward.privacy.numerals import Written

# What the networks' numbers begin with: American Express, Diners Club, JCB, Visa, Mastercard, Maestro, Discover, UnionPay.
_ISSUED = re.compile(r"3[04-9]|1800|4|5[0-8]|6|2(?:2[2-9]|[3-6]|7[01]|720)")
_GROUPED = frozenset({(4, 6, 5), (4, 6, 4), (6, 13), (6, 12), (6, 10), (8, 8), (6, 4, 4, 4), (6, 4, 4, 5)})
_CUE = re.compile(r"(?i)(?:卡号?|账[号户]|帐[号户]|card|account|acct|visa|master|unionpay|银联)[^0-9]{0,12}$")


class BankCardDetector:
    """13 to 19 digits, grouped or not, whose last is the Luhn check digit of the others.

    One in ten numbers passes that check, so what no network issues, and is called no card, is weak; so is what could be an identity
    card with a slip in it.
    """

    name = "bank-card"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        for number in text.numbers:
            for written in number.written(13, 19):
                digits = written.digits
                if digits[0] != "0" and len(set(digits)) > 1 and _passes_luhn(digits) and _is_grouped(written):
                    start, end = written.start, written.end
                    if text.stands_alone(start, end, or_after=_CUE):
                        yield Match(start, end, digits, _strength(text, written))


def _strength(text: Folded, written: Written) -> float:
    if text.follows(_CUE, written.start):
        return CUED
    looks_like_another = len(written.digits) == 18 and is_birthday(written.digits[6:14])
    return CERTAIN if _ISSUED.match(written.digits) and not looks_like_another else WEAK


def _is_grouped(written: Written) -> bool:
    *first, last = written.sizes
    return written.is_one or written.sizes in _GROUPED or (set(first) == {4} and last <= 4)


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right counts double, and then its own two digits."""
    numbers = [int(digit) for digit in digits]
    doubled = [2 * digit - 9 if digit > 4 else 2 * digit for digit in numbers[-2::-2]]
    return (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0
