# SPDX-License-Identifier: Apache-2.0
"""A dataset: one table under a name, registered once, with its target, its sensitive columns, its purpose and its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from modelward.audit import Event
from modelward.datasets.derived import Derived
from modelward.datasets.interactions import Log
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError, TooLargeError

DATASET_REGISTERED = Event("dataset.registered", "A dataset was fingerprinted, encrypted and put on the shelf.")
DATASET_READ = Event("dataset.read", "The rows of a dataset were decrypted for somebody, for a stated purpose.")
DATASET_SHARDED = Event("dataset.sharded", "A dataset was divided into shards, each of which is a dataset of its own.")
DATASET_SHREDDED = Event("dataset.shredded", "The keys of a dataset were destroyed: nobody can read it again.")
DATASET_SPLIT = Event("dataset.split", "A dataset was divided into train, validation and test rows.")

CATEGORIES_LIMIT = 1000
CLASSES_LIMIT = 100
COLUMNS_LIMIT = 2000
LEAST_ROWS = 20
# Of one value in a text file. Python's parser has one limit for the whole process, which as it comes refuses many an e-mail.
FIELD_LIMIT_CHARACTERS = 1 << 20
# What a field of text says where its value is missing.
MISSING = ("", "?", "NA", "N/A", "null", "NULL", "NaN", "nan", "None")


class UnreadableFileError(InvalidError):
    """A data file cannot be read as the table it should hold."""


class FileTooLargeError(TooLargeError):
    """A data file passes the size limit."""


class UnusableTableError(InvalidError):
    """The file was read, and the table in it cannot be learned from as it is."""


class InvalidDeclarationError(InvalidError):
    """What was said about the data (target, sensitive columns, purpose, owner) does not hold for it."""


class DatasetMissingError(NotFoundError):
    """No dataset of that name is registered."""


class DatasetExistsError(ConflictError):
    """The name is taken by other data, or by the same data declared otherwise."""


class DatasetChangedError(RefusedError):
    """What was decrypted is not what was registered."""


class DatasetShreddedError(RefusedError):
    """The dataset was shredded: its keys are destroyed."""


class ColumnKind(StrEnum):
    """What the values of a column are. Text is what names rows or persons, or has more than a thousand different values; a series
    is a list of numbers, kept as JSON writes it.
    """

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    DATE = "date"
    TEXT = "text"
    IMAGE = "image"
    SERIES = "series"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. `categories`, sorted, are given for a category; the range for a number."""

    name: str
    kind: ColumnKind
    nullable: bool
    categories: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Where the rows of a shard come from: it is the `part`, from 1, of `parts` of the `dataset` that had this fingerprint. The
    others are as in `Sharding`.
    """

    dataset: str
    fingerprint: str
    part: int
    parts: int
    by: Literal["cluster", "column", "random"]
    seed: int
    column: str | None
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shredded:
    """That a dataset was shredded. `keys` are SHA-256 of the ids of the keys that were destroyed; `shards` are datasets that it had
    been divided into, which hold rows of it still.
    """

    dataset: str
    shredded: datetime
    by: str
    reason: str
    keys: tuple[str, ...]
    shards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A registered table. `positive` is the favourable class of a target of two classes, "" of more and of
    other tasks. `task`, `user` and `time` are as in `Declaration`. `sealed` names the encrypted
    rows, `described` the encrypted columns and profile. `shard` says of which dataset it is one, if it is one, and
    `derived` of which it is a de-identified copy. Of one that was `shredded`, nobody knows the columns any more.
    """

    name: str
    fingerprint: str
    rows: int
    columns: tuple[Column, ...]
    target: str
    positive: str
    sensitive: tuple[str, ...]
    purpose: str
    owner: str
    license: str
    registered: datetime
    by: str
    sealed: str
    described: str
    task: Literal["classes", "text", "items", "none"] = "classes"
    user: str = ""
    time: str = ""
    shard: Shard | None = None
    shredded: Shredded | None = None
    derived: Derived | None = None

    @property
    def log(self) -> Log | None:
        """The columns that make it a log of interactions, where it is one."""
        return Log(user=self.user, time=self.time) if self.task == "items" else None

    @property
    def features(self) -> tuple[Column, ...]:
        """Every column but the target."""
        return tuple(column for column in self.columns if column.name != self.target)

    def column(self, name: str) -> Column:
        """The column called `name`, which is one of this dataset's."""
        return next(column for column in self.columns if column.name == name)
