# SPDX-License-Identifier: Apache-2.0
"""A profile: what a table looks like, column by column, and what somebody should look at before training on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from modelward.datasets.dataset import LEAST_ROWS, ColumnKind

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many rows have one value of a category, and what share that is of all rows."""

    value: str
    rows: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextProfile:
    """The texts of a column, of which nothing is told but figures. `characters` are quantiles of their lengths, and the longest;
    `latin` and `han` the shares of the letters that are of these scripts; `repeated` counts the rows whose text stood in an earlier
    one.
    """

    characters: dict[str, float]
    latin: float
    han: float
    repeated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageProfile:
    """The images of a column, of which nothing is told but figures. `sizes` ("28x28", width and height) and `modes` (as Pillow
    names them) count images, the most frequent first; `converted` are those whose colours become others before a model sees them.
    `brightness` is the mean over all images, 0 to 255, and `contrast` the mean of the spread of brightness within
    one. `repeated` counts the images whose file stood in an earlier row.
    """

    sizes: dict[str, int]
    modes: dict[str, int]
    converted: int
    brightness: float
    contrast: float
    repeated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesProfile:
    """The series of a column, of which nothing is told but figures. `steps` are quantiles of their lengths, the `least` and the
    `most`; `channels` are the numbers of each step, and `ranges` the least and the greatest of each channel, null where it has
    none. `empty` counts the series without a number, `missing_share` is that of the numbers within series that are null, and
    `repeated` counts the rows whose series stood in an earlier one.
    """

    steps: dict[str, float]
    channels: int
    ranges: tuple[tuple[float | None, float | None], ...]
    empty: int
    missing_share: float
    repeated: int

    @property
    def range(self) -> tuple[float, float] | None:
        """The least and the greatest number of all channels."""
        found = [each for ends in self.ranges for each in ends if each is not None]
        return (min(found), max(found)) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Rows in 20 bins of one width between `low` and `high`, the first and the last percentile; what lies beyond is counted in the
    bin at that end. Each count is rounded down to a multiple of five. A column of fewer than 50 numbers, or whose percentiles are
    one number, has none.
    """

    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column. `outliers` lie more than 1.5 interquartile ranges beyond the quartiles (Tukey, 1977); `top` names the most
    frequent categories of a column with few of them and no direct identifiers, none of them in fewer than five rows. `histogram`
    is of its numbers, of the lengths of its texts in characters, or of those of its series in steps; a column of direct identifiers
    has none, nor one that was profiled before there were any.
    """

    name: str
    kind: ColumnKind
    missing: int
    missing_share: float
    distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    standard_deviation: float | None = None
    quantiles: dict[str, float] | None = None
    outliers: int | None = None
    histogram: Histogram | None = None
    earliest: str | None = None
    latest: str | None = None
    top: tuple[ValueCount, ...] = ()
    texts: TextProfile | None = None
    images: ImageProfile | None = None
    series: SeriesProfile | None = None
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileWarning:
    """Something to look at. `kind` is one of `WARNINGS`; `column` is empty where the whole table is meant."""

    kind: str
    column: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProfile:
    """A log of interactions. `sparsity` is the share of all pairs of a user and an item that do not occur; `of_user` and `of_item`
    are quantiles of how many interactions one has, and the most; `repeats` is the share of the interactions in which a user takes
    an item again, `ties` the share that has the moment of another one of the same user; `too_few` counts the users who have fewer
    than three, from whom nothing is held out, and `rare` the items that occur fewer than five times.
    """

    users: int
    items: int
    interactions: int
    sparsity: float
    of_user: dict[str, float]
    of_item: dict[str, float]
    repeats: float
    ties: float
    too_few: int
    rare: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The profile of one dataset. `classes` counts the rows of each class of the target, the most frequent first, and none
    where the target is no class; `positive` is
    the favourable one of two, "" of more. `log` is there where it is one of interactions.
    """

    dataset: str
    fingerprint: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    classes: dict[str, int]
    duplicates: int
    warnings: tuple[ProfileWarning, ...]
    positive: str = ""
    log: LogProfile | None = None


WARNINGS = {
    "constant": "The column has one value only.",
    "near-unique": "Nearly every row has a value of its own: the column names rows, or holds texts.",
    "high-cardinality": "The column has too many different texts to be a category.",
    "missing": "More than half of the values are missing.",
    "outliers": "More than a twentieth of the values lie far outside the quartiles.",
    "image-sizes": "The images are not all of one size.",
    "image-modes": "Images hold their colours in ways that are converted before a model sees them.",
    "series-long": "Series are longer than what a model reads unless it is told otherwise.",
    "series-empty": "Some series hold no number.",
    "series-gaps": "More than a twentieth of the numbers within series are missing.",
    "series-flat": "A channel of the series has one value only.",
    "dates": "The column holds dates, from which nothing is learned here.",
    "row-counter": "The column only counts the rows.",
    "imbalance": "The smallest class has less than a fifth of what it had if all were even: a tenth of the rows, of two.",
    "small-class": "A class has fewer than ten rows.",
    "favourable-class": "Nobody said which of the two classes is favourable.",
    "leakage": "The column alone tells the target nearly perfectly.",
    "correlated": "Two columns of numbers say the same.",
    "duplicates": "Rows occur more than once.",
    "ties": "In a log, more than a tenth of the interactions share their moment with another one of the same user.",
    "short-histories": "In a log, more than half of the users have fewer than three interactions.",
    "rare-items": "In a log, more than half of the items occur fewer than five times.",
    "repeats": "In a log, users take items again.",
    "direct-identifiers": "The column holds direct identifiers of persons.",
}


def counts_rows(values: pl.Series) -> bool:
    """Whether a recognised column is a row counter: whole numbers, each once, without a gap."""
    rows = len(values)
    if rows < LEAST_ROWS or not values.dtype.is_numeric() or values.null_count():
        return False
    span = cast("float", values.max()) - cast("float", values.min())
    return span == rows - 1 and values.n_unique() == rows and bool((values == values.round()).all())
