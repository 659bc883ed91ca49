# SPDX-License-Identifier: Apache-2.0
"""An erasure: rows of somebody that were taken out of a dataset for good, and what is still known of that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError

DATASET_ERASED: Final = Event(
    "dataset.erased",
    "Rows were taken out of a dataset for good: it was sealed anew without them, and the keys of what was sealed before were "
    "destroyed. How many, which grants had left them out, and how many of them were training, validation and test rows of which "
    "divisions; of the filter a keyed digest.",
)


class NothingToEraseError(NotFoundError):
    """No row is meant by the filter."""


class NotErasableError(InvalidError):
    """What would be left is no dataset, or the rows lie in another dataset, too."""


class ErasedMeanwhileError(ConflictError):
    """The dataset changed while its rows were being taken out."""


class DatasetErasedError(RefusedError):
    """Rows were taken out of the dataset while a model was being made from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How many of the rows were training, validation and test rows of the versions that were made under that grant, from rows with
    that `fingerprint`, divided by that `split`; `outside` were kept from them.
    """

    grant: str
    fingerprint: str
    split: str
    train: int
    validation: int
    test: int
    outside: int

    @property
    def division(self) -> tuple[str, str, str]:
        """What is the same of all versions that saw the same rows in the same parts."""
        return self.grant, self.fingerprint, self.split

    @property
    def learned(self) -> int:
        """How many of the rows versions learned from, or were chosen by."""
        return self.train + self.validation


def seen_in(division: tuple[str, str, str], seen: Iterable[Seen]) -> Seen | None:
    """What is known of that division. What came from elsewhere names no grant: then what is of the same rows in the same parts."""
    alike = [each for each in seen if each.division[1:] == division[1:] and division[0] in ("", each.grant)]
    return max(alike, key=lambda each: (each.grant == division[0], each.learned), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedPart:
    """What became of one dataset: of its `before` rows, `gone` ones are taken out. `fingerprint` is that of the rest, "" where
    nothing was done yet. The grants `kept_out` had shown their models none of the rows. `seen` is what is known of versions.
    """

    dataset: str
    before: int
    gone: int
    fingerprint: str = ""
    kept_out: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure came to: the dataset itself first, then the shards that had been divided off it. `keys` are SHA-256 of the
    ids of the keys that were destroyed. Of one that was only tried, `erased` is None.
    """

    dataset: str
    parts: tuple[ErasedPart, ...]
    reason: str
    by: str
    erased: datetime | None
    keys: tuple[str, ...] = ()

    @property
    def gone(self) -> int:
        """How many rows of the dataset itself."""
        return self.parts[0].gone


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedErasure:
    """What the ledger tells of one. Of the `gone` rows, those that a version learned from, or was chosen by, where it is told of
    one whose division is known. `before` is the fingerprint of the dataset with the rows, `after` without. The grants
    `kept_out` had shown their models none of them. To who may not see the data all that is left out.
    """

    dataset: str
    at: datetime
    gone: int
    before: str
    after: str
    kept_out: frozenset[str]
