# SPDX-License-Identifier: Apache-2.0
"""Splits: which rows a model learns from, which choose it, and which judge it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from modelward.datasets.dataset import InvalidDeclarationError
from modelward.datasets.layout import unknown_column
from modelward.digest import canonical_json, sha256_hex
from modelward.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

Rows = NDArray[np.int64]
WAYS = ("random", "stratified", "time")
_LEAST_SHARE, _LEAST_TRAIN = 0.01, 0.05


class InvalidSplitError(InvalidError):
    """The split asked for cannot be made, or not of this table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How to divide a table: `test` and `validation` are shares of its rows, the rest is for training.

    `random` and `stratified` (each class in proportion) draw by `seed`, the same on every machine. `time` orders by `column`:
    the earliest rows train, the latest test, and rows of one moment stay together.
    """

    by: Literal["random", "stratified", "time"] = "stratified"
    test: float = 0.2
    validation: float = 0.1
    seed: int = 0
    column: str | None = None

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


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The numbers of the rows in each part, ascending; every row is in exactly one. `digest` commits to all three."""

    train: Rows
    validation: Rows
    test: Rows
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary:
    """What a split gives: the number of rows in each part, and of each class in each part."""

    dataset: str
    split: Split
    digest: str
    train: int
    validation: int
    test: int
    classes: dict[str, dict[str, int]]


def make_split(table: pl.DataFrame, target: str, split: Split) -> Parts:
    """Divide the rows of `table` as `split` says. The same table and split give the same parts, everywhere.

    Raises:
        InvalidDeclarationError: there is no such target. InvalidSplitError: the column to order by is not there or lacks values,
            or a class would be missing from a part.
    """
    if target not in table.columns:
        raise InvalidDeclarationError(unknown_column(target, table.columns))
    labels = class_labels(table.get_column(target))
    _, codes = np.unique(labels.to_numpy().astype(str), return_inverse=True)
    if split.by == "time":
        part = _by_time(table, split)
    else:
        groups = codes if split.by == "stratified" else np.zeros(table.height, dtype=np.int64)
        part = _drawn(groups, split)
    _check_classes(part, codes, split)
    train, validation, test = (np.flatnonzero(part == number).astype(np.int64) for number in range(3))
    head = canonical_json({"split": asdict(split), "target": target, "rows": table.height})
    return Parts(train, validation, test, sha256_hex(b"mwsplit1\n" + head + part.astype("u1").tobytes()))


def summarise(table: pl.DataFrame, target: str, *, dataset: str, split: Split, parts: Parts) -> SplitSummary:
    """How many rows, and rows of each class, `parts` holds."""
    labels = class_labels(table.get_column(target)).to_numpy().astype(str)
    rows = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    counts = {name: np.unique(labels[part], return_counts=True) for name, part in rows.items()}
    return SplitSummary(
        dataset=dataset,
        split=split,
        digest=parts.digest,
        train=len(parts.train),
        validation=len(parts.validation),
        test=len(parts.test),
        classes={name: dict(zip(found.tolist(), many.tolist(), strict=True)) for name, (found, many) in counts.items()},
    )


def class_labels(column: pl.Series) -> pl.Series:
    """The values of a recognised target as names of classes: text as it is, `true`, `false`, whole numbers without a point."""
    import polars as pl

    if column.dtype == pl.Float64:
        return column.cast(pl.Int64).cast(pl.String)
    return column.cast(pl.String)


def _drawn(groups: NDArray[np.int64], split: Split) -> NDArray[np.uint8]:
    """The part of each row: 0 train, 1 validation, 2 test, in the shares asked for within each group.

    Rows are ordered by the raw output of PCG64, which NumPy promises to keep, unlike that of `Generator.permutation`.
    """
    order = np.argsort(np.random.PCG64(split.seed).random_raw(len(groups)), kind="stable")
    part = np.zeros(len(groups), dtype=np.uint8)
    members = [order[groups[order] == group] for group in np.unique(groups)]
    sizes = np.array([len(rows) for rows in members])
    tests = _apportioned(sizes, split.test)
    validations = np.minimum(_apportioned(sizes, split.validation), sizes - tests)
    for rows, test, validation in zip(members, tests, validations, strict=True):
        part[rows[:test]] = 2
        part[rows[test : test + validation]] = 1
    return part


def _apportioned(sizes: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """How many of each group make `share` of all: whole numbers by the largest remainders."""
    exact = sizes * share
    given: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    short = round(float(sizes.sum()) * share) - int(given.sum())
    given[np.argsort(given - exact, kind="stable")[: max(short, 0)]] += 1
    return given


def _by_time(table: pl.DataFrame, split: Split) -> NDArray[np.uint8]:
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
    lacking = [
        name for number, name in enumerate(("train", "validation", "test")) if len(np.unique(codes[part == number])) < classes
    ]
    if lacking:
        remedy = "Give that part a larger share" if split.by == "stratified" else "Split by `stratified`"
        raise InvalidSplitError(
            f"The {' and the '.join(lacking)} part would lack a class of the target, of which there are {classes}. {remedy}, or "
            "leave out classes of very few rows: each needs a row in each part."
        )
