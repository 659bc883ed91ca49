# SPDX-License-Identifier: Apache-2.0
"""What a grant shows of a dataset: its columns and rows and nothing else, as if they were all that there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from modelward.datasets.dataset import LEAST_ROWS, Column, ColumnKind, Dataset, UnusableTableError
from modelward.datasets.declaration import Declaration
from modelward.datasets.description import describe_table
from modelward.datasets.fingerprint import fingerprint
from modelward.datasets.grant import Grant, OutsideGrantError
from modelward.datasets.profile import Profile
from modelward.datasets.row_filter import RowFilter
from modelward.datasets.table import BLOCK_ROWS, Table, frame_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class View:
    """What is handed out under a `grant`: the `dataset` described as if it had the granted columns and rows alone, fingerprint
    included, and its `table`. `known` is the profile of a dataset that is granted whole, `kept` says of each of its rows whether
    the filter keeps it, where there is one; `whole` is the fingerprint of all of its rows. `withheld` are the names of the columns
    that the dataset has and the grant does not show.
    """

    grant: Grant
    dataset: Dataset
    table: Table
    known: Profile | None
    kept: pl.Series | None = None
    whole: str = ""
    withheld: frozenset[str] = frozenset()

    @cached_property
    def profile(self) -> Profile:
        """What was found in the granted columns and rows.

        Raises:
            UnusableTableError, InvalidDeclarationError: they cannot be learned from.
        """
        if self.known is not None:
            return self.known
        shown = self.dataset
        declared = Declaration(
            target=shown.target,
            sensitive=shown.sensitive,
            purpose=shown.purpose,
            owner=shown.owner,
            license=shown.license,
            task=shown.task,
            user=shown.user,
            time=shown.time,
        )
        table = GrantedTable(self.table, shown.columns, None)
        return describe_table(table, name=shown.name, declared=declared, positive=shown.positive, columns=shown.columns).profile


class GrantedTable:
    """Some columns of a table and those of its rows that are `kept`; all of them where nothing is said."""

    def __init__(self, table: Table, columns: Sequence[Column], kept: pl.Series | None) -> None:
        self._table = table
        self._names = [column.name for column in columns]
        self._kept = kept
        self._height = table.height if kept is None else int(kept.sum())

    @property
    def columns(self) -> list[str]:
        """See `Table.columns`."""
        return list(self._names)

    @property
    def height(self) -> int:
        """See `Table.height`."""
        return self._height

    def get_column(self, name: str, /) -> pl.Series:
        """See `Table.get_column`.

        Raises:
            OutsideGrantError: the grant does not name that column.
        """
        if name not in self._names:
            raise OutsideGrantError(f"Column {name!r} is outside the grant. Ask who owns the data for a grant that names it.")
        values = self._table.get_column(name)
        return values if self._kept is None else values.filter(self._kept)

    def iter_slices(self, n_rows: int = BLOCK_ROWS) -> Iterator[pl.DataFrame]:
        """See `SlicedTable.iter_slices`. What is shown lies in memory meanwhile: opening each column for each slice takes minutes
        where there are many.
        """
        yield from frame_of(self).iter_slices(n_rows)


def view_of(dataset: Dataset, table: Table, profile: Profile, grant: Grant) -> View:
    """What `grant` shows of `dataset` with the rows in `table`.

    Raises:
        UnusableTableError: the filter leaves too few rows. InvalidFilterError: it does not fit the columns.
    """
    if grant.is_whole:
        return View(grant, dataset, table, profile)
    rows = RowFilter.parse(grant.rows) if grant.rows else None
    kept = rows.kept(table, dataset.columns) if rows else None
    chosen = [column for column in dataset.columns if grant.names(column.name)]
    granted = GrantedTable(table, chosen, kept)
    if granted.height < LEAST_ROWS:
        raise UnusableTableError(
            f"The grant {grant.id} leaves {granted.height} rows of dataset {dataset.name!r}; at least {LEAST_ROWS} are needed."
        )
    # What is told of a column is told of the rows that are shown: others may hold a value that nobody shall see.
    columns = tuple(chosen if kept is None else (column_as_seen(column, granted.get_column(column.name)) for column in chosen))
    shown = replace(
        dataset,
        columns=columns,
        rows=granted.height,
        fingerprint=fingerprint(granted),
        sensitive=tuple(name for name in dataset.sensitive if grant.names(name)),
    )
    withheld = frozenset(column.name for column in dataset.columns) - frozenset(granted.columns)
    return View(grant, shown, granted, None, kept, withheld=withheld)


def column_as_seen(column: Column, values: pl.Series) -> Column:
    """The column as these values show it; its kind stays what it is."""
    import polars as pl

    present = values.drop_nulls()
    is_range = column.minimum is not None and column.kind is ColumnKind.NUMBER and len(present) > 0
    return Column(
        name=column.name,
        kind=column.kind,
        nullable=len(present) < len(values),
        categories=tuple(present.cast(pl.String).unique().sort().to_list()) if column.categories else (),
        minimum=present.min() if is_range else None,  # type: ignore[arg-type]  # of numbers it is one
        maximum=present.max() if is_range else None,  # type: ignore[arg-type]  # of numbers it is one
    )
