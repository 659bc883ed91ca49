# SPDX-License-Identifier: Apache-2.0
"""How pages come to speak Chinese: what is measured, decided and signed stays English, and is said anew from what it says.

A word is its own key. A sentence that names values is a template such as `Hold out {rows:n} rows.`, recognised in the English text
by what stands between its places. A room has the words for what it says itself, and stands upon the book of the room below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from string import Formatter
from typing import Literal, TypeAlias

from markupsafe import Markup, escape

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_NUMBER = r"[-+]?(?:\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|inf|nan)"
# What may stand in a place: part of a sentence, a number, one with its interval, something without blanks, code, whatever
# somebody wrote, or what is a sentence itself. Were a part to run on, it would carry English into the Chinese unseen.
_PLACES = {
    "": r"(?:(?![.;] ).)+?",
    "n": _NUMBER,
    "interval": rf"{_NUMBER} \[{_NUMBER}, {_NUMBER}\]",
    "name": r"\S+?",
    "code": r"`[^`]+`",
}
_PLACES |= {"text": r"(?s:.+?)", "said": r".+?"}
# Sentences follow each other, and clauses of one sentence are parted by semicolons.
_SEAM = re.compile(r"(?<=[.;]) ")
# States and verdicts are one word with hyphens where they are keys, and several words where people read them.
_KEY = re.compile(r"[a-z]+(-[a-z]+)+")
_CODE = re.compile(r"`([^`]+)`")
_LONGEST_PARTS = 8
# Other people write into what is read here, and no other thread runs while `re` searches. The steps of a search grow with the
# length to the power of the places that may hold anything, so a template has two of them at most, and a longer text stays English.
_LONGEST_CHARACTERS = 1000


class Phrasebook:
    """English texts and what each is in Chinese: `words` are looked up whole, `sentences` are templates.

    A book has what the one that it stands `upon` has, too. What nobody translated, other people's assessors and rules
    for instance, stays English; `sentence` says so, for a page has to mark it up as English.
    """

    def __init__(self, words: Mapping[str, str], sentences: Mapping[str, str], *, upon: Phrasebook | None = None) -> None:
        self.words: dict[str, str] = dict(words) | (upon.words if upon else {})
        self.sentences: dict[str, str] = dict(sentences) | (upon.sentences if upon else {})
        self._forms = [(_pattern(english), _asides(english), chinese) for english, chinese in self.sentences.items()]
        self._in_chinese = lru_cache(maxsize=4096)(self._translate)

    def word(self, english: str, language: Language) -> str:
        """`english` in that language; as it is where nobody translated it."""
        found = self.words.get(english) if language == "zh" else None
        return found or (english.replace("-", " ") if _KEY.fullmatch(english) else english)

    def sentence(self, english: str, language: Language) -> str | None:
        """`english`, one sentence or several, in that language; None where a part of it was not translated."""
        return english if language == "en" or not english else self._in_chinese(english)

    def html(self, english: str, language: Language) -> Markup:
        """A sentence as HTML: what stands in backticks as code, and what stayed English in a Chinese page marked up as such."""
        found = self.sentence(english, language)
        text = _CODE.sub(r"<code>\1</code>", str(escape(english if found is None else found)))
        return Markup(f'<span lang="en">{text}</span>' if found is None else text)  # noqa: S704  # escaped just before

    def _translate(self, english: str) -> str | None:
        """The text, sentence by sentence from its end, each as short as it can be for the rest to be sentences, too."""
        parts = _SEAM.split(english)
        said: list[str | None] = [*(None for _ in parts), ""]
        for at in reversed(range(len(parts))):
            for end in range(at + 1, min(at + _LONGEST_PARTS, len(parts)) + 1):
                if (rest := said[end]) is not None and (found := self._part(" ".join(parts[at:end]))) is not None:
                    said[at] = found + rest
                    break
        return said[0]

    def _part(self, english: str) -> str | None:
        found = self._whole(english.removesuffix(";"))
        return f"{found}；" if found and english.endswith(";") else found

    def _whole(self, english: str) -> str | None:
        if len(english) > _LONGEST_CHARACTERS:
            return None
        if (word := self.words.get(english)) is not None:
            return word
        for pattern, asides, chinese in self._forms:
            if (found := pattern.fullmatch(english)) is not None:
                values: dict[str, str | None] = found.groupdict()
                values |= {name: self._in_chinese(text) for name, text in found.groupdict().items() if name in asides}
                if None not in values.values():
                    return chinese.format(**values)
        return None


def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    for text, name, kind, _ in Formatter().parse(template):
        parts.append(re.escape(text))
        if name is not None:
            parts.append(f"(?P<{name}>{_PLACES[kind or '']})")
    return re.compile("".join(parts))


def _asides(template: str) -> frozenset[str]:
    """The places that hold sentences."""
    return frozenset(name for _, name, kind, _ in Formatter().parse(template) if name and kind == "said")
