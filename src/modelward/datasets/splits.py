# SPDX-License-Identifier: Apache-2.0
"""Splits: which rows a model learns from, which choose it, and which judge it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from modelward.datasets.allotting import allot, apportioned, drawn_order
from modelward.datasets.clusters import LEAST_SIMILARITY, SIMILARITY, Clusters, find_clusters
from modelward.datasets.dataset import InvalidDeclarationError
from modelward.datasets.declaration import Task
from modelward.datasets.interactions import Log, leave_last_out, sequences
from modelward.datasets.layout import quoted, unknown_column
from modelward.datasets.table import Table, frame_of
from modelward.digest import canonical_json, sha256_hex
from modelward.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

Rows = NDArray[np.int64]
PARTS = ("train", "validation", "test")
WAYS = ("random", "stratified", "time", "cluster", "last")
_LEAST_SHARE, _LEAST_TRAIN = 0.01, 0.05
# How far a part may be from its share because clusters are not divided; in how many rows a uniform column has one value.
_LARGEST_MISS, _UNIFORM = 0.25, 0.9


class InvalidSplitError(InvalidError):
    """The split asked for cannot be made, or not of this table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How to divide a table: `test` and `validation` are shares of its rows, the rest is for training.

    `random` and `stratified` (each class in proportion) draw by `seed`, the same on every machine. `time` orders by `column`:
    the earliest rows train, the latest test, and rows of one moment stay together. `cluster` keeps rows together that
    near-duplicates link, those of which at least the share `similarity` is the same, and each class in proportion as far as it can.
    `last` is for a log of interactions: the last one of each user tests, the one before it chooses, and the others train; a user of
    fewer than three only trains.
    """

    by: Literal["random", "stratified", "time", "cluster", "last"] = "stratified"
    test: float = 0.2
    validation: float = 0.1
    seed: int = 0
    column: str | None = None
    similarity: float = SIMILARITY

    def __post_init__(self) -> None:
        if self.by not in WAYS:
            raise InvalidSplitError(f"A split is made by {', '.join(WAYS)}, not by {self.by!r}.")
        for name, share in (("test", self.test), ("validation", self.validation)):
            if not _LEAST_SHARE <= share < 1:
                raise InvalidSplitError(f"The {name} share is {share:g}; it lies between {_LEAST_SHARE:g} and 1, like 0.2.")
        if self.test + self.validation > 1 - _LEAST_TRAIN:
            raise InvalidSplitError(
                f"The test share {self.test:g} and the validation share {self.validation:g} leave too little to train on. "
                f"Together they are at most {1 - _LEAST_TRAIN:g}."
            )
        if not 0 <= self.seed < 1 << 32:
            raise InvalidSplitError(f"The seed is {self.seed}; it is a whole number from 0 to {(1 << 32) - 1}.")
        if (self.by == "time") != (self.column is not None):
            raise InvalidSplitError("A split by time, and no other, needs the column to order by, like `column: date`.")
        if not LEAST_SIMILARITY <= self.similarity <= 1:
            raise InvalidSplitError(f"The similarity is {self.similarity:g}; it lies between {LEAST_SIMILARITY:g} and 1, like 0.9.")
        if self.by != "cluster" and self.similarity != SIMILARITY:
            raise InvalidSplitError(f"The split is by {self.by}; a similarity is for one by cluster. Leave it out.")

    @property
    def digested(self) -> dict[str, object]:
        """What the digest of the parts commits to: of ways without clusters what it was before there were any."""
        fields = asdict(self)
        return fields if self.by == "cluster" else {name: value for name, value in fields.items() if name != "similarity"}


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The numbers of the rows in each part, ascending; every row is in exactly one. `digest` commits to all three. `clusters` are
    those that were kept together, if any.
    """

    train: Rows
    validation: Rows
    test: Rows
    digest: str
    clusters: Clusters | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary:
    """What a split gives: the number of rows in each part, and of each class in each part; of one by cluster also the number of
    clusters and the rows of the largest.
    """

    dataset: str
    split: Split
    digest: str
    train: int
    validation: int
    test: int
    classes: dict[str, dict[str, int]]
    clusters: int | None = None
    largest_cluster: int | None = None


