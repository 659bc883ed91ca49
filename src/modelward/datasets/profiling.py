# SPDX-License-Identifier: Apache-2.0
"""Profiles a recognised table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations
from math import isfinite
from typing import Any, cast

import polars as pl

from modelward.datasets.correlation import correlations
from modelward.datasets.dataset import Column, ColumnKind
from modelward.datasets.declaration import Task, favourable_class
from modelward.datasets.histogram import histogram
from modelward.datasets.image_profiling import image_warnings, profile_images
from modelward.datasets.interactions import Log
from modelward.datasets.leakage import leakage_suspects
from modelward.datasets.log_profiling import log_warnings, profile_log
from modelward.datasets.profile import ColumnProfile, Profile, ProfileWarning, TextProfile, ValueCount, counts_rows
from modelward.datasets.recognition import describe, without_lists
from modelward.datasets.series_profiling import profile_series, series_warnings
from modelward.datasets.splits import class_labels
from modelward.datasets.table import SlicedTable, Table
from modelward.privacy import identifiers_in

_QUANTILES = {"p01": 0.01, "p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
_TUKEY = 1.5
_TOP, _TOP_OF_AT_MOST, _LEAST_ROWS_NAMED = 10, 50, 5
_VALUES_LOOKED_AT = 1000
_LEAVE_OUT = "Leave it out of a table, or learn from its texts alone (`data: {text: COLUMN}` in the spec)."
_SHARE_OF_NAMES, _SHARE_MISSING, _SHARE_OUTLIERS, _SHARE_OF_SMALLEST_CLASS, _ROWS_OF_A_CLASS = 0.95, 0.5, 0.05, 0.2, 10
_CORRELATED, _COLUMNS_CORRELATED = 0.98, 60
_ROWS_AT_ONCE = 1 << 16


Identifiers = dict[str, tuple[str, ...]]


def find_identifiers(table: Table) -> Identifiers:
    """The kinds of direct identifier that each column holds, by its name."""
    return {name: _identifiers(table.get_column(name)) for name in table.columns}


def _identifiers(values: pl.Series) -> tuple[str, ...]:
    # The numbers of a series are measured; some of them look like telephone numbers all the same.
    looked_at = without_lists(values) if values.dtype == pl.String else values
    return tuple(found.detector for found in identifiers_in(_texts(looked_at)))


def describe_columns(table: Table, identifiers: Identifiers, *, persons: str = "") -> tuple[Column, ...]:
    """The columns of `table`. Direct identifiers are text, never categories to learn from or to list; of the column `persons`, the
    users of a log, nothing is told whatever it looks like.
    """
    described = (describe(table.get_column(name), names_persons=bool(identifiers[name])) for name in table.columns)
    return tuple(
        Column(name=column.name, kind=ColumnKind.TEXT, nullable=column.nullable) if column.name == persons else column
        for column in described
    )


def profile_table(
    table: SlicedTable,
    columns: tuple[Column, ...],
    *,
    identifiers: Identifiers,
    dataset: str,
    fingerprint: str,
    target: str,
    positive: str = "",
    task: Task = "classes",
    log: Log | None = None,
) -> Profile:
    """The profile of `table`, whose target has no missing values; classes are counted where the target is one. `positive` is the
    favourable class, where somebody stated it.

    Raises:
        InvalidDeclarationError: the stated class is none of the target's, or these are more than two.
    """
    user = log.user if log else ""
    profiled = tuple(
        _profile(table.get_column(column.name), column.kind, identifiers[column.name], is_hidden=column.name == user)
        for column in columns
    )
    has_classes = task == "classes"
    classes = _class_counts(table.get_column(target)) if has_classes else {}
    favourable = favourable_class(classes, stated=positive)
    duplicates = _duplicates(table)
    apart = {target, log.user, log.time} if log else {target}
    found = profile_log(table, log, item=target) if log else None
    warnings = chain(
        chain.from_iterable(_column_warnings(each, rows=table.height) for each in profiled if each.name not in apart),
        _person_warnings(next(each for each in profiled if each.name == user)) if log else (),
        _class_warnings(classes, target=target) if has_classes else (),
        _favourable_warnings(classes, "" if positive else favourable, target=target),
        _counter_warnings(table, target=target) if log is None else log_warnings(found, log, item=target),
        leakage_suspects(table, columns, target=target) if has_classes else (),
        _correlated(table, columns, target=target),
        _duplicate_warnings(duplicates, rows=table.height),
    )
    return Profile(
        dataset=dataset,
        fingerprint=fingerprint,
        rows=table.height,
        columns=profiled,
        classes=classes,
        duplicates=duplicates,
        warnings=tuple(warnings),
        positive=favourable,
        log=found,
    )


def _class_counts(target: pl.Series) -> dict[str, int]:
    counts = class_labels(target).value_counts(sort=True)
    return dict(sorted(counts.iter_rows(), key=lambda each: (-each[1], each[0])))


def _profile(values: pl.Series, kind: ColumnKind, identifiers: tuple[str, ...], *, is_hidden: bool = False) -> ColumnProfile:
    present = values.drop_nulls()
    facts: dict[str, Any] = {}
    if is_hidden:
        pass
    elif kind is ColumnKind.NUMBER:
        facts = _number_facts(present) | ({} if identifiers else {"histogram": histogram(present)})
    elif kind is ColumnKind.DATE and len(present):
        facts = dict(zip(("earliest", "latest"), _span(present), strict=True))
    elif kind in {ColumnKind.CATEGORY, ColumnKind.BOOLEAN} and not identifiers:
        facts = {"top": _top(present, rows=len(values))}
    elif kind is ColumnKind.TEXT and len(present):
        facts = {"texts": _text_facts(present)}
        facts |= {} if identifiers else {"histogram": histogram(present.str.len_chars())}
    elif kind is ColumnKind.IMAGE:
        facts = {"images": profile_images(values)}
    elif kind is ColumnKind.SERIES:
        lengths, series = profile_series(values)
        facts = {"series": series, "histogram": histogram(lengths)}
    return ColumnProfile(
        name=values.name,
        kind=kind,
        missing=values.null_count(),
        missing_share=values.null_count() / max(len(values), 1),
        distinct=present.n_unique(),
        identifiers=identifiers,
        **facts,
    )


def _number_facts(present: pl.Series) -> dict[str, Any]:
    if not len(present):
        return {}
    figures = present.to_frame("v").select(
        minimum=pl.col("v").min(),
        maximum=pl.col("v").max(),
        mean=pl.col("v").mean(),
        standard_deviation=pl.col("v").std(),
        **{name: pl.col("v").quantile(share, "linear") for name, share in _QUANTILES.items()},
    )
    found = figures.row(0, named=True)
    quantiles = {name: found.pop(name) for name in _QUANTILES}
    beyond = _TUKEY * (quantiles["p75"] - quantiles["p25"])
    outliers = int(((present < quantiles["p25"] - beyond) | (present > quantiles["p75"] + beyond)).sum())
    # A sum of numbers near the end of float64 overflows; what is not a number is left out.
    finite = {name: value for name, value in found.items() if value is not None and isfinite(value)}
    return {**finite, "quantiles": {name: value for name, value in quantiles.items() if isfinite(value)}, "outliers": outliers}


def _text_facts(present: pl.Series) -> TextProfile:
    characters = present.str.len_chars()
    letters, latin, han = (int(present.str.count_matches(rf"\p{{{script}}}").sum()) for script in ("Letter", "Latin", "Han"))
    quantiles = {name: float(characters.quantile(share, "linear") or 0) for name, share in _QUANTILES.items()}
    return TextProfile(
        characters={**quantiles, "longest": float(cast("int", characters.max()))},
        latin=latin / max(letters, 1),
        han=han / max(letters, 1),
        repeated=len(present) - present.n_unique(),
    )


def _span(present: pl.Series) -> tuple[str, str]:
    """The first and the last moment; without the time of day where it is midnight in every row."""
    are_days = bool((present.dt.truncate("1d") == present).all())
    shown = present.dt.date() if are_days else present
    return str(shown.min()), str(shown.max())


def _top(present: pl.Series, *, rows: int) -> tuple[ValueCount, ...]:
    if present.n_unique() > _TOP_OF_AT_MOST:
        return ()
    counts = present.cast(pl.String).value_counts().iter_rows()
    named = (ValueCount(value, count, count / rows) for value, count in counts if count >= _LEAST_ROWS_NAMED)
    return tuple(sorted(named, key=lambda each: (-each.rows, each.value))[:_TOP])


def _texts(values: pl.Series) -> list[str]:
    """Up to a thousand different values as text; of numbers the whole ones, for a telephone number may have been read as one."""
    if values.dtype != pl.String and values.dtype != pl.Float64:
        return []
    distinct = values.drop_nulls().unique(maintain_order=True).head(_VALUES_LOOKED_AT)
    if values.dtype == pl.String:
        return distinct.to_list()
    whole = distinct.cast(pl.Int64, strict=False)
    is_whole = whole.cast(pl.Float64) == distinct
    return whole.cast(pl.String).to_list() if is_whole.all(ignore_nulls=False) else []


def _column_warnings(column: ColumnProfile, *, rows: int) -> Iterator[ProfileWarning]:
    name, present = repr(column.name), rows - column.missing
    if column.identifiers:
        what = " or ".join(column.identifiers)
        yield ProfileWarning(
            "direct-identifiers", column.name, f"Column {name} holds direct identifiers of persons ({what}). Leave it out."
        )
    if column.distinct == 1:
        yield ProfileWarning("constant", column.name, f"Column {name} has one value only and teaches nothing. Leave it out.")
    elif column.distinct >= _SHARE_OF_NAMES * present and column.kind in {ColumnKind.TEXT, ColumnKind.CATEGORY}:
        names = f"Column {name} has {column.distinct:,} different values in {present:,} rows: it names rows, or holds texts."
        yield ProfileWarning("near-unique", column.name, f"{names} {_LEAVE_OUT}")
    elif column.kind is ColumnKind.TEXT and not column.identifiers:
        text = f"Column {name} has {column.distinct:,} different texts, too many for a category. {_LEAVE_OUT}"
        yield ProfileWarning("high-cardinality", column.name, text)
    elif column.kind is ColumnKind.DATE:
        text = f"Column {name} holds dates, from which nothing is learned here. Leave it out, or divide the rows by it."
        yield ProfileWarning("dates", column.name, text)
    if column.missing_share > _SHARE_MISSING:
        yield ProfileWarning("missing", column.name, f"Column {name} is missing in {column.missing_share:.0%} of the rows.")
    if column.images is not None:
        yield from image_warnings(column.name, column.images)
    if column.series is not None:
        yield from series_warnings(column.name, column.series)
    if (column.outliers or 0) > _SHARE_OUTLIERS * rows:
        text = f"Column {name} has {column.outliers:,} outliers (1.5 interquartile ranges beyond the quartiles)."
        yield ProfileWarning("outliers", column.name, text)


def _person_warnings(column: ColumnProfile) -> Iterator[ProfileWarning]:
    if column.identifiers:
        what = " or ".join(column.identifiers)
        text = f"The users in column {column.name!r} are direct identifiers of persons ({what}). Put a number in the place of each."
        yield ProfileWarning("direct-identifiers", column.name, text)


def _counter_warnings(table: Table, *, target: str) -> Iterator[ProfileWarning]:
    for name in table.columns:
        if name != target and counts_rows(table.get_column(name)):
            yield ProfileWarning("row-counter", name, f"Column {name!r} only counts the rows. Leave it out.")


def _class_warnings(classes: dict[str, int], *, target: str) -> Iterator[ProfileWarning]:
    rows, fewest = sum(classes.values()), min(classes.values())
    # Of two classes that is a tenth of the rows; of ten that are even each has a tenth, and none is rare.
    if fewest * len(classes) < _SHARE_OF_SMALLEST_CLASS * rows:
        text = f"The smallest class of {target!r} has {fewest:,} of {rows:,} rows ({fewest / rows:.1%}): accuracy will flatter."
        yield ProfileWarning("imbalance", target, text)
    if fewest < _ROWS_OF_A_CLASS:
        text = (
            f"A class of {target!r} has {fewest} rows: hardly enough for each part of a split. Leave it out, or join it to another."
        )
        yield ProfileWarning("small-class", target, text)


def _favourable_warnings(classes: dict[str, int], taken: str, *, target: str) -> Iterator[ProfileWarning]:
    if taken:
        why = "the rarer one" if len({*classes.values()}) > 1 else "the second of two as frequent"
        text = (
            f"Nobody said which class of {target!r} is favourable: {taken!r} ({why}) is taken, and fairness counts who gets it. "
            "Say another with `--positive`, or as `data.positive` in the spec."
        )
        yield ProfileWarning("favourable-class", target, text)


def _correlated(table: SlicedTable, columns: tuple[Column, ...], *, target: str) -> Iterator[ProfileWarning]:
    """Pairs of the first 60 columns of numbers with a Pearson correlation of at least 0.98, either way."""
    numbers = [column.name for column in columns if column.kind is ColumnKind.NUMBER and column.minimum != column.maximum]
    numbers = [name for name in numbers if name != target][:_COLUMNS_CORRELATED]
    found = correlations(table, numbers)
    for (place, one), (other_place, other) in combinations(enumerate(numbers), 2):
        if abs(share := float(found[place, other_place])) >= _CORRELATED:
            yield ProfileWarning(
                "correlated", one, f"Columns {one!r} and {other!r} say the same: correlation {share:.3f}. Keep one."
            )


def _duplicates(table: SlicedTable) -> int:
    """How many rows repeat an earlier one, told by 64 bits of each: of ten million rows two differ and seem alike with a chance of
    three in a million.
    """
    marks = [rows.hash_rows() for rows in table.iter_slices(_ROWS_AT_ONCE)]
    return table.height - (pl.concat(marks).n_unique() if marks else 0)


def _duplicate_warnings(duplicates: int, *, rows: int) -> Iterator[ProfileWarning]:
    if duplicates:
        text = f"{duplicates:,} of {rows:,} rows repeat another: copies may fall on both sides of a split, and flatter the test."
        yield ProfileWarning("duplicates", "", text)
