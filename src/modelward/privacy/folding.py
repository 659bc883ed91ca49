# SPDX-License-Identifier: Apache-2.0
"""Text as detectors read it: however somebody wrote or hid it, a digit is an ASCII digit, and each character knows where it was."""

from __future__ import annotations

import html
import re
import unicodedata
from array import array
from functools import cache, cached_property

from modelward.privacy.numerals import Number, numbers_in

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_NUMERALS = "〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖壱弐"
_DIGITS_OF_NUMERALS = str.maketrans(_NUMERALS, "000123456789112345678912")
_DIGITS_LEAST = 7
_SPELLED = re.compile(f"[0-9{_NUMERALS}]{{{_DIGITS_LEAST},}}")
_SPACES_AND_DASHES = {
    **dict.fromkeys(
        map(ord, "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"), " "
    ),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u2028\u2029\u0085"), "\n"),
}
_LAST_FOLDED = 0x20000
_CUE_LONGEST = 32
# The end of a line and its like as JSON and logs write them.
_ESCAPES = frozenset({"\\n", "\\r", "\\t"})
_DIALLED = re.compile(r"[+(]{0,3}[0-9][0-9 ().+/\-]{5,}")
_EXTENSION = 12


class Folded:
    """A text in which every character that reads as a digit, an ASCII letter or an ASCII sign is that one.

    Full-width, circled and mathematical forms, digits of other scripts and HTML entities are read as what they show; dashes and
    spaces of all widths are one dash and one space; numbers spelled in Chinese numerals, from seven in a row on, are digits.
    What shows nothing (zero-width characters, joiners, marks) and emoji are left out; `gaps` has the places where they were.
    """

    __slots__ = ("__dict__", "_ends", "_starts", "gaps", "text")

    def __init__(self, original: str) -> None:
        self.gaps: frozenset[int] = frozenset()
        self._starts: array[int] | None = None
        self._ends: array[int] | None = None
        if original.isascii():
            self.text = original
        else:
            self.text = original.translate(_one_to_one())
        if "&" in self.text or (not self.text.isascii() and _irregular().search(self.text)):
            self._fold_piece_by_piece(original)
        if not self.text.isascii():
            self.text = _SPELLED.sub(lambda found: found[0].translate(_DIGITS_OF_NUMERALS), self.text)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]`, which is not empty, stands in the text that was folded."""
        if self._starts is None or self._ends is None:
            return start, end
        return self._starts[start], self._ends[end - 1]

    def stands_alone(self, start: int, end: int, *, or_after: re.Pattern[str] | None = None) -> bool:
        """No ASCII letter or digit touches `text[start:end]`, and no decimal point belongs to it; but a letter may stand before it
        where `or_after` is found there.
        """
        text, gaps = self.text, self.gaps
        before = text[start - 1] if start and start not in gaps else ""
        after = text[end] if end < len(text) and end not in gaps else ""
        if _is_alphanumeric(after) or (after == "." and text[end + 1 : end + 2].isdigit()):
            return False
        if _is_alphanumeric(before) and text[start - 2 : start] not in _ESCAPES:
            return or_after is not None and not before.isdigit() and self.follows(or_after, start)
        return not (before == "." and start > 1 and text[start - 2].isdigit())

    def follows(self, cue: re.Pattern[str], start: int) -> bool:
        """`cue`, which ends with `$`, is found right before `start`, within 32 characters."""
        return bool(cue.search(self.text[max(0, start - _CUE_LONGEST) : start]))

    @cached_property
    def lower(self) -> str:
        """The text in small letters. Where those of a character are several, places in it are others than in the text."""
        return self.text.lower()

    @cached_property
    def dialled(self) -> tuple[tuple[int, int], ...]:
        """Where digits stand with nothing but spaces, brackets, dots, slashes, signs or the end of a line between them: seven
        characters at least.
        """
        return tuple((found.start(), min(found.end() + _EXTENSION, len(self.text))) for found in _DIALLED.finditer(self.text))

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The runs of digits, with what separates them."""
        return numbers_in(self.text, self.gaps)

    def _fold_piece_by_piece(self, original: str) -> None:
        pieces: list[str] = []
        starts, ends = array("q"), array("q")
        gaps = set()
        place, length = 0, 0
        entity = _ENTITY.search(original)
        one_to_one, irregular = _one_to_one(), _irregular()
        while place < len(original):
            if entity and entity.start() == place:
                shown, after = html.unescape(entity[0]), entity.end()
                entity = _ENTITY.search(original, after)
            else:
                shown, after = original[place], place + 1
            for character in shown:
                folded = character.translate(one_to_one)
                if irregular.match(folded):
                    folded = unicodedata.normalize("NFKC", folded) if not _is_left_out().match(folded) else ""
                    if not folded:
                        gaps.add(length)
                for each in folded:
                    pieces.append(each)
                    starts.append(place)
                    ends.append(after)
                    length += 1
            place = after
        self.text, self._starts, self._ends, self.gaps = "".join(pieces), starts, ends, frozenset(gaps)


@cache
def _one_to_one() -> dict[int, str]:
    """What one character is read as, where that is one character."""
    table: dict[int, str] = {}
    for code in range(0x80, _LAST_FOLDED):
        character = chr(code)
        if 0xD800 <= code < 0xE000:
            continue
        if (digit := unicodedata.decimal(character, None)) is not None:
            table[code] = str(digit)
        elif (folded := unicodedata.normalize("NFKC", character)) != character and len(folded) == 1:
            table[code] = folded
    return table | _SPACES_AND_DASHES


@cache
def _is_left_out() -> re.Pattern[str]:
    """A character that shows nothing by itself, a mark on another, or an emoji."""
    hidden = (
        character
        for code in [*range(0x80, _LAST_FOLDED), *range(0xE0000, 0xE0200)]
        if unicodedata.category(character := chr(code)) in {"Cf", "Cc", "Me"} or _is_emoji(code) or _is_mark(code)
    )
    return re.compile(f"[{_ranges([ord(each) for each in hidden])}]")


@cache
def _irregular() -> re.Pattern[str]:
    """What is not folded character by character: what is left out, and what is read as several ASCII characters with a digit."""
    several = [
        code
        for code in range(0x80, _LAST_FOLDED)
        if len(folded := unicodedata.normalize("NFKC", chr(code))) > 1 and folded.isascii() and any(map(str.isalnum, folded))
    ]
    return re.compile(f"{_is_left_out().pattern[:-1]}{_ranges(several)}]")


def _is_alphanumeric(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _is_emoji(code: int) -> bool:
    # Pictures and symbols, with the modifiers of skin and the letters of flags.
    return 0x1F1E6 <= code < 0x1F200 or 0x1F300 <= code < 0x1FB00 or 0x2600 <= code < 0x27C0 or 0x2B00 <= code < 0x2C00


def _is_mark(code: int) -> bool:
    # Variation selectors, and marks that combine with what is before them without being part of how a word is written.
    return 0xFE00 <= code < 0xFE10 or 0x300 <= code < 0x370 or 0x20D0 <= code < 0x2100


def _ranges(codes: list[int]) -> str:
    """The inside of a class of a regular expression: `codes` as ranges."""
    runs: list[list[int]] = []
    for code in sorted(set(codes)):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)
