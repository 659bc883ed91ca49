# SPDX-License-Identifier: Apache-2.0
"""Recognises what the values of a raw column are. What a value says decides, not how a format stored it: a table gives the same
columns, and so the same fingerprint, whether it comes as CSV, as Excel or as Parquet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import msgspec
import polars as pl

from modelward.datasets.dataset import CATEGORIES_LIMIT, LEAST_ROWS, MISSING, Column, ColumnKind, UnusableTableError

# A float64 holds whole numbers of 15 digits exactly: longer ones are numbers of cards or of persons, and stay text.
EXACT_DIGITS = 15
# Where nearly every row has a value of its own, the value names the row; it is no category.
_SHARE_OF_NAMES = 0.9
_LISTS_LOOKED_AT, _SHARE_OF_LISTS = 1000, 0.9

# A type with parameters equals its class and hashes otherwise, so these are no sets.
_TIMELY = (pl.Date, pl.Datetime)
_WORDY = (pl.Categorical, pl.Enum, pl.String, pl.Null)

_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_LONG_OR_PADDED = rf"^[+-]?(?:0\d+$|\d{{{EXACT_DIGITS + 1},}}$)"
_INFINITY = r"^[+-]?(?i:inf|infinity)$"
_COMMA_NUMBER = r"^[+-]?\d+(?:,\d+)?$"
_DATE = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
_BOOLEAN = r"^(?i:true|false)$"
# Python writes missing and infinite numbers as words that JSON has not, and whoever writes lists so means numbers.
_LIST = r"^\s*\[(?:[\d\s.,eE+\-\[\]]|null|NaN|nan|None|Infinity|inf)*\]\s*$"


def recognise(raw: pl.DataFrame, *, kinds: Mapping[str, ColumnKind]) -> pl.DataFrame:
    """The table with each column in the type of its kind: Float64, Boolean, Datetime or String, null where missing.

    Raises:
        UnusableTableError: a column holds infinity, decimal commas, or a type that no kind fits; or other values than its
            kind in `kinds`.
    """
    return pl.DataFrame([recognised_column(column, kinds.get(column.name)) for column in raw.get_columns()])


def describe(column: pl.Series, *, names_persons: bool = False) -> Column:
    """What is said of a recognised column. One that `names_persons` is text, so its values are neither listed nor learned from."""
    kind = _kind(column)
    if kind is ColumnKind.CATEGORY and names_persons:
        kind = ColumnKind.TEXT
    numbers = kind is ColumnKind.NUMBER
    return Column(
        name=column.name,
        kind=kind,
        nullable=column.null_count() > 0,
        categories=tuple(sorted(column.drop_nulls().unique().to_list())) if kind is ColumnKind.CATEGORY else (),
        minimum=cast("float | None", column.min()) if numbers else None,
        maximum=cast("float | None", column.max()) if numbers else None,
    )


def _kind(column: pl.Series) -> ColumnKind:
    if column.dtype == pl.Float64:
        return ColumnKind.NUMBER
    if column.dtype == pl.Boolean:
        return ColumnKind.BOOLEAN
    if column.dtype == pl.Binary:
        return ColumnKind.IMAGE
    if column.dtype == pl.Datetime:
        return ColumnKind.DATE
    # Texts are kept as they were written; what they are was told from them without that.
    told = _tidy(column)
    present = len(told) - told.null_count()
    distinct = told.drop_nulls().n_unique()
    names_rows = present >= LEAST_ROWS and distinct > _SHARE_OF_NAMES * present
    # Few different lists are no categories, which are shown and listed: each is somebody's whole recording.
    are_lists = present > 0 and _all(told.drop_nulls(), r"(?s)^\[.*\]$")
    if not (distinct > CATEGORIES_LIMIT or names_rows or are_lists):
        return ColumnKind.CATEGORY
    return ColumnKind.SERIES if holds_series(told) else ColumnKind.TEXT


def holds_series(column: pl.Series) -> bool:
    """Whether nearly all of the first values of a column are lists that are written with numbers. What of them is none all the
    same is found, and refused, when the column is profiled.
    """
    if column.dtype != pl.String:
        return False
    looked_at = column.drop_nulls().head(_LISTS_LOOKED_AT)
    lists = looked_at.filter(looked_at.str.contains(_LIST))
    has_numbers = 2 * int(lists.str.contains(r"\d").sum()) >= len(lists)
    return len(lists) > 0 and len(lists) >= _SHARE_OF_LISTS * len(looked_at) and has_numbers


def without_lists(column: pl.Series) -> pl.Series:
    """The values of a column of texts that are no lists of several numbers."""
    return column.filter(~(column.str.contains(_LIST) & column.str.contains(",")))


def recognised_column(column: pl.Series, kind: ColumnKind | None = None) -> pl.Series:
    """One column of `recognise`."""
    if column.dtype.is_integer() and _is_beyond_exact(column):
        column = column.cast(pl.String)
    if column.dtype.is_numeric():
        column = _finite(column.cast(pl.Float64))
    elif isinstance(column.dtype, pl.List | pl.Array):
        column = _of_lists(column)
    elif column.dtype in _TIMELY:
        column = _moments(column)
    elif column.dtype in _WORDY:
        column = _of_words(column.cast(pl.String), kind)
    elif column.dtype not in (pl.Boolean, pl.Binary):
        raise UnusableTableError(
            f"Column {column.name!r} holds values of type {column.dtype}, which no kind of column fits. Leave it out, or write it "
            "as numbers, text, booleans, ISO dates or the bytes of images."
        )
    return column if kind is None else _as_kind(column, kind)


def _of_words(column: pl.Series, kind: ColumnKind | None) -> pl.Series:
    """Texts as they were written, for so a version is asked about them; of every other kind what the words stand for.

    Space around texts that are recognised is dropped, for not every format keeps it, and no model reads it.
    """
    if kind in {ColumnKind.TEXT, ColumnKind.IMAGE, ColumnKind.SERIES}:
        return _written(column)
    tidy = _tidy(column)
    if kind is not None:
        return tidy
    found = _from_text(tidy)
    return _written(column).str.strip_chars() if _kind(found) in {ColumnKind.TEXT, ColumnKind.SERIES} else found


def _of_lists(column: pl.Series) -> pl.Series:
    """Lists of numbers as JSON writes them, so that a series is the same whether it came as CSV or as Parquet."""
    flat, depth = column, 0
    while isinstance(flat.dtype, pl.List | pl.Array):
        flat, depth = flat.explode(), depth + 1
    if not flat.dtype.is_numeric() and flat.dtype != pl.Null:
        raise UnusableTableError(
            f"Column {column.name!r} holds lists of type {flat.dtype}. Only lists of numbers are series. Leave the column out."
        )
    if depth > 2:
        raise UnusableTableError(
            f"Column {column.name!r} holds lists that are {depth} deep. A series is a list of steps, each a number or a list of as "
            "many numbers as there are channels. Write it so, or leave the column out."
        )
    _finite(flat.cast(pl.Float64))
    texts = [None if value is None else msgspec.json.encode(value).decode() for value in column.to_list()]
    return pl.Series(column.name, texts, dtype=pl.String)


def _is_beyond_exact(column: pl.Series) -> bool:
    low, high = cast("int | None", column.min()), cast("int | None", column.max())
    return low is not None and high is not None and max(abs(low), abs(high)) >= 10**EXACT_DIGITS


def _finite(column: pl.Series) -> pl.Series:
    """NaN becomes missing and minus zero zero; infinity is refused."""
    column = column.fill_nan(None)
    if count := int(column.is_infinite().sum()):
        raise UnusableTableError(
            f"Column {column.name!r} holds infinity in {count:,} rows. Write the true value there, or leave it empty (missing)."
        )
    return column + 0.0


def _moments(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def _tidy(column: pl.Series) -> pl.Series:
    """Without surrounding space, missing where the text says so, and the words true and false in lower case."""
    named = pl.col(column.name).str.strip_chars()
    missing = named.is_in(MISSING)
    word = pl.when(named.str.contains(_BOOLEAN)).then(named.str.to_lowercase()).otherwise(named)
    return column.to_frame().select(pl.when(missing).then(None).otherwise(word).alias(column.name)).to_series()


def _written(column: pl.Series) -> pl.Series:
    """Text as it is, missing where there is none: in a column that holds texts, a question mark is one."""
    bare = pl.col(column.name).str.strip_chars()
    return column.to_frame().select(pl.when(bare == "").then(None).otherwise(pl.col(column.name)).alias(column.name)).to_series()


def _from_text(column: pl.Series) -> pl.Series:
    present = column.drop_nulls()
    if not len(present):
        return column
    if _all(present, _BOOLEAN):
        return column == "true"
    if _all(present, rf"{_NUMBER}|{_INFINITY}") and _any(present, _NUMBER) and not _any(present, _LONG_OR_PADDED):
        return _finite(column.cast(pl.Float64))
    if _all(present, _DATE) and (moments := _parsed_moments(column)) is not None:
        return moments
    if _all(present, _COMMA_NUMBER) and _any(present, ","):
        raise UnusableTableError(
            f"Column {column.name!r} holds numbers with a comma in them. Write the decimal point as a point, and no separators "
            "of thousands."
        )
    return column


def _parsed_moments(column: pl.Series) -> pl.Series | None:
    """ISO 8601 dates and times, in UTC where an offset is given; None where one of them is no day of the calendar."""
    try:
        return pl.Series(column.name, [_moment(text) for text in column.to_list()], dtype=pl.Datetime("us"))
    except (ValueError, OverflowError):
        return None


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _as_kind(column: pl.Series, kind: ColumnKind) -> pl.Series:
    """The column as a kind that is known already, or a refusal that names the first row in which it is not."""
    if column.dtype == pl.Binary or kind is ColumnKind.IMAGE:
        return column
    if kind in {ColumnKind.CATEGORY, ColumnKind.TEXT, ColumnKind.SERIES}:
        return _as_words(column)
    wanted = {ColumnKind.NUMBER: pl.Float64, ColumnKind.BOOLEAN: pl.Boolean, ColumnKind.DATE: pl.Datetime}[kind]
    found = column
    if column.dtype == pl.String:
        found = _lenient(column, kind)
    elif column.dtype != wanted:
        found = pl.Series(column.name, [None] * len(column), dtype=wanted)
    if wrong := (found.is_null() & column.is_not_null()).arg_true().to_list():
        others = len(wrong) - 1
        rows = f"row {wrong[0] + 1:,}" + (
            f" and {others:,} {'others hold' if others > 1 else 'other hold'}" if others else " holds"
        )
        raise UnusableTableError(
            f"Column {column.name!r} holds a {kind} everywhere else; {rows} something else. Mend "
            f"{'them, or leave them' if others else 'it, or leave it'} empty (missing)."
        )
    return found


def _lenient(column: pl.Series, kind: ColumnKind) -> pl.Series:
    if kind is ColumnKind.NUMBER:
        return _finite(column.cast(pl.Float64, strict=False))
    if kind is ColumnKind.BOOLEAN:
        return column.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    moments = _parsed_moments(column)
    return pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us")) if moments is None else moments


def _as_words(column: pl.Series) -> pl.Series:
    """Values as the words a class or a category has: `true`, `false`, whole numbers without a decimal point."""
    if column.dtype == pl.Float64:
        whole = pl.col(column.name).cast(pl.Int64, strict=False)
        exact = whole.cast(pl.Float64) == pl.col(column.name)
        text = pl.when(exact).then(whole.cast(pl.String)).otherwise(pl.col(column.name).cast(pl.String))
        return column.to_frame().select(text.alias(column.name)).to_series()
    return column.cast(pl.String)


def _all(present: pl.Series, pattern: str) -> bool:
    return bool(present.str.contains(pattern).all())


def _any(present: pl.Series, pattern: str) -> bool:
    return bool(present.str.contains(pattern).any())
