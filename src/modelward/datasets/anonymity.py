# SPDX-License-Identifier: Apache-2.0
"""Anonymity of a table: columns that are known of persons from outside are made alike, counted again, and attacked.

What was made is not believed: classes are counted in the table that came of it, by other code than made it, and an attacker who
knows those columns of some persons looks for their rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelward.datasets.derived import Anonymising, Anonymity, Attack, InvalidHidingError, NotAnonymousError
from modelward.datasets.layout import quoted, unknown_column
from modelward.datasets.table import Table
from modelward.privacy import Axis, Sensitive, distance, divided

_ANYTHING = "*"
_SET_LIMIT = 4
_TRIES = 1000
_SEED = 20260
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class Widened:
    """The columns as they are told, and which share of what they told is lost, 0 to 1, a mean over all cells (normalised certainty
    penalty: Xu and others 2006).
    """

    columns: dict[str, pl.Series]
    lost: float


def check_anonymising(asked: Anonymising, names: Sequence[str], taken: Sequence[str]) -> None:
    """Nothing, where the columns are there, and are not hidden otherwise (`taken`).

    Raises:
        InvalidHidingError: they are not.
    """
    for name in (*asked.quasi, *filter(None, [asked.sensitive])):
        if name not in names:
            raise InvalidHidingError(f"What is to be made anonymous is not in the data. {unknown_column(name, names)}")
    if both := [name for name in (*asked.quasi, asked.sensitive) if name in taken]:
        raise InvalidHidingError(f"Column {quoted(both)} is to be made alike and hidden or left out. Say one of the two.")


def widen(table: Table, asked: Anonymising) -> Widened:
    """Make the `quasi` columns of `table` alike in classes of at least k rows. Of numbers and dates a class tells the mean, of
    categories what they may be: `A | B`, what they begin with, or `*`.

    Raises:
        AnonymityUnreachableError: there is no such division.
    """
    before = {name: table.get_column(name) for name in asked.quasi}
    axes = {name: _axis(values) for name, values in before.items()}
    classes = divided([*axes.values()], k=asked.k, sensitive=_sensitive(table, asked))
    frame = pl.DataFrame({"class": classes})
    sizes = frame.group_by("class", maintain_order=True).len().sort("class")["len"].to_numpy()
    order = np.argsort(classes, kind="stable")
    parts = np.split(order, np.cumsum(sizes)[:-1])
    lost = sum(axis.width(part) * len(part) for axis in axes.values() for part in parts) / (len(axes) * table.height)
    return Widened({name: _alike(values, classes, parts) for name, values in before.items()}, float(lost))


def measure(before: Table, after: Table, asked: Anonymising, *, lost: float) -> Anonymity:
    """What can be said of `after`, counted in it alone, and how an attacker fares who knows the `quasi` columns of `before`.

    Raises:
        NotAnonymousError: it is not what was asked for.
    """
    names = [*asked.quasi]
    known = pl.DataFrame([after.get_column(name) for name in names])
    sensitive = after.get_column(asked.sensitive) if asked.sensitive else None
    sizes = known.group_by(names).len()["len"]
    smallest = int(sizes.min())  # type: ignore[arg-type]  # there are classes, for there are rows
    diversity, closeness = _spread(known, sensitive) if sensitive is not None else (0, 0.0)
    if smallest < asked.k or (sensitive is not None and (diversity < asked.diversity or closeness > asked.closeness + 1e-9)):
        raise NotAnonymousError(
            f"The table that was made has a class of {smallest:,} rows (asked for: {asked.k:,}), {diversity} sensitive values at "
            f"least ({asked.diversity}) and a distance of {closeness:.3f} at most ({asked.closeness:g}). It is thrown away; please "
            "report it."
        )
    texts = [known.get_column(name) for name in names if known.schema[name] == pl.String]
    return Anonymity(
        k=asked.k,
        quasi=asked.quasi,
        sensitive=asked.sensitive,
        classes=len(sizes),
        smallest=smallest,
        largest=int(sizes.max()),  # type: ignore[arg-type]  # likewise
        diversity=diversity,
        closeness=closeness,
        lost=lost,
        discernibility=int((sizes.cast(pl.UInt64) ** 2).sum()),
        withheld=sum(int((values == _ANYTHING).sum()) for values in texts),
        highest_risk=1 / smallest,
        mean_risk=len(sizes) / after.height,
        attack_before=attack(pl.DataFrame([before.get_column(name) for name in names]), before, names),
        attack_after=attack(known, before, names),
        alone=_alone(after),
    )


def attack(told: pl.DataFrame, truth: Table, names: Sequence[str], *, tries: int = _TRIES, seed: int = _SEED) -> Attack:
    """How often somebody who knows these columns of a person, exactly, picks that person's row: they look for the rows that are
    nearest to what they know, and draw one. The persons are drawn without replacement; the interval is Wilson's, of 95 %.
    """
    draw = np.random.default_rng(seed)
    targets = draw.choice(told.height, min(tries, told.height), replace=False)
    classes = told.with_row_index("_row").group_by(list(names)).agg("_row")
    away = np.zeros((len(targets), classes.height), dtype=np.float32)
    for name in names:
        away += _away(truth.get_column(name)[targets], classes.get_column(name), truth.get_column(name))
    hits = 0
    rows = classes["_row"].to_list()
    for target, distances in zip(targets, away, strict=True):
        nearest = np.flatnonzero(distances <= distances.min() + 1e-6)
        counts = np.array([len(rows[each]) for each in nearest])
        picked = rows[nearest[draw.choice(len(nearest), p=counts / counts.sum())]]
        hits += int(picked[draw.integers(len(picked))] == target)
    low, high = _wilson(hits, len(targets))
    return Attack(tries=len(targets), hits=hits, low=low, high=high)


def _away(known: pl.Series, told: pl.Series, whole: pl.Series) -> NDArray[np.float32]:
    """How far each known value is from each that is told: of numbers by the range of all, of others 0 where it may be, else 1."""
    if told.dtype != pl.String:
        scale = _numbers(whole)
        spread = float(np.nanmax(scale) - np.nanmin(scale)) or 1.0
        between = np.abs(_numbers(known)[:, None] - _numbers(told)[None, :]) / spread
        return np.nan_to_num(between, nan=1.0).astype(np.float32)
    texts = [str(each) if each is not None else None for each in known.cast(pl.String)]
    may_be = {text: np.array([not _covers(label, text) for label in told], dtype=np.float32) for text in {*texts}}
    return np.stack([may_be[text] for text in texts])


def _covers(label: str | None, value: str | None) -> bool:
    """Whether what is told may be that value."""
    if label is None or value is None or label == _ANYTHING:
        return label in (_ANYTHING, value)
    return value in label.split(" | ") or (label.endswith(_ANYTHING) and value.startswith(label[:-1])) or label == value


def _axis(values: pl.Series) -> Axis:
    if _is_number(values):
        numbers = _numbers(values)
        held = np.unique(numbers[~np.isnan(numbers)])
        places = np.where(np.isnan(numbers), 0, np.searchsorted(held, numbers) + 1)
        return Axis(places.astype(np.int64), np.concatenate([[np.nan], held]))
    texts = values.cast(pl.String)
    distinct = texts.drop_nulls().unique().sort()
    ranks = pl.DataFrame({"v": distinct, "code": np.arange(1, len(distinct) + 1)}, schema_overrides={"code": pl.Int64})
    codes = texts.to_frame("v").join(ranks, on="v", how="left", maintain_order="left")["code"].fill_null(0).to_numpy()
    return Axis(codes, np.arange(len(distinct) + 1, dtype=np.float64))


def _sensitive(table: Table, asked: Anonymising) -> Sensitive | None:
    if not asked.sensitive:
        return None
    values = table.get_column(asked.sensitive)
    codes = _ranks(values)
    return Sensitive(codes, is_ordered=_is_number(values), diversity=asked.diversity, closeness=asked.closeness)


def _ranks(values: pl.Series) -> NDArray[np.int64]:
    """The place of each value among all in order; what is missing is a value like any."""
    present = values if _is_number(values) else values.cast(pl.String)
    return present.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


def _spread(known: pl.DataFrame, sensitive: pl.Series) -> tuple[int, float]:
    """The fewest sensitive values of a class, and the greatest distance of its shares from those of all; counted by Polars."""
    names, ordered = known.columns, _is_number(sensitive)
    codes = pl.Series("_code", _ranks(sensitive))
    whole = np.bincount(codes.to_numpy(), minlength=int(codes.max()) + 1) / len(codes)  # type: ignore[arg-type]  # numbers
    groups = known.with_columns(codes).group_by(names).agg(pl.col("_code"), pl.col("_code").n_unique().alias("_values"))
    far = (
        distance(np.bincount(each.to_numpy(), minlength=len(whole)) / len(each), whole, is_ordered=ordered)
        for each in groups["_code"]
    )
    return int(groups["_values"].min()), max(far)  # type: ignore[arg-type]  # there are classes


def _alike(values: pl.Series, classes: NDArray[np.int64], parts: Sequence[NDArray[np.int64]]) -> pl.Series:
    if _is_number(values):
        numbers = _numbers(values)
        with np.errstate(invalid="ignore"):
            means = np.array([_mean(numbers[part]) for part in parts])
        made = pl.Series(values.name, means[classes], nan_to_null=True)
        if values.dtype == pl.Datetime:
            return made.round(0).cast(pl.Int64).cast(pl.Datetime("us")).cast(values.dtype).dt.truncate("1d")
        return made
    texts = values.cast(pl.String)
    labels = [_label(texts[part].unique().to_list()) for part in parts]
    return pl.Series(values.name, labels, dtype=pl.String).gather(classes)


def _mean(numbers: NDArray[np.float64]) -> float:
    present = numbers[~np.isnan(numbers)]
    if not len(present):
        return float("nan")
    return float(f"{present.mean():.6g}")


def _label(held: list[str | None]) -> str | None:
    """What a class tells of its categories. Where some are missing and others are not, nothing is."""
    present = sorted(each for each in held if each is not None)
    if len(held) == 1:
        return held[0]
    if len(present) < len(held):
        return _ANYTHING
    if len(present) <= _SET_LIMIT and not any(" | " in each or each.endswith(_ANYTHING) for each in present):
        return " | ".join(present)
    first, last = present[0], present[-1]
    same = re.match(r"(.*).*\n\1", f"{first}\n{last}")
    return f"{same[1] if same else ''}{_ANYTHING}"


def _is_number(values: pl.Series) -> bool:
    return values.dtype in (pl.Float64, pl.Datetime)


def _numbers(values: pl.Series) -> NDArray[np.float64]:
    """The numbers, of moments microseconds since 1970; NaN where missing."""
    whole = values.cast(pl.Datetime("us")).cast(pl.Int64) if values.dtype == pl.Datetime else values
    return whole.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _alone(table: Table) -> float:
    """The share of rows that no other equals in all columns: who knows all of a person finds them, whatever k is."""
    total = pl.Series([0] * table.height, dtype=pl.UInt64)
    for name in table.columns:
        total = pl.DataFrame({"total": total, "next": table.get_column(name).hash(_SEED)}).hash_rows(_SEED)
    return float(total.is_unique().mean() or 0.0)  # type: ignore[arg-type]  # of booleans it is a number


def _wilson(hits: int, tries: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share (Wilson 1927)."""
    share, square = hits / tries, _Z * _Z
    middle = (share + square / (2 * tries)) / (1 + square / tries)
    half = _Z * float(np.sqrt(share * (1 - share) / tries + square / (4 * tries * tries))) / (1 + square / tries)
    return max(0.0, middle - half), min(1.0, middle + half)
