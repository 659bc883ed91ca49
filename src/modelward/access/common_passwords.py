# SPDX-License-Identifier: Apache-2.0
"""The commonest passwords, by rule rather than by list: what people put together when they must put something.

A password is common when nothing in it was chosen: a few characters or a short piece again and again, a walk over the keyboard, a
count or the alphabet, figures and signs alone, or up to three everyday words with figures and signs around them, letters replaced
by what looks like them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_ROWS: Final = (
    *("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    *("1234567890", "0123456789", "abcdefghijklmnopqrstuvwxyz", "!@#$%^&*()", '!"§$%&/()='),
    *("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0"),
)
_PLAIN: Final = (
    "password passwort passw pass word secret geheim secure security private login logon signin access admin administrator root "
    "superuser user guest test tester testing demo example sample temp temporary default initial change changeme changethis "
    "letmein open opensesame welcome willkommen hello hallo bonjour hola please thankyou iloveyou loveyou love lover lovely "
    "forever baby angel princess prince king queen master boss hero super superman batman spiderman star dragon monkey tiger "
    "starwars lion eagle bear wolf horse dog cat kitty puppy cookie chocolate cheese banana orange apple cherry pepper flower "
    "sunshine sunny summer sommer winter spring autumn herbst january february march april june july august september october "
    "november december monday tuesday wednesday thursday friday saturday sunday football soccer baseball basketball hockey tennis "
    "golf player gamer game ninja pirate killer hunter ranger shadow freedom america england london paris berlin china beijing "
    "computer internet server database system network windows linux google facebook samsung office company business "
    "money lucky happy smile friend friends family mother father sister brother daniel michael michelle jessica ashley jordan "
    "charlie thomas robert george william andrew matthew joshua anthony nicole jennifer maggie trustno trustnoone whatever "
    "nothing blank none null correct my the our your is a i am this new old one two three me you modelward model ward house"
)
_WORDS: Final = frozenset(_PLAIN.split())
_LOOKS_LIKE: Final = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s", "!": "i", "|": "i"}
)
_LEAST_DIFFERENT: Final = 5
_LEAST_STEP: Final = 3
_WORDS_COUNTED: Final = 3
_LETTERS_LEFT: Final = 3
_EDGES: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_NOT_LETTERS: Final = re.compile(r"[\W\d_]+")


def is_common(password: str) -> bool:
    """Whether nothing, or next to nothing, in a password was chosen."""
    text = password.casefold()
    if len(set(text)) < _LEAST_DIFFERENT or _is_repeated(text) or _is_walked(text):
        return True
    return any(_is_of_common_words(reading) for reading in _readings(text))


def _is_repeated(text: str) -> bool:
    """Whether it is a piece of at most half its length again and again: a text lies within itself twice, moved by such a piece."""
    at = (text + text).find(text, 1)
    return at <= len(text) // 2 and text == (text[:at] * (len(text) // at + 1))[: len(text)]


def _is_walked(text: str) -> bool:
    """Whether it is wholly made of steps along a row, forwards or back, three keys or more at a time."""
    at = 0
    while at < len(text):
        step = _step_at(text, at)
        if step < _LEAST_STEP:
            return False
        at += step
    return True


def _step_at(text: str, at: int) -> int:
    longest = 0
    for row in _DIRECTIONS:
        begin = row.find(text[at])
        while begin >= 0:
            length = 0
            while at + length < len(text) and begin + length < len(row) and text[at + length] == row[begin + length]:
                length += 1
            longest = max(longest, length)
            begin = row.find(text[at], begin + 1)
    return longest


_DIRECTIONS: Final = tuple(turn for row in _ROWS for turn in (row, row[::-1]))


def _readings(text: str) -> set[str]:
    """The letters alone, and with figures and signs within read as the letters that they look like."""
    stem = _EDGES.sub("", text)
    return {
        _NOT_LETTERS.sub("", text),
        _NOT_LETTERS.sub("", stem.translate(_LOOKS_LIKE)),
        _NOT_LETTERS.sub("", text.translate(_LOOKS_LIKE)),
    }


def _is_of_common_words(letters: str) -> bool:
    return len(letters) <= _LETTERS_LEFT or _fewest_words(letters) <= _WORDS_COUNTED


@lru_cache(maxsize=1)
def _longest_word() -> int:
    return max(map(len, _WORDS))


def _fewest_words(letters: str) -> int:
    """How many everyday words it is made of; more than count where it is not."""
    fewest = [0] + [_WORDS_COUNTED + 1] * len(letters)
    for end in range(1, len(letters) + 1):
        for begin in range(max(0, end - _longest_word()), end):
            if letters[begin:end] in _WORDS:
                fewest[end] = min(fewest[end], fewest[begin] + 1)
    return fewest[-1]
