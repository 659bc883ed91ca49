# SPDX-License-Identifier: Apache-2.0
"""Names in English text: after a title or what says that a name follows, or a frequent first name with what it stands beside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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
_TITLES = "Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Lady|Lord|Rev|Judge|Capt|Captain"
_TITLED = re.compile(rf"(?<![A-Za-z])(?:{_TITLES})\.? (?P<name>(?:[A-Z]\. ?){{0,2}}{_NAME})")
_NAMED = re.compile(
    r"(?<![A-Za-z])(?i:(?:(?:my|his|her|their|your|full|first|last|family|customer|patient|user|account|holder)'?s? )?name(?: is|:)"
    r"|named|signed|sincerely,?|regards,?|attn:?|contact(?: person)?:|patient:|customer:|client:|beneficiary:|card ?holder:)"
    rf"[ \n]{{1,2}}(?P<name>{_NAME})(?![A-Za-z])"
)
_ADDRESSED = re.compile(
    r"(?<![A-Za-z])(?i:called|dear|hi|hello|yours,?|patient|customer|client|i am|i'm|this is|thanks,?|cheers,?|from:?|to:|cc:|by:?"
    r"|author:|owner:)"
    rf"[ \n]{{1,2}}(?P<name>{_NAME})(?![A-Za-z])"
)
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
    for form in (_TITLED, _NAMED, _ADDRESSED):
        for found in form.finditer(written):
            words = found["name"].split()
            is_sure = form is not _ADDRESSED or words[0] in first_names()
            if is_sure and words[0] not in _RATHER_OTHERS and words[-1] not in _ENDINGS:
                yield Match(found.start("name"), found.end("name"), found["name"], CUED)
    for found in _RUN.finditer(written):
        yield from _of_a_run(found)


def _of_a_run(found: re.Match[str]) -> Iterator[Match]:
    """What may be a name of words with capitals that follow each other."""
    words = list(re.finditer(r"[^ ]+", found[0]))
    for place, word in enumerate(words):
        if word[0].split("-")[0] in first_names():
            rest = words[place:]
            if rest[-1][0] in _ENDINGS or (len(rest) == 1 and word[0] in _RATHER_OTHERS):
                return
            strength = LIKELY if len(rest) > 1 else GUESSED
            start, end = found.start() + word.start(), found.start() + rest[-1].end()
            yield Match(start, end, found.string[start:end], strength)
            return
    if 2 <= len(words) <= 4 and words[-1][0] not in _ENDINGS and (not found[0].isascii() or _is_a_line(found)):
        yield Match(found.start(), found.end(), found[0], GUESSED)


def _is_a_line(found: re.Match[str]) -> bool:
    """It has a line to itself, as whoever signs or is written to has."""
    text, before = found.string, found.string[max(0, found.start() - 2) : found.start()]
    return (not before or before[-1:] == "\n" or before == "\\n") and (text.startswith(("\n", "\r", "\\n"), found.end()))
