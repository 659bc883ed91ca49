# SPDX-License-Identifier: Apache-2.0
"""The filter of rows in a grant: comparisons of columns with values, parsed here and never evaluated as code.

    age >= 18 and state != "CA"
    not (consent is missing) and `hours per week` in [20, 30, 40]

A comparison with a value that is missing is neither true nor false, so that the row is left out, unless the filter asks whether it
`is missing`. Numbers are compared with numbers, dates with dates in quotes (ISO 8601, UTC), and everything else with texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from modelward.datasets.dataset import Column, ColumnKind
from modelward.datasets.layout import unknown_column
from modelward.datasets.table import Table
from modelward.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

LIMIT_CHARACTERS = 1000
_DEPTH_LIMIT, _COMPARISONS_LIMIT, _VALUES_LIMIT = 20, 50, 200
_TOKEN = re.compile(
    r"\s*(?:(?P<mark><=|>=|==|!=|<|>|=|[()\[\],])|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)(?![\w`])"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|`(?P<quoted>[^`]+)`|(?P<word>[^\W\d][\w.-]*))"
)
_ORDERED = ("<", "<=", ">", ">=")
_WORDS = frozenset({"and", "or", "not", "in", "is", "missing", "true", "false"})

Value: TypeAlias = float | str | bool
Mark: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "in", "missing"]


class InvalidFilterError(InvalidError):
    """A filter of rows cannot be read, or does not fit the columns."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One column, and what its values are compared with."""

    column: str
    mark: Mark
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Several conditions: `and`, `or`, or `not` of one."""

    word: Literal["and", "or", "not"]
    parts: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Joined


@dataclass(frozen=True, slots=True)
class RowFilter:
    """A filter that was read. `parse` makes it."""

    condition: Condition

    @classmethod
    def parse(cls, text: str) -> RowFilter:
        """The filter that `text` spells.

        Raises:
            InvalidFilterError: it spells none, or is too long or too deep; the message says where.
        """
        if len(text) > LIMIT_CHARACTERS:
            raise InvalidFilterError(f"The filter has {len(text):,} characters; at most {LIMIT_CHARACTERS:,} are read. Shorten it.")
        return cls(_Reader(text).read())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it asks for, each once."""
        return tuple(dict.fromkeys(each.column for each in _comparisons(self.condition)))

    def check(self, columns: Sequence[Column]) -> None:
        """Nothing, where it fits columns of these kinds.

        Raises:
            InvalidFilterError: it names one that is not there, or compares one with what it cannot hold.
        """
        named = {column.name: column for column in columns}
        for each in _comparisons(self.condition):
            if each.column not in named:
                raise InvalidFilterError(f"The filter of rows: {unknown_column(each.column, list(named))}")
            _check(each, named[each.column])

    def strangers(self, column: Column) -> tuple[str, ...]:
        """The texts that it compares the column with and that no row has, where all texts of the column are known."""
        if column.kind is not ColumnKind.CATEGORY:
            return ()
        asked = [value for each in _comparisons(self.condition) if each.column == column.name for value in each.values]
        return tuple(dict.fromkeys(str(value) for value in asked if value not in column.categories))

    def kept(self, table: Table, columns: Sequence[Column]) -> pl.Series:
        """For each row of the `table` whether it is kept, Boolean [n]; `columns` are those of the table."""
        import polars as pl

        kinds = {column.name: column.kind for column in columns}
        needed = pl.DataFrame([table.get_column(name) for name in self.columns])
        return needed.select(kept=_expression(self.condition, kinds).fill_null(value=False)).get_column("kept")


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
        return
    for part in condition.parts:
        yield from _comparisons(part)


def _check(asked: Comparison, column: Column) -> None:
    kind = column.kind
    if asked.mark == "missing":
        return
    if kind in {ColumnKind.IMAGE, ColumnKind.SERIES}:
        raise InvalidFilterError(
            f"The filter of rows: column {asked.column!r} is of kind {kind}. Ask only whether it `is missing`."
        )
    wanted, like = _TAKEN[kind]
    if not all(type(value) is wanted for value in asked.values):
        instead = _instead(asked, column)
        raise InvalidFilterError(f"The filter of rows: column {asked.column!r} is of kind {kind}. Compare it with {like}.{instead}")
    if asked.mark in _ORDERED and kind not in {ColumnKind.NUMBER, ColumnKind.DATE}:
        raise InvalidFilterError(
            f"The filter of rows: column {asked.column!r} is of kind {kind}, which has no order. Use `==`, `!=` or `in`."
        )
    if kind is ColumnKind.DATE:
        for value in asked.values:
            _moment(asked.column, str(value))


def _instead(asked: Comparison, column: Column) -> str:
    """What to write in place of a comparison with `true` or `false`, where the column says yes and no in other words."""
    values = [value for value in asked.values if isinstance(value, bool)]
    if asked.mark not in ("==", "!=") or not values:
        return ""
    name = asked.column if _WORD.fullmatch(asked.column) else f"`{asked.column}`"
    if column.kind is ColumnKind.NUMBER:
        return f" If 1 stands for true in it, write: {name} {asked.mark} {int(values[0])}" if _is_flag(column) else ""
    meant = [word for word in column.categories if _MEANT.get(word.casefold()) is values[0]]
    said = meant[0] if len(meant) == 1 else "the word"
    return (
        f' `true` and `false` are for columns of kind boolean; write the word that stands in this one: {name} {asked.mark} "{said}"'
    )


def _is_flag(column: Column) -> bool:
    return column.minimum == 0 and column.maximum == 1


