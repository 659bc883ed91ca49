# SPDX-License-Identifier: Apache-2.0
"""A file of policies is checked before it is in force, and what is wrong with it is told by line and column.

The parser says what it did not expect and not where. So where is found out by asking it again: a beginning of a file that could
still go on makes it complain of the end; the shortest one of which it complains otherwise ends with the fault.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import cedarpy

from modelward.access.cedar.vocabulary import SCHEMA_TEXT
from modelward.access.permission import Role
from modelward.access.site_policy import InvalidSitePolicyError

_TOKEN: Final = re.compile(r'//[^\n]*|"(?:\\.|[^"\\\n])*"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|::|==|!=|<=|>=|&&|\|\||\S')
_MAYBE_MORE: Final = "end of input"
_QUOTED: Final = re.compile(r"`([^`]+)`")
_POLICY: Final = re.compile(r"^for policy `[^`]*`, ")
_FIXED: Final = {"Role": tuple(map(str, Role)), "House": ("house",)}
_OPTIONAL: Final = re.compile(r"optional attribute `([a-z_]+)` in context")


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy of a file: what it is called, on which line it begins, and its form for the engine."""

    name: str
    line: int
    effect: str
    form: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word of the text, from `start` to `end`."""

    word: str
    start: int
    end: int


def check(text: str) -> tuple[Statement, ...]:
    """The policies of a file, in its order.

    Raises:
        InvalidSitePolicyError: it is no Cedar, or speaks of what is not in the schema; the message says line and column.
    """
    found, pieces = read(text), _pieces(text)
    _must_fit_the_schema(text, _starts(pieces))
    _must_be_there(text, pieces)
    return found


def read(text: str) -> tuple[Statement, ...]:
    """The policies of a file that was checked when it was put in force.

    Raises:
        InvalidSitePolicyError: it is no Cedar.
    """
    pieces = _pieces(text)
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as wrong:
        raise _refused(text, _place_of_fault(text, pieces), str(wrong)) from None
    if parsed["templates"]:
        place = next((piece.start for piece in pieces if piece.word == "?"), 0)
        raise _refused(text, place, "a policy with an open slot is a template, and nothing here fills it")
    found = parsed["staticPolicies"]
    if not found:
        raise InvalidSitePolicyError("The file holds no policy. Write at least one `permit (…);` or `forbid (…);`.")
    lines = _lines(text, _starts(pieces))
    return tuple(_statement(line, found[f"policy{number}"]) for number, line in enumerate(lines))


def _pieces(text: str) -> list[_Piece]:
    return [_Piece(found[0], *found.span()) for found in _TOKEN.finditer(text) if not found[0].startswith("//")]


def _statement(line: int, form: dict[str, Any]) -> Statement:
    named = form.get("annotations", {}).get("id") or f"line-{line}"
    return Statement(named, line, form["effect"], form)


def _starts(pieces: list[_Piece]) -> list[int]:
    """Where each policy begins: a semicolon ends one, and stands nowhere else."""
    ends = [number for number, piece in enumerate(pieces) if piece.word == ";"]
    return [pieces[first].start for first in [0, *(end + 1 for end in ends)] if first < len(pieces)]


def _place_of_fault(text: str, pieces: list[_Piece]) -> int:
    """Where the first wrong word stands; the end of the text, where nothing is wrong but that it ends."""

    def is_wrong(count: int) -> bool:
        said = _complaint(text[: pieces[count - 1].end])
        return bool(said) and _MAYBE_MORE not in said

    first = bisect_left(range(1, len(pieces) + 1), 1, key=is_wrong)
    if first == len(pieces):
        return len(text.rstrip())
    said = _complaint(text[: pieces[first].end])
    # What only a whole policy shows is complained of at its end: the word that is quoted stands before.
    begun = [place for place in _starts(pieces[: first + 1]) if place <= pieces[first].start]
    return _quoted(text, said, begun[-1] if begun else 0, pieces[first].end) or pieces[first].start


def _complaint(text: str) -> str:
    try:
        cedarpy.policies_to_json_str(text)
    except ValueError as wrong:
        return str(wrong)
    return ""


def _must_fit_the_schema(text: str, starts: list[int]) -> None:
    result = cedarpy.validate_policies(text, SCHEMA_TEXT)
    if result.validation_passed:
        return
    first = result.errors[0]
    number = int(first.policy_id.removeprefix("policy") or 0) if first.policy_id.startswith("policy") else 0
    begin = starts[number] if number < len(starts) else 0
    end = starts[number + 1] if number + 1 < len(starts) else len(text)
    said = _POLICY.sub("", first.error)
    raise _refused(text, _quoted(text, said, begin, end) or begin, said)


def _must_be_there(text: str, pieces: list[_Piece]) -> None:
    """Roles, and the house, have fixed names: of one that is wrong by a letter a policy would mean nobody, and say nothing."""
    for kind, colons, name in zip(pieces, pieces[1:], pieces[2:], strict=False):
        known = _FIXED.get(kind.word) if colons.word == "::" else None
        if known and name.word.startswith('"') and name.word[1:-1] not in known:
            raise _refused(text, name.start, f"there is no {kind.word}::{name.word[:80]}; there is {', '.join(known)}")


def _quoted(text: str, said: str, begin: int, end: int) -> int | None:
    """Where in the policy the words stand that a complaint quotes; the last of them that stands there at all."""
    words = [*_QUOTED.findall(said), said.rpartition(": ")[2]]
    for word in words:
        place = text.find(word, begin, end)
        if place >= 0 and word.strip() and word not in ";":
            return place
    return None


def _lines(text: str, places: Iterable[int]) -> Iterator[int]:
    """On which lines the places are, which come in their order: the text is gone through once."""
    line, before = 1, 0
    for place in places:
        line += text.count("\n", before, place)
        before = place
        yield line


def _refused(text: str, place: int, said: str) -> InvalidSitePolicyError:
    column = place - (text.rfind("\n", 0, place) + 1) + 1
    maybe = _OPTIONAL.search(said)
    ask = f"Ask first whether it is there: `context has {maybe[1]} && …`. " if maybe else ""
    return InvalidSitePolicyError(
        f"Line {next(_lines(text, [place]))}, column {column}: {said}. Nothing was changed. {ask}"
        "`modelward access policies show built-in` has examples, and the how-to of policies says what one may speak of."
    )
