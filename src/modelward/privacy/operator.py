# SPDX-License-Identifier: Apache-2.0
"""What hides one value: an operator and its argument, such as `mask:4`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from modelward.errors import InvalidError
from modelward.privacy.book import Book
from modelward.privacy.operators import OPERATORS


class InvalidOperatorError(InvalidError):
    """What is said after an operator's name does not fit it."""


@dataclass(frozen=True, slots=True)
class Item:
    """A value to hide. `written` is how it stands in the data, `value` its canonical form, `kind` what it is, such as "phone", or
    "" where nobody knows. `book` has the key and the pseudonyms; `subject` says whose the value is, where days of one person are
    to be moved together.
    """

    written: str
    value: str
    kind: str
    book: Book
    subject: str = ""


class Operator(Protocol):
    """Hides values, one at a time.

    It MUST give the same text for the same value under one key, whatever came before, and MUST NOT tell any part of the value that
    its description does not say it tells. What it does not understand it MUST redact. `is_reversible` says whether the
    book can tell the value again. `argument` is what stands after the colon; the class raises `InvalidOperatorError` where it does
    not fit.
    """

    name: str
    is_reversible: bool

    def __init__(self, argument: str) -> None: ...

    def hide(self, item: Item) -> str:
        """What stands in the place of the value."""
        ...


@lru_cache(maxsize=256)
def operator_of(said: str) -> Operator:
    """The operator that `said` names, such as `redact` or `mask:4`.

    Raises:
        UnknownPluginError: there is none of that name. InvalidOperatorError: its argument does not fit.
    """
    name, _, argument = said.partition(":")
    made: Operator = OPERATORS.load(name.strip())(argument.strip())
    return made


def redacted(kind: str) -> str:
    """What stands for a value of that kind of which nothing is told."""
    return f"<{kind or 'hidden'}>"


def whole_number(argument: str, *, default: int, least: int, most: int, what: str) -> int:
    """The number that `argument` is, or the default where nothing is said.

    Raises:
        InvalidOperatorError: it is none in that range.
    """
    if not argument:
        return default
    if not (argument.isascii() and argument.isdigit() and len(argument) < 10 and least <= int(argument) <= most):
        raise InvalidOperatorError(f"{what} is {argument[:40]!r}; it is a whole number from {least} to {most}, like {default}.")
    return int(argument)
