# SPDX-License-Identifier: Apache-2.0
"""Telephone numbers: Chinese ones, North American ones, and any with a country code."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelward.privacy.detector import CUED, GUESSED, LIKELY, Match
from modelward.privacy.folding import Folded
from modelward.privacy.numerals import Written

_MOBILE = re.compile(r"(?:0086|86)?(1[3-9][0-9]{9})")
# How the eleven digits of a mobile number are grouped; before them the country code may stand, in a group of its own or not.
_GROUPED = frozenset(
    {(11,), (3, 4, 4), (4, 4, 3), (3, 8), (7, 4), (3, 3, 5), (5, 6), (6, 5), (4, 3, 4), (3, 5, 3), (3, 2, 2, 2, 2)}
)
_CUE = re.compile(
    r"(?i)(?:电话|手机|座机|传真|热线|致电|拨打|联系方式|联系我|phone|mobile|cell|tel|fax|call|whatsapp|wechat|微信|qq)[^0-9]{0,10}$"
)
# Area codes of China: 10 for Beijing, two digits for the largest cities, three for all others.
_LAND_LINE = re.compile(
    r"(?<![0-9])(?:(?:(?:\+|00)86|\((?:\+|00)86\))[ -]?)?(?:(?<=86)0?|(?<=86[ -])0?|0|\(0(?=[0-9]+\)))"
    r"(?:10|2[0-57-9]|[3-9][1-9][0-9])(?P<apart>\)[ -]?|[ -]{1,3}|)"
    r"(?:[2-9][0-9]{6,7}|[2-9][0-9]{2,3}[ -][0-9]{4})(?:(?:-|转|ext\.? ?)[0-9]{1,5})?(?![0-9])"
)
_NORTH_AMERICAN = re.compile(
    r"(?<![0-9])(?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}"
    r"(?:,? ?(?:x|ext\.?) ?[0-9]{1,5})?(?![0-9])"
)
_WITH_COUNTRY_CODE = re.compile(r"(?<![0-9+])\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}(?![0-9])")
_TEN_DIGITS = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")


class PhoneDetector:
    """A number as people write it. Plain digits are one where they have the form of a Chinese number, or are called a number."""

    name = "phone"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        for number in text.numbers:
            for written in number.written(8, 15):
                mobile, is_called = _MOBILE.fullmatch(written.digits), text.follows(_CUE, written.start)
                if not text.stands_alone(written.start, written.end, or_after=_CUE):
                    continue
                if mobile and (written.is_one or _grouped(written.sizes)):
                    yield Match(written.start, written.end, mobile[1], CUED if is_called else LIKELY)
                elif is_called and _is_of_others(written):
                    yield Match(written.start, written.end, written.digits, CUED)
        for start, end in text.dialled:
            yield from _of_other_forms(text, start, end)


def _grouped(sizes: tuple[int, ...]) -> bool:
    return sizes in _GROUPED or (sizes[0] in {2, 4} and sizes[1:] in _GROUPED) or (sizes[0] - 2, *sizes[1:]) in _GROUPED


def _is_of_others(written: Written) -> bool:
    """It may be a number of another country, as people write it there: in groups, or ten digits of the North American plan."""
    if written.is_one:
        return bool(_TEN_DIGITS.fullmatch(written.digits))
    return written.digits[0] != "1" and max(written.sizes) <= 5 and len(written.sizes) <= 5


def _of_other_forms(text: Folded, start: int, end: int) -> Iterable[Match]:
    for found in _LAND_LINE.finditer(text.text, start, end):
        if text.stands_alone(found.start(), found.end(), or_after=_CUE):
            is_sure = found["apart"] or text.follows(_CUE, found.start())
            yield Match(found.start(), found.end(), _digits(found[0]), LIKELY if is_sure else GUESSED)
    for found in _NORTH_AMERICAN.finditer(text.text, start, end):
        if text.stands_alone(found.start(), found.end(), or_after=_CUE):
            yield Match(found.start(), found.end(), _digits(found[0]), LIKELY)
    for found in _WITH_COUNTRY_CODE.finditer(text.text, start, end):
        if text.stands_alone(found.start(), found.end(), or_after=_CUE):
            is_sure = any(not character.isdigit() for character in found[0][1:]) or text.follows(_CUE, found.start())
            yield Match(found.start(), found.end(), _digits(found[0]), CUED if is_sure else LIKELY)


def _digits(written: str) -> str:
    return "".join(character for character in written if "0" <= character <= "9" or character == "+")
