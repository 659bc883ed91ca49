# SPDX-License-Identifier: Apache-2.0
"""How the columns of a table are hidden: what each is taken for, and what becomes of its cells, a block at a time."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from modelward.datasets.dataset import Column, ColumnKind
from modelward.datasets.derived import HiddenColumn, Hiding, InvalidHidingError
from modelward.datasets.layout import quoted, unknown_column
from modelward.datasets.profiling import find_identifiers
from modelward.datasets.table import BLOCK_ROWS, Table
from modelward.privacy import Book, Item, Operator, Plan, deidentify, find_spans, of_few_marks, operator_of

if TYPE_CHECKING:
    from collections.abc import Callable

# What a column of that name holds, where its values do not say so themselves.
_CALLED = {
    "name": (
        *("name", "full name", "first name", "last name", "given name", "family name", "surname", "patient name", "customer name"),
        *("contact", "contact name", "姓名", "名字", "患者姓名", "病人姓名", "客户姓名", "联系人", "客户名称"),
    ),
    "address": ("address", "street", "street address", "home address", "地址", "住址", "家庭住址", "通讯地址", "户籍地址"),
    "date-of-birth": ("date of birth", "birth date", "birthdate", "birthday", "dob", "出生日期", "生日", "出生年月日"),
}
_KIND_OF_NAME = {called: kind for kind, names in _CALLED.items() for called in names}
# A day that somebody was born on is nobody else's by another day; what is wider is told instead.
WIDER = {"date-of-birth": "generalise:year"}


@dataclass(frozen=True, slots=True)
class Way:
    """What is done with a column: nothing where `operator` is "", else to whole cells of that `kind`, or to what is within."""

    operator: str
    kind: str = ""
    within: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """The values of a column afterwards, and what is told of it."""

    values: pl.Series
    told: HiddenColumn
    names_persons: bool


def ways_of(table: Table, columns: Iterable[Column], hiding: Hiding, *, persons: str) -> dict[str, Way]:
    """What is done with each column that is kept; `persons` is the column that names the users of a log.

    Raises:
        InvalidHidingError: a column is named that there is not, or every one is left out, or one is both hidden and left out.
        UnknownPluginError, InvalidOperatorError: there is no such operator.
    """
    for name in (*hiding.columns, *hiding.drop):
        if name not in table.columns:
            raise InvalidHidingError(f"What is to be hidden is not in the data. {unknown_column(name, table.columns)}")
    if both := [name for name in hiding.columns if name in hiding.drop]:
        raise InvalidHidingError(f"Column {quoted(both)} is to be hidden and to be left out. Say one of the two.")
    for said in (hiding.found, *hiding.columns.values()):
        subject = getattr(operator_of(said), "subject", "")
        if subject and subject not in table.columns:
            raise InvalidHidingError(f"`{said[:80]}` names whose the days are. {unknown_column(subject, table.columns)}")
    identifiers = find_identifiers(table)
    kept = [column for column in columns if column.name not in hiding.drop]
    return {column.name: _way(column, hiding, identifiers[column.name], is_person=column.name == persons) for column in kept}


def _way(column: Column, hiding: Hiding, identifiers: tuple[str, ...], *, is_person: bool) -> Way:
    called = " ".join(column.name.casefold().replace("_", " ").replace("-", " ").split())
    kind = identifiers[0] if identifiers else _KIND_OF_NAME.get(called, "")
    if said := hiding.columns.get(column.name):
        return Way(said, kind)
    if is_person or identifiers:
        return Way(hiding.found, kind)
    if kind and column.kind in (ColumnKind.TEXT, ColumnKind.CATEGORY, ColumnKind.DATE):
        return Way(WIDER.get(kind, hiding.found), kind)
    if column.kind in (ColumnKind.TEXT, ColumnKind.CATEGORY):
        return Way(hiding.found, within=True)
    return Way("")


def hide_column(values: pl.Series, way: Way, book: Book, subject_of: Callable[[str], pl.Series]) -> Hidden:
    """Hide the column, and count. `subject_of` gives the column that says whose the rows are.

    Raises:
        BookFullError: there are not as many pseudonyms of one form.
    """
    found: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    if not way.operator:
        told = HiddenColumn(column=values.name, operator="", within=False, found={}, hidden={}, cells=0)
        return Hidden(values, told, names_persons=False)
    operator = operator_of(way.operator)
    subjects = subject_of(name) if (name := getattr(operator, "subject", "")) else None
    hide = _Within(way, book) if way.within else _Whole(way, operator, book)
    parts, cells = [], 0
    for start in range(0, len(values), BLOCK_ROWS):
        block = _as_text(values[start : start + BLOCK_ROWS])
        whose = subjects[start : start + BLOCK_ROWS].cast(pl.String) if subjects is not None else None
        after = _block(block, whose, hide, found, hidden)
        cells += int((after != block).sum())
        parts.append(after)
    made = pl.concat(parts, rechunk=True).rename(values.name)
    if not cells:
        made = values
    elif values.dtype == pl.Datetime and operator.name == "shift-dates":
        made = made.str.to_datetime(strict=False).cast(values.dtype)
    told = HiddenColumn(
        column=values.name,
        operator=way.operator,
        within=way.within,
        found=dict(sorted(found.items())),
        hidden=dict(sorted(hidden.items())),
        cells=cells,
    )
    names = not way.within and operator.name in ("hash", "mask", "pseudonym", "redact")
    return Hidden(made, told, names_persons=names and cells > 0)


def widened_column(before: pl.Series, after: pl.Series) -> HiddenColumn:
    """What is told of a column that was made alike."""
    same = _as_text(before).eq_missing(_as_text(after))
    cells = len(before) - int(same.sum())
    return HiddenColumn(column=before.name, operator="alike", within=False, found={}, hidden={}, cells=cells)


class _Whole:
    """Hides a cell as one value."""

    def __init__(self, way: Way, operator: Operator, book: Book) -> None:
        self._way, self._operator, self._book = way, operator, book

    def __call__(self, cell: str, subject: str) -> tuple[str, Mapping[str, int], Mapping[str, int]]:
        kind = self._way.kind
        value = unicodedata.normalize("NFKC", of_few_marks(cell)).strip()
        if kind:
            spans = find_spans(cell, [kind]) if kind not in ("name",) else []
            value = spans[0].value if len(spans) == 1 and cell[spans[0].start : spans[0].end] == cell.strip() else value
        found = {kind or "value": 1}
        after = self._operator.hide(Item(cell, value, kind, self._book, subject))
        return after, found, {} if self._operator.name == "keep" else found


class _Within:
    """Hides what is found in a cell."""

    def __init__(self, way: Way, book: Book) -> None:
        self._keeps = way.operator.partition(":")[0] == "keep"
        self._plan = Plan(way.operator, {} if self._keeps else WIDER)
        self._book = book

    def __call__(self, cell: str, subject: str) -> tuple[str, Mapping[str, int], Mapping[str, int]]:
        if self._keeps:
            return cell, Counter(span.kind for span in find_spans(cell)), {}
        made = deidentify(cell, self._plan, self._book, subject=subject)
        return made.text, made.counts, made.counts


def _block(
    values: pl.Series, whose: pl.Series | None, hide: _Whole | _Within, found: Counter[str], hidden: Counter[str]
) -> pl.Series:
    """The block afterwards. Equal cells of one subject are worked out once."""
    done: dict[tuple[str, str], tuple[str, Mapping[str, int], Mapping[str, int]]] = {}
    after: list[str | None] = []
    subjects: Iterable[str | None] = whose if whose is not None else [""] * len(values)
    for cell, subject in zip(values, subjects, strict=True):
        if cell is None:
            after.append(None)
            continue
        key = (cell, subject or "")
        if (made := done.get(key)) is None:
            made = done[key] = hide(*key)
        after.append(made[0])
        found.update(made[1])
        hidden.update(made[2])
    return pl.Series(values.name, after, dtype=pl.String)


def _as_text(values: pl.Series) -> pl.Series:
    """The cells as people write them: whole numbers without a point, days without a time that is midnight."""
    if values.dtype == pl.Float64:
        whole = values.cast(pl.Int64, strict=False)
        return (
            pl.DataFrame(
                {"is_whole": whole.cast(pl.Float64) == values, "whole": whole.cast(pl.String), "any": values.cast(pl.String)}
            )
            .select(pl.when("is_whole").then("whole").otherwise("any").alias(values.name))
            .to_series()
        )
    if values.dtype == pl.Datetime:
        present = values.drop_nulls()
        is_day = bool((present == present.dt.truncate("1d")).all())
        return values.dt.to_string("%Y-%m-%d" if is_day else "%Y-%m-%d %H:%M:%S%.f")
    return values.cast(pl.String)
