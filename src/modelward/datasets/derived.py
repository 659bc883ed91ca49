# SPDX-License-Identifier: Apache-2.0
"""A de-identified copy: a dataset of its own, made of another by hiding what names persons. What was hidden is told in counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from modelward.audit import Event
from modelward.errors import InvalidError, RefusedError

DATASET_DEIDENTIFIED = Event(
    "dataset.deidentified", "What names persons in a dataset was hidden, and what is left became a dataset of its own."
)
DATASET_REIDENTIFIED = Event("dataset.reidentified", "Somebody was told what pseudonyms of a dataset stand for.")


class InvalidHidingError(InvalidError):
    """What was said about how to hide a dataset's columns does not hold for it."""


class NoPseudonymsError(RefusedError):
    """The dataset has no pseudonyms that anybody could be told about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hiding:
    """How to de-identify a dataset. `columns` names the operator that hides every cell of a column, such as `mask:4`; columns in
    `drop` are left out. What is found in the others is hidden by `found`. Privacy's `operator_of` says which there are.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    found: str = "pseudonym"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Deidentification:
    """What was done, or would be: `dataset` is the name of the copy, and `fingerprint` its own, "" where nothing was registered."""

    dataset: str
    fingerprint: str
    rows: int
    derived: Derived


@dataclass(frozen=True, slots=True, kw_only=True)
class Reidentified:
    """The texts that were asked about, with what their pseudonyms stand for in their place; how many were, by kind."""

    dataset: str
    texts: tuple[str, ...] = field(repr=False)
    counts: dict[str, int]
