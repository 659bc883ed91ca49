# SPDX-License-Identifier: Apache-2.0
"""A statistic with noise: what can be asked of a dataset within its privacy budget, and what is answered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, get_args

from msgspec import Meta

from modelward.datasets.dataset import Column, ColumnKind
from modelward.datasets.layout import unknown_column
from modelward.datasets.row_filter import RowFilter
from modelward.errors import InvalidError
from modelward.privacy import Mechanism, reach

CONFIDENCE: Final = 0.95
BINS_LIMIT: Final = 1000
# A mean is a sum of whole steps; so many of them are half the range that was declared.
STEPS: Final = 1 << 20
_EPSILON_LEAST, _EPSILON_MOST = 1e-4, 20.0
_BOUND_LIMIT: Final = 1e15
_LABEL_LIMIT: Final = 200
OTHER, MISSING_LABEL = "any other", "missing"
Kind = Literal["count", "histogram", "mean"]


class InvalidStatisticError(InvalidError):
    """What is asked is no statistic, or does not fit the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A statistic to be answered with noise that costs `epsilon`.

    `count` is how many rows there are; `histogram` how many there are of each of the `categories` of a column, or between each two
    of its `bins`; `mean` the mean of a column whose values are taken to lie from `lower` to `upper`: what lies beyond counts as the
    nearer bound. `where` is a filter of rows, "" keeps all. Categories, bins and bounds are the caller's: none is taken from the
    data, for they would tell of it.
    """

    kind: Kind
    epsilon: Annotated[float, Meta(extra_json_schema={"minimum": _EPSILON_LEAST, "maximum": _EPSILON_MOST})]
    column: str = ""
    where: str = ""
    categories: tuple[str, ...] = ()
    bins: tuple[float, ...] = ()
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InvalidStatisticError(f"A statistic is one of {', '.join(get_args(Kind))}, not {str(self.kind)[:40]!r}.")
        if not (math.isfinite(self.epsilon) and _EPSILON_LEAST <= self.epsilon <= _EPSILON_MOST):
            raise InvalidStatisticError(
                f"The epsilon of a statistic is {self.epsilon:g}; it is a number from {_EPSILON_LEAST:g} to {_EPSILON_MOST:g}."
            )
        if (self.kind == "count") != (not self.column):
            raise InvalidStatisticError("A histogram and a mean are of a column; a count is of rows, and names none.")
        _check_mean(self)
        _check_histogram(self)

    @property
    def scale(self) -> Fraction:
        """The scale of the noise of each whole number that is answered, but of a mean's sum."""
        epsilon = Fraction(self.epsilon).limit_denominator(10**6)
        return (2 if self.kind == "mean" else 1) / epsilon

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """How it looks at rows. The bars of a histogram are one look, for one row is in one of them; a mean is two."""
        return (Mechanism("discrete-laplace", float(self.scale), times=2 if self.kind == "mean" else 1),)

    @property
    def told(self) -> str:
        """What is asked, without the values that a filter names, as the ledger tells it."""
        what = {"count": "count of rows", "histogram": f"histogram of {self.column}", "mean": f"mean of {self.column}"}[self.kind]
        return what + (" by a filter" if self.where else "")

    @property
    def meaning(self) -> dict[str, Any]:
        """What is asked, however it was written and whatever it may cost."""
        return {
            "kind": self.kind,
            "column": self.column,
            "where": repr(RowFilter.parse(self.where).condition) if self.where else "",
            "categories": list(self.categories),
            "bins": list(self.bins),
            "bounds": [self.lower, self.upper],
        }

    def check(self, columns: Sequence[Column]) -> None:
        """Nothing, where it fits columns of these kinds.

        Raises:
            InvalidStatisticError: there is no such column, or it is of another kind. InvalidFilterError: likewise.
        """
        # A message of the filter names no value of the data.
        bare = [Column(name=each.name, kind=each.kind, nullable=True) for each in columns]
        if self.where:
            RowFilter.parse(self.where).check(bare)
        if not self.column:
            return
        kinds = {each.name: each.kind for each in bare}
        if self.column not in kinds:
            raise InvalidStatisticError(unknown_column(self.column, list(kinds)))
        kind = kinds[self.column]
        if self.kind == "mean" and kind is not ColumnKind.NUMBER:
            raise InvalidStatisticError(f"Column {self.column!r} is of kind {kind}; a mean is of numbers.")
        if self.kind == "histogram":
            _check_bars(self, kind)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each bar of a histogram is called: each row is in one of them."""
        if self.bins:
            inner = [f"from {low:g} to below {high:g}" for low, high in pairwise(self.bins)]
            return (f"below {self.bins[0]:g}", *inner, f"{self.bins[-1]:g} or more", MISSING_LABEL)
        return (*self.categories, OTHER, MISSING_LABEL) if self.categories else ("true", "false", MISSING_LABEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of an answer, with noise. With a probability of 95 % what is in the dataset lies from `low` to `high`."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyAnswer:
    """A statistic of a dataset. `text` says it in words. One that is `repeated` was answered before, and costs nothing again.
    `spending` is the id of what it cost, `left` what is left of the budget then.
    """

    dataset: str
    question: Question
    figures: tuple[Figure, ...]
    text: str
    epsilon: float
    at: datetime
    repeated: bool
    spending: str
    left: float


def figures_of(question: Question, numbers: Sequence[int], scale: Fraction) -> tuple[Figure, ...]:
    """What the noisy whole `numbers`, whose noise has that `scale`, say."""
    if question.kind == "mean":
        return (_mean(question, numbers, scale),)
    labels = question.labels if question.kind == "histogram" else ("rows",)
    far = reach(scale, CONFIDENCE)
    return tuple(
        Figure(label=label, value=number, low=max(0, number - far), high=max(0, number + far))
        for label, number in zip(labels, numbers, strict=True)
    )


def text_of(question: Question, figures: Sequence[Figure], *, dataset: str) -> str:
    """The answer in plain words."""
    kept = f" that the filter {question.where!r} keeps" if question.where else ""
    if question.kind == "histogram":
        return (
            f"About {sum(each.value for each in figures):,.0f} rows of {dataset}{kept}, by {question.column}. Each number has "
            "noise of its own, so that small ones may be below 0; each by itself is right within its range in 95 of 100 cases."
        )
    (figure,) = figures
    within = f"between {figure.low:,.6g} and {figure.high:,.6g} in 95 of 100 cases, the noise included"
    if question.kind == "count":
        return f"{dataset} has about {figure.value:,.0f} rows{kept}: {within}."
    of = f", of the rows{kept}," if kept else ""
    return (
        f"The mean of {question.column} in {dataset}{of} is about {figure.value:,.6g}: {within}. Values below {question.lower:g} "
        f"count as that, and those above {question.upper:g} as that; rows without one do not count."
    )


def _mean(question: Question, numbers: Sequence[int], scale: Fraction) -> Figure:
    assert question.lower is not None
    assert question.upper is not None
    total, rows = numbers
    half = (question.upper - question.lower) / 2
    middle = question.lower + half
    # Both noises stay within reach at once in 95 of 100 cases.
    each = 1 - (1 - CONFIDENCE) / 2
    far, few = reach(scale * STEPS, each), rows - reach(scale, each)
    many = rows + reach(scale, each)
    value = _clamped(total / max(rows, 1) / STEPS)
    if few < 1:
        return Figure(label=f"mean of {question.column}", value=middle + half * value, low=question.lower, high=question.upper)
    ends = [(total + sign * far) / count / STEPS for sign in (-1, 1) for count in (few, many)]
    low, high = _clamped(min(ends)), _clamped(max(ends))
    return Figure(
        label=f"mean of {question.column}", value=middle + half * value, low=middle + half * low, high=middle + half * high
    )


def _clamped(value: float) -> float:
    return min(1.0, max(-1.0, value))


def _check_mean(question: Question) -> None:
    lower, upper = question.lower, question.upper
    if question.kind != "mean":
        if lower is not None or upper is not None:
            raise InvalidStatisticError("Bounds are for a mean. Leave them out.")
        return
    if lower is None or upper is None or not -_BOUND_LIMIT <= lower < upper <= _BOUND_LIMIT:
        raise InvalidStatisticError(
            "A mean needs two bounds, --lower and --upper, the lower one below the upper one: between which numbers values can "
            "lie, as everybody knows who never saw the data."
        )


def _check_histogram(question: Question) -> None:
    bins, categories = question.bins, question.categories
    if question.kind != "histogram":
        if bins or categories:
            raise InvalidStatisticError("Bins and categories are for a histogram. Leave them out.")
        return
    if bins and categories:
        raise InvalidStatisticError("A histogram is by bins, for numbers, or by categories. Leave one of them out.")
    if max(len(bins), len(categories)) > BINS_LIMIT:
        raise InvalidStatisticError(f"A histogram has at most {BINS_LIMIT:,} bins or categories.")
    if bins and not (len(bins) > 1 and all(low < high for low, high in pairwise(bins)) and all(map(math.isfinite, bins))):
        raise InvalidStatisticError("Bins are two or more numbers, each above the one before, such as 0,18,65,120.")
    if len({*categories}) != len(categories) or not all(0 < len(each) <= _LABEL_LIMIT for each in categories):
        raise InvalidStatisticError(f"Categories are different texts of 1 to {_LABEL_LIMIT} characters each.")


def _check_bars(question: Question, kind: ColumnKind) -> None:
    if kind is ColumnKind.NUMBER:
        if not question.bins:
            raise InvalidStatisticError(
                f"Column {question.column!r} holds numbers. Say between which: `--bins 0,18,65,120`, from what everybody knows."
            )
    elif kind in {ColumnKind.CATEGORY, ColumnKind.TEXT}:
        if not question.categories:
            raise InvalidStatisticError(
                f"Say which categories of column {question.column!r} to count: `--categories A,B,C`. Those that are in the data "
                "are not told, for that one is there may tell of the person who has it; all others count as one."
            )
    elif kind is not ColumnKind.BOOLEAN:
        raise InvalidStatisticError(
            f"Column {question.column!r} is of kind {kind}; histograms are of numbers, categories or truths."
        )
    if kind is not ColumnKind.NUMBER and question.bins:
        raise InvalidStatisticError(f"Column {question.column!r} is of kind {kind}; bins are for numbers.")
    if kind is ColumnKind.BOOLEAN and question.categories:
        raise InvalidStatisticError(f"Column {question.column!r} is true or false, as everybody knows. Leave the categories out.")