def make_split(
    table: Table, target: str, split: Split, *, features: Sequence[str] = (), task: Task = "classes", log: Log | None = None
) -> Parts:
    """Divide the rows of `table` as `split` says. The same table and split give the same parts, everywhere.

    Clusters are found in the columns `features`, all but the target where none are named. Where the target is no class, there are
    no classes to keep in proportion: `stratified` draws as `random` does. A `log` is divided by `last` or by `time` alone, for
    what is learned from the future of a test row says nothing of how good a model is.

    Raises:
        InvalidDeclarationError: there is no such target. InvalidSplitError: the column to order by is not there or lacks values,
            a cluster is too large, or a class would be missing from a part.
    """
    if target not in table.columns and task != "none":
        raise InvalidDeclarationError(unknown_column(target, table.columns))
    codes = class_codes(table.get_column(target))[1] if task == "classes" else np.zeros(table.height, dtype=np.int64)
    clusters = None
    check_way(split, log)
    if log and split.by == "last":
        part = leave_last_out(sequences(table, log))
    elif split.by == "time":
        part = _by_time(table, split)
    elif split.by == "cluster":
        looked_at = list(features) or [name for name in table.columns if name != target]
        # Each row is compared with others, so that all of them have to lie in memory.
        rows = frame_of(table)
        clusters = find_clusters(rows, looked_at, similarity=split.similarity)
        part = _by_cluster(clusters, codes, split, remedy=lambda: _uniform(rows, looked_at))
    else:
        groups = codes if split.by == "stratified" else np.zeros(table.height, dtype=np.int64)
        part = _drawn(groups, split)
    _check_classes(part, codes, split)
    train, validation, test = (np.flatnonzero(part == number).astype(np.int64) for number in range(3))
    columns = {"user": log.user, "time": log.time} if log else {}
    head = canonical_json({"split": split.digested, "target": target, "rows": table.height, **columns})
    return Parts(train, validation, test, sha256_hex(b"mwsplit1\n" + head + part.astype("u1").tobytes()), clusters)


def check_way(split: Split, log: Log | None) -> None:
    """Nothing, where rows of this kind are divided so.

    Raises:
        InvalidSplitError: a log is to be divided without regard to time, or what is none by its users' last rows.
    """
    if log is None and split.by == "last":
        raise InvalidSplitError(
            "A split by `last` divides a log of interactions, and this data was not registered as one (`--task items`). Split by "
            "`stratified`, `random`, `time` or `cluster`."
        )
    if log and (split.by not in ("last", "time") or split.column not in (None, log.time)):
        raise InvalidSplitError(
            f"A log of interactions is divided by `last`, or by `time` with `column: {log.time}`, so that nothing is learned from "
            "what came later. Write `split: {by: last}`."
        )


def summarise(table: Table, target: str, *, dataset: str, split: Split, parts: Parts) -> SplitSummary:
    """How many rows, and rows of each class, `parts` holds; `target` is "" where there are no classes."""
    rows = {"train": parts.train, "validation": parts.validation, "test": parts.test} if target else {}
    classes, codes = class_codes(table.get_column(target)) if target else ((), np.array([], dtype=np.int64))
    counts = {name: np.bincount(codes[part], minlength=len(classes)).tolist() for name, part in rows.items()}
    return SplitSummary(
        dataset=dataset,
        split=split,
        digest=parts.digest,
        train=len(parts.train),
        validation=len(parts.validation),
        test=len(parts.test),
        classes={name: {label: rows for label, rows in zip(classes, many, strict=True) if rows} for name, many in counts.items()},
        clusters=len(parts.clusters.sizes) if parts.clusters else None,
        largest_cluster=int(parts.clusters.sizes.max()) if parts.clusters else None,
    )


def class_labels(column: pl.Series) -> pl.Series:
    """The values of a recognised target as names of classes: text as it is, `true`, `false`, whole numbers without a point."""
    import polars as pl

    if column.dtype == pl.Float64:
        return column.cast(pl.Int64).cast(pl.String)
    return column.cast(pl.String)


def class_codes(column: pl.Series) -> tuple[tuple[str, ...], Rows]:
    """The classes of a recognised target, sorted as text, and the place of each row's class among them [n]."""
    import polars as pl

    labels = class_labels(column).fill_null("None")
    names = labels.unique().sort()
    codes = labels.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
    return tuple(names.to_list()), codes


