# SPDX-License-Identifier: Apache-2.0
"""A de-identified copy: a dataset of its own, made of another by hiding what names persons. What was hidden is told in counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from modelward.audit import Event
from modelward.errors import InvalidError, RefusedError

DATASET_DEIDENTIFIED = Event(
    "dataset.deidentified", "What names persons in a dataset was hidden, and what is left became a dataset of its own."
)
DATASET_REIDENTIFIED = Event("dataset.reidentified", "Somebody was told what pseudonyms of a dataset stand for.")

PSEUDONYMS_FORGOTTEN = Event(
    "dataset.forgotten", "The book of a dataset's pseudonyms was destroyed: nobody can tell again what they stand for."
)


class InvalidHidingError(InvalidError):
    """What was said about how to hide a dataset's columns does not hold for it."""


class NoPseudonymsError(RefusedError):
    """The dataset has no pseudonyms that anybody could be told about."""


class NotAnonymousError(RefusedError):
    """The table that was made is not as anonymous as was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymising:
    """Make the `quasi` columns, which are known of persons from outside, alike in classes of at least `k` rows. Each class has at
    least `diversity` values of the `sensitive` column, in shares at most `closeness` (0 to 1) from those of all rows.

    Raises:
        InvalidHidingError: a number is out of its range, no column is named, one is named twice, or the sensitive one is missing.
    """

    k: int
    quasi: tuple[str, ...]
    sensitive: str = ""
    diversity: int = 1
    closeness: float = 1.0

    def __post_init__(self) -> None:
        if not 2 <= self.k <= 1_000_000:
            raise InvalidHidingError(f"k is {self.k}; it is how many rows are alike at least: 2 to 1,000,000.")
        if not self.quasi or len(set(self.quasi)) < len(self.quasi):
            raise InvalidHidingError("Name the columns that are known of persons from outside, each once: `--quasi age,sex,town`.")
        if self.sensitive in self.quasi:
            raise InvalidHidingError(
                f"Column {self.sensitive[:80]!r} is known from outside or sensitive. Name it as one of the two."
            )
        if not (1 <= self.diversity <= 1000 and 0 < self.closeness <= 1):
            raise InvalidHidingError(
                f"Each class has {self.diversity} sensitive values and a distance of {self.closeness:g}; that is 1 to 1,000, and "
                "above 0 to 1."
            )
        if not self.sensitive and (self.diversity > 1 or self.closeness < 1):
            raise InvalidHidingError("Diversity and closeness are those of a sensitive column. Name it: `--sensitive COL`.")


def anonymising(*, k: int, quasi: Sequence[str], sensitive: str, diversity: int, closeness: float) -> Anonymising | None:
    """What is asked for; None where nothing is.

    Raises:
        InvalidHidingError: it cannot be.
    """
    if not k and not quasi and not sensitive and diversity == 1 and closeness == 1:
        return None
    return Anonymising(k=k, quasi=tuple(quasi), sensitive=sensitive, diversity=diversity, closeness=closeness)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """How often an attacker picked the right row: `hits` of `tries`, with the interval of 95 % for the share."""

    tries: int
    hits: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymity:
    """What was counted in the table that came of it. `lost` is the share of what the `quasi` columns told that they tell no more, 0
    to 1; `discernibility` the sum of the squares of the classes' sizes; `withheld` counts cells of which nothing is told.

    `highest_risk` is one in the smallest class, `mean_risk` the mean over rows, for who knows that somebody is in the table
    (prosecutor's). The attacks were made by somebody who knows the `quasi` columns exactly. `alone` is the share of rows that no
    other equals in all columns: who knows all of somebody finds them.
    """

    k: int
    quasi: tuple[str, ...]
    sensitive: str
    classes: int
    smallest: int
    largest: int
    diversity: int
    closeness: float
    lost: float
    discernibility: int
    withheld: int
    highest_risk: float
    mean_risk: float
    attack_before: Attack
    attack_after: Attack
    alone: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hiding:
    """How to de-identify a dataset. `columns` names the operator that hides every cell of a column, such as `mask:4`; columns in
    `drop` are left out. What is found in the others is hidden by `found`. Privacy's `operator_of` says which there are.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    found: str = "pseudonym"
    anonymous: Anonymising | None = None


def columns_of(said: Iterable[str]) -> dict[str, str]:
    """The operators of columns that are said as people type them: `COLUMN=OPERATOR`, or `COLUMN=OPERATOR:ARGUMENT`.

    Raises:
        InvalidHidingError: one has no `=`, or a column is named twice.
    """
    columns: dict[str, str] = {}
    for each in said:
        # An operator holds no `=`; the name of a column may.
        name, equals, operator = each.rpartition("=")
        if not (equals and name.strip() and operator.strip()):
            raise InvalidHidingError(
                f"{each[:80]!r} says no operator for a column. Write `COLUMN=OPERATOR`, such as `age=generalise:10`."
            )
        if name.strip() in columns:
            raise InvalidHidingError(f"Column {name.strip()[:80]!r} is hidden twice. Name one operator for it.")
        columns[name.strip()] = operator.strip()
    return columns


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenColumn:
    """What became of one column: by which `operator`, "" where nobody looked into it, as into images; whether of whole cells or of
    what was found `within` them. `found` counts values by their kind, "value" where nobody knows it, `hidden` those that were
    hidden, and `cells` the cells that are not as they were.
    """

    column: str
    operator: str
    within: bool
    found: dict[str, int]
    hidden: dict[str, int]
    cells: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Where a de-identified copy comes from: the `dataset` that had this fingerprint. `pseudonyms` counts the different values that
    have one.
    """

    dataset: str
    fingerprint: str
    columns: tuple[HiddenColumn, ...]
    dropped: tuple[str, ...]
    pseudonyms: int
    anonymity: Anonymity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deidentification:
    """What was done, or would be: `dataset` is the name of the copy, and `fingerprint` its own, "" where nothing was registered."""

    dataset: str
    fingerprint: str
    rows: int
    derived: Derived


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """That the book of a dataset's pseudonyms was destroyed; `keys` are SHA-256 of the ids of the keys that were."""

    dataset: str
    forgotten: datetime
    by: str
    reason: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reidentified:
    """The texts that were asked about, with what their pseudonyms stand for in their place; how many were, by kind."""

    dataset: str
    texts: tuple[str, ...] = field(repr=False)
    counts: dict[str, int]
