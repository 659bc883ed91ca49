# SPDX-License-Identifier: Apache-2.0
"""Names in English text: after a title or what says that a name follows, or a frequent first name with what it stands beside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from modelward.privacy.detector import CUED, GUESSED, LIKELY, Match
from modelward.privacy.folding import Folded

_SMALL = "a-z\u00df-\u00ff\u0100-\u024f"
_WORD = rf"[A-Z\u00c0-\u00de\u0100-\u017f](?:[{_SMALL}]+|[{_SMALL}]*['’-][A-Z][{_SMALL}]+|c[A-Z][a-z]+|ac[A-Z][a-z]+)"
_PARTICLE = r"(?:(?:van|von|de|der|den|da|di|del|la|le|bin|al|el|ter)[ -]){1,2}"
_NAME = rf"{_WORD}(?:[ -](?:[A-Z]\.?(?= [A-Z])|(?:{_PARTICLE})?{_WORD})){{0,3}}"
# Also behind the end of a line as JSON and logs write it; and not the beginning of "Don't".
_RUN = re.compile(rf"(?:(?<![A-Za-z])|(?<=\\[nrt])){_NAME}(?![A-Za-z]|['’]t)")
_PART = re.compile("[^ ]+")
_TITLES = "Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Lady|Lord|Rev|Judge|Capt|Captain"
_TITLED = re.compile(rf"(?<![A-Za-z])(?:{_TITLES})\.? (?P<name>(?:[A-Z]\. ?){{0,2}}{_NAME})")
# What says that a name follows, in small letters, some only with a colon; behind those of the second kind a known one has to.
_NAMED = frozenset(("named", "signed", "sincerely", "regards", "attn"))
_NAMED_BY_COLON = frozenset(
    ("name", "attn", "contact", "person", "patient", "customer", "client", "beneficiary", "holder", "cardholder")
)
_ADDRESSED = frozenset(
    ("called", "dear", "hi", "hello", "yours", "patient", "customer", "client", "thanks", "cheers", "from", "by")
)
_ADDRESSED_BY_COLON = frozenset(("to", "cc", "author", "owner"))
_PHRASES = {"name is": True, "i am": False, "i'm": False, "this is": False}
_BEFORE = 24
# Words that begin sentences, are days, places or things far more often than they are somebody.
_RATHER_OTHERS = frozenset(
    re.findall(
        r"\w+",
        """
    April August Austin Berlin Bill Can Carolina Chance China Dallas Dakota Denver Faith Florence Frank Georgia Grace
    Guy Hope Houston India Israel Jan Jordan Joy June Kansas London Long Love Lucky Major March Mark May Mercy Miami
    Milan Paris Pat Penny Phoenix Precious Price Rich Rose Royal Savannah See Sierra Sky So Summer Sunny Sydney Virginia
    Will Winter Young My Man In An Do Le Star Christian Madison Washington Lincoln Jackson Troy Chase Gay Art Clay Cliff
    Dale Dean Drew Earl Gene Lane Page Ray Reed Rusty Wade Rice King Duke Prince Angel Autumn Crystal Daisy Dawn Destiny
    Ginger Harmony Heather Holly Iris Ivy Jade Lily Melody Misty Olive Pearl Ruby Violet Amber Good The This That Please
    Thank Thanks
        """,
    )
)

_ENDINGS = frozenset(
    re.findall(
        r"\w+",
        """
    Street St Avenue Ave Road Rd Boulevard Lane Drive Court Square Place Terrace Way University College School Hospital
    Bank Inc Ltd Corp Company Group Park River Lake Mountain Island County City Airport Station Center Centre Building
    Day Award Prize Cup Church
        """,
    )
)


@cache
def first_names() -> frozenset[str]:
    """The most frequent first names of the census of the United States of 1990, as they are written in text."""
    return frozenset(json.loads(files("modelward.privacy.names").joinpath("english.json").read_text("utf-8"))["given"].split())


def names_in(text: Folded) -> Iterator[Match]:
    """The names; some may overlap."""
    written = text.text
    for found in _TITLED.finditer(written):
        words = found["name"].split()
        if words[0] not in _RATHER_OTHERS and words[-1] not in _ENDINGS:
            yield Match(found.start("name"), found.end("name"), found["name"], CUED)
    for found in _RUN.finditer(written):
        yield from _of_a_run(found, [*_PART.finditer(found[0])])


def _of_a_run(run: re.Match[str], words: Sequence[re.Match[str]]) -> Iterator[Match]:
    """What may be a name of words with capitals that follow each other."""
    if words[-1][0] in _ENDINGS:
        return
    is_named = _is_named(run.string, run.start())
    if is_named is None and len(words) > 1 and (first := words[0][0].lower()) in _NAMED | _ADDRESSED:
        is_named, words = first in _NAMED, words[1:]
    known = next((place for place, word in enumerate(words) if word[0].split("-")[0] in first_names()), None)
    if is_named is not None and words[0][0] not in _RATHER_OTHERS and (is_named or known == 0):
        yield _match(run, words, CUED)
    elif known is not None:
        words = words[known:]
        if len(words) > 1 or words[0][0] not in _RATHER_OTHERS:
            yield _match(run, words, LIKELY if len(words) > 1 else GUESSED)
    elif 2 <= len(words) <= 4 and (not run[0].isascii() or _is_a_line(run)):
        yield _match(run, words, GUESSED)


def _match(run: re.Match[str], words: Sequence[re.Match[str]], strength: float) -> Match:
    start, end = run.start() + words[0].start(), run.start() + words[-1].end()
    return Match(start, end, run.string[start:end], strength)


def _is_named(text: str, start: int) -> bool | None:
    """Whether what is right before `start` says that a name follows; that one may, where it has to be a known one, is False."""
    before = text[max(0, start - _BEFORE) : start]
    said = before.rstrip(" \n")
    if not said or not 1 <= len(before) - len(said) <= 2:
        return None
    has_colon, said = said[-1] == ":", said.rstrip(",:").lower()
    for phrase, is_sure in _PHRASES.items():
        if said.endswith(phrase) and not said[: -len(phrase)][-1:].isalpha():
            return is_sure
    last = said[max(said.rfind(" "), said.rfind("\n")) + 1 :]
    if last in _NAMED or (has_colon and last in _NAMED_BY_COLON):
        return True
    return False if last in _ADDRESSED or (has_colon and last in _ADDRESSED_BY_COLON) else None


def _is_a_line(found: re.Match[str]) -> bool:
    """It has a line to itself, as whoever signs or is written to has."""
    text, before = found.string, found.string[max(0, found.start() - 2) : found.start()]
    return (not before or before[-1:] == "\n" or before == "\\n") and (text.startswith(("\n", "\r", "\\n"), found.end()))