def _drawn(groups: NDArray[np.int64], split: Split) -> NDArray[np.uint8]:
    """The part of each row: 0 train, 1 validation, 2 test, in the shares asked for within each group."""
    order = drawn_order(len(groups), split.seed)
    part = np.zeros(len(groups), dtype=np.uint8)
    members = [order[groups[order] == group] for group in np.unique(groups)]
    sizes = np.array([len(rows) for rows in members])
    rows = int(sizes.sum())
    tests = apportioned(sizes * split.test, total=round(rows * split.test))
    validations = np.minimum(apportioned(sizes * split.validation, total=round(rows * split.validation)), sizes - tests)
    for mine, test, validation in zip(members, tests, validations, strict=True):
        part[mine[:test]] = 2
        part[mine[test : test + validation]] = 1
    return part


def _by_cluster(clusters: Clusters, codes: NDArray[np.int64], split: Split, *, remedy: Callable[[], str]) -> NDArray[np.uint8]:
    rows, largest, shares = len(codes), int(clusters.sizes.max()), (1 - split.validation - split.test, split.validation, split.test)
    wanted = [round(share * rows) for share in shares]
    part = allot(clusters, codes, shares=shares, seed=split.seed).astype(np.uint8)
    had = np.bincount(part, minlength=3).tolist()
    missed = [abs(one - other) > max(1, _LARGEST_MISS * other) for one, other in zip(had, wanted, strict=True)]
    if any(missed):
        at = missed.index(True)
        closer = "Raise `similarity`" if split.similarity < 1 else "Remove copies"
        raise InvalidSplitError(
            f"The {rows:,} rows fall into {len(clusters.sizes):,} clusters of near-duplicates, the largest of {largest:,} rows. "
            f"None is divided, so the {PARTS[at]} part would have {had[at]:,} rows instead of about {wanted[at]:,}. {closer}, or "
            f"give the parts other shares{remedy()}."
        )
    return part


def _uniform(table: pl.DataFrame, names: Sequence[str]) -> str:
    """What to do about columns that make rows alike, which have one value in nine rows of ten; nothing where there is none."""
    most = {name: table.get_column(name).unique_counts().to_numpy().max() for name in names}
    told = [name for name, rows in most.items() if rows >= _UNIFORM * table.height]
    return f", or leave out columns that hold one value in nearly every row: {quoted(told)}" if told else ""


def _by_time(table: Table, split: Split) -> NDArray[np.uint8]:
    import polars as pl

    name = str(split.column)
    if name not in table.columns:
        raise InvalidSplitError(f"The split is by time. {unknown_column(name, table.columns)}")
    column = table.get_column(name)
    if column.dtype != pl.Datetime and column.dtype != pl.Float64:
        raise InvalidSplitError(f"Column {name!r} holds neither dates nor numbers, so rows have no order in it. Choose another.")
    if missing := column.null_count():
        raise InvalidSplitError(f"Column {name!r} is missing in {missing:,} rows, which have no place in time. Choose another.")
    moments = column.to_physical().to_numpy()
    ordered = np.sort(moments)
    first_test = ordered[_boundary(len(ordered), split.test)]
    first_validation = ordered[_boundary(len(ordered), split.test + split.validation)]
    return np.where(moments >= first_test, 2, np.where(moments >= first_validation, 1, 0)).astype(np.uint8)


def _boundary(rows: int, later_share: float) -> int:
    return min(rows - 1, max(0, rows - round(rows * later_share)))


def _check_classes(part: NDArray[np.uint8], codes: NDArray[np.int64], split: Split) -> None:
    classes = int(codes.max()) + 1
    lacking = [name for number, name in enumerate(PARTS) if len(np.unique(codes[part == number])) < classes]
    if lacking and classes == 1:
        raise InvalidSplitError(
            f"The {' and the '.join(lacking)} part would have no row. Give it a larger share, or collect more rows."
        )
    if lacking:
        remedy = "Give that part a larger share" if split.by in {"stratified", "cluster"} else "Split by `stratified`"
        needed = "a cluster of rows for" if split.by == "cluster" else "a row in"
        raise InvalidSplitError(
            f"The {' and the '.join(lacking)} part would lack a class of the target, of which there are {classes}. {remedy}, or "
            f"leave out classes of very few rows: each needs {needed} each part."
        )