_WORD = re.compile(r"[^\W\d][\w.-]*")
_MEANT: Mapping[str, bool] = dict.fromkeys(("yes", "y", "true", "t", "1", "on", "ja", "oui", "si", "是"), True) | dict.fromkeys(
    ("no", "n", "false", "f", "0", "off", "nein", "non", "否"), False
)
_TAKEN: Mapping[ColumnKind, tuple[type, str]] = {
    ColumnKind.NUMBER: (float, "numbers, such as 18"),
    ColumnKind.BOOLEAN: (bool, "true or false"),
    ColumnKind.DATE: (str, 'dates in quotes, such as "2026-01-31"'),
    ColumnKind.CATEGORY: (str, 'texts in quotes, such as "yes"'),
    ColumnKind.TEXT: (str, 'texts in quotes, such as "yes"'),
}


def _moment(column: str, text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFilterError(
            f"The filter of rows: column {column!r} holds dates. Write one as `2026-01-31` or `2026-01-31T12:00`, in quotes."
        ) from None
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def _expression(condition: Condition, kinds: Mapping[str, ColumnKind]) -> pl.Expr:
    if isinstance(condition, Joined):
        parts = [_expression(part, kinds) for part in condition.parts]
        if condition.word == "not":
            return ~parts[0]
        return reduce(lambda one, other: one & other if condition.word == "and" else one | other, parts)
    return _compared(condition, is_date=kinds[condition.column] is ColumnKind.DATE)


def _compared(asked: Comparison, *, is_date: bool) -> pl.Expr:
    import polars as pl

    column = pl.col(asked.column)
    if asked.mark == "missing":
        return column.is_null()
    values: list[Any] = [_moment(asked.column, str(each)) if is_date else each for each in asked.values]
    if asked.mark == "in":
        return reduce(lambda one, other: one | other, [column == pl.lit(value) for value in values])
    found: pl.Expr = _MARKS[asked.mark](column, pl.lit(values[0]))
    return found


_MARKS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


class _Reader:
    """Reads a filter from left to right: `or` binds less than `and`, and `and` less than `not`."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0
        self._depth = 0
        self._comparisons = 0

    def read(self) -> Condition:
        found = self._either()
        if self._now.kind != "end":
            raise self._unexpected("`and`, `or` or the end")
        return found

    def _either(self) -> Condition:
        return self._several("or", self._both)

    def _both(self) -> Condition:
        return self._several("and", self._one)

    def _several(self, word: Literal["and", "or"], part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._takes("word", word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise InvalidFilterError(f"The filter of rows is nested deeper than {_DEPTH_LIMIT} levels. Write it flatter.")
        try:
            if self._takes("word", "not"):
                return Joined("not", (self._one(),))
            if self._takes("mark", "("):
                found = self._either()
                self._need("mark", ")")
                return found
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Condition:
        self._comparisons += 1
        if self._comparisons > _COMPARISONS_LIMIT:
            raise InvalidFilterError(f"The filter of rows has more than {_COMPARISONS_LIMIT} comparisons. Write fewer.")
        column = self._column()
        if self._takes("word", "is"):
            is_not = self._takes("word", "not")
            self._need("word", "missing")
            return _unless(is_not, Comparison(column, "missing"))
        is_not = self._takes("word", "not")
        if self._takes("word", "in"):
            return _unless(is_not, Comparison(column, "in", self._values()))
        if is_not:
            raise self._unexpected("`in`")
        mark = self._mark()
        return Comparison(column, mark, (self._value(),))

    def _column(self) -> str:
        token = self._now
        if token.kind == "quoted" or (token.kind == "word" and token.text not in _WORDS):
            self._place += 1
            return token.text
        raise self._unexpected("the name of a column (one with spaces in `backquotes`)")

    def _mark(self) -> Mark:
        token = self._now
        if token.kind == "mark" and token.text in {*_MARKS, "="}:
            self._place += 1
            return "==" if token.text == "=" else token.text  # type: ignore[return-value]  # the marks are those of the table
        raise self._unexpected("`==`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `is missing`")

    def _values(self) -> tuple[Value, ...]:
        self._need("mark", "[")
        values = [self._value()]
        while self._takes("mark", ","):
            values.append(self._value())
        self._need("mark", "]")
        if len(values) > _VALUES_LIMIT:
            raise InvalidFilterError(f"The filter of rows lists more than {_VALUES_LIMIT} values. List fewer.")
        return tuple(values)

    def _value(self) -> Value:
        token = self._now
        self._place += 1
        if token.kind == "number" and isfinite(number := float(token.text)):
            return number
        if token.kind == "text":
            return token.text[1:-1]
        if token.kind == "word" and token.text in {"true", "false"}:
            return token.text == "true"
        self._place -= 1
        raise self._unexpected('a finite number, a text in quotes ("like this"), true or false')

    @property
    def _now(self) -> _Token:
        return self._tokens[self._place]

    def _takes(self, kind: str, text: str) -> bool:
        if (self._now.kind, self._now.text) != (kind, text):
            return False
        self._place += 1
        return True

    def _need(self, kind: str, text: str) -> None:
        if not self._takes(kind, text):
            raise self._unexpected(f"`{text}`")

    def _unexpected(self, wanted: str) -> InvalidFilterError:
        return InvalidFilterError(f"The filter of rows cannot be read at character {self._now.at + 1}: {wanted} belongs there.")


def _unless(is_not: bool, condition: Comparison) -> Condition:  # noqa: FBT001  # it is what was read, and of this file alone
    return Joined("not", (condition,)) if is_not else condition


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise InvalidFilterError(
                f"The filter of rows cannot be read from character {at + 1} on. Write comparisons such as `age >= 18 and "
                'state != "CA"`.'
            )
        assert match.lastgroup is not None
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    return [*found, _Token("end", "", end)]
