# SPDX-License-Identifier: Apache-2.0
"""Runs of digits as people write long numbers: in one piece, in groups, broken by the end of a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LEAST, _MOST, _GROUPS = 7, 22, 24
_RUN = re.compile(r"[0-9]+(?:(?: ?- ?|[ \t]{1,3}|[ \t]*\r?\n[ \t]*)[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Group:
    """Digits in a row: `text[start:end]`. `wrapped`: nothing but the end of a line, or what shows nothing, is before it."""

    start: int
    end: int
    wrapped: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A number as somebody may have meant it: some groups of a run that follow each other."""

    start: int
    end: int
    digits: str
    sizes: tuple[int, ...]
    wrapped: bool
    """It is two groups, and nothing but the end of a line or what shows nothing is between them."""

    @property
    def is_one(self) -> bool:
        """It is written in one piece."""
        return len(self.sizes) == 1 or self.wrapped or set(self.sizes) == {1}


@dataclass(frozen=True, slots=True)
class Number:
    """Groups of digits with spaces, a dash or the end of a line between them, at least seven digits together."""

    groups: tuple[Group, ...]
    text: str

    def written(self, least: int, most: int) -> Iterator[Written]:
        """Every number of `least` to `most` digits that whole groups make."""
        for first in range(len(self.groups)):
            digits, sizes = "", tuple[int, ...]()
            for last in range(first, min(len(self.groups), first + _GROUPS)):
                group = self.groups[last]
                if len(digits) + group.end - group.start > most:
                    break
                digits += self.text[group.start : group.end]
                sizes = (*sizes, group.end - group.start)
                if len(digits) >= least:
                    wrapped = len(sizes) > 1 and all(each.wrapped for each in self.groups[first + 1 : last + 1])
                    yield Written(self.groups[first].start, group.end, digits, sizes, wrapped)


def numbers_in(text: str, gaps: frozenset[int]) -> tuple[Number, ...]:
    """The numbers of `text`. At the places `gaps` something was left out that showed nothing: a number may end or go on there."""
    return tuple(Number(_groups(found, text, gaps), text) for found in _RUN.finditer(text) if found.end() - found.start() >= _LEAST)


def _groups(run: re.Match[str], text: str, gaps: frozenset[int]) -> tuple[Group, ...]:
    groups: list[Group] = []
    for found in _GROUP.finditer(text, run.start(), run.end()):
        start = found.start()
        wrapped = bool(groups) and "\n" in text[groups[-1].end : start]
        if gaps:
            for place in range(start + 1, found.end()):
                if place in gaps:
                    groups.append(Group(start, place, wrapped))
                    start, wrapped = place, True
        groups.append(Group(start, found.end(), wrapped))
    return tuple(groups)
