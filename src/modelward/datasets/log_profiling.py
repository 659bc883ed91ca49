# SPDX-License-Identifier: Apache-2.0
"""Checks and profiles a log of interactions. Users are persons: nothing here tells the value of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from modelward.datasets.dataset import Column, ColumnKind, UnusableTableError
from modelward.datasets.interactions import LEAST_HELD_OUT, Log, sequences
from modelward.datasets.profile import LogProfile, ProfileWarning
from modelward.datasets.table import Table

ITEMS_LIMIT = 10_000
_NAME_LIMIT = 200
_LARGEST_ITEM = 1e15
_QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
_RARE = 5
_SHARE_TIED, _SHARE_SHORT, _SHARE_RARE, _SHARE_REPEATED = 0.1, 0.5, 0.5, 0.05


def check_log(table: Table, columns: Sequence[Column], *, log: Log, item: str) -> None:
    """The log can be learned from.

    Raises:
        UnusableTableError: a user or a time is missing, the times have no order, the items are too many or no names, or nobody has
            three interactions.
    """
    for what, name in (("user", log.user), ("time", log.time)):
        if missing := table.get_column(name).null_count():
            raise UnusableTableError(
                f"The {what} {name!r} is missing in {missing:,} of {table.height:,} rows. Who took what, and when, is needed of "
                "each interaction: leave these rows out."
            )
    kinds = {column.name: column.kind for column in columns}
    if kinds[log.time] not in (ColumnKind.DATE, ColumnKind.NUMBER):
        raise UnusableTableError(f"The time {log.time!r} is a {kinds[log.time]}, which has no order. Write dates or numbers.")
    _check_items(table.get_column(item), kinds[item])
    if int(sequences(table, log).lengths.max()) < LEAST_HELD_OUT:
        raise UnusableTableError(
            f"No user in {log.user!r} has {LEAST_HELD_OUT} interactions, so nobody has a history to learn from. Collect more."
        )


def _check_items(items: pl.Series, kind: ColumnKind) -> None:
    if kind is ColumnKind.DATE:
        raise UnusableTableError(f"The target {items.name!r} is a date, and items are names or whole numbers. Choose another.")
    if kind is ColumnKind.NUMBER and not bool(((items == items.round()) & (items.abs() < _LARGEST_ITEM)).all()):
        raise UnusableTableError(
            f"The target {items.name!r} holds fractions, and items are names or whole numbers. Choose another."
        )
    if not 2 <= (many := items.n_unique()) <= ITEMS_LIMIT:
        raise UnusableTableError(
            f"The target {items.name!r} has {many:,} different items; 2 to {ITEMS_LIMIT:,} can be recommended. Leave out those "
            "that few took, or put groups in their place."
        )
    if items.dtype == pl.String and (items.str.len_chars().max() or 0) > _NAME_LIMIT:  # type: ignore[operator]  # lengths are numbers
        raise UnusableTableError(
            f"An item in {items.name!r} has a name of more than {_NAME_LIMIT} characters. Give it a shorter one."
        )
    if items.dtype == pl.String and not all(name.isprintable() and name for name in items.unique().to_list()):
        raise UnusableTableError(f"An item in {items.name!r} has a name that is empty or no printable line. Give it another.")


def profile_log(table: Table, log: Log, *, item: str) -> LogProfile:
    """What a checked log looks like."""
    columns = pl.DataFrame([table.get_column(name) for name in (log.user, log.time, item)])
    of_user, of_item = (columns.get_column(name).value_counts()["count"] for name in (log.user, item))
    users, items, pairs = len(of_user), len(of_item), columns.select(log.user, item).n_unique()
    tied = columns.select(pl.struct(log.user, log.time).is_duplicated()).to_series()
    return LogProfile(
        users=users,
        items=items,
        interactions=table.height,
        sparsity=1 - pairs / (users * items),
        of_user=_quantiles(of_user),
        of_item=_quantiles(of_item),
        repeats=1 - pairs / table.height,
        ties=float(tied.sum()) / table.height,
        too_few=int((of_user < LEAST_HELD_OUT).sum()),
        rare=int((of_item < _RARE).sum()),
    )


def _quantiles(counts: pl.Series) -> dict[str, float]:
    found = {name: float(counts.quantile(share, "linear") or 0) for name, share in _QUANTILES.items()}
    return {**found, "most": float(counts.max() or 0)}  # type: ignore[arg-type]  # counts are numbers


def log_warnings(found: LogProfile | None, log: Log, *, item: str) -> Iterator[ProfileWarning]:
    """What somebody should look at before they learn from it."""
    assert found is not None
    if found.ties > _SHARE_TIED:
        text = (
            f"{found.ties:.0%} of the interactions have the very moment in {log.time!r} of another one of the same user: their "
            "order is that of the rows. Give finer times, or do not make much of the order."
        )
        yield ProfileWarning("ties", log.time, text)
    if found.too_few > _SHARE_SHORT * found.users:
        text = (
            f"{found.too_few:,} of {found.users:,} users have fewer than {LEAST_HELD_OUT} interactions: none of theirs is tested."
        )
        yield ProfileWarning("short-histories", log.user, text)
    if found.rare > _SHARE_RARE * found.items:
        text = f"{found.rare:,} of {found.items:,} items occur fewer than {_RARE} times: little can be learned of them."
        yield ProfileWarning("rare-items", item, text)
    if found.repeats > _SHARE_REPEATED:
        text = (
            f"{found.repeats:.0%} of the interactions repeat an item of the user. Recommend it again with `seen: keep` in the spec."
        )
        yield ProfileWarning("repeats", item, text)
