# SPDX-License-Identifier: Apache-2.0
"""What gathers one kind of material: which columns are learned from, and what is fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError
from modelward.training.columns import Columns, rows_of

if TYPE_CHECKING:
    from modelward.datasets import Column, Dataset, Parts, Table
    from modelward.registry import Feature
    from modelward.training.preparer import Preparer
    from modelward.training.recipe import Rows
    from modelward.training.spec import Data, Spec


class UnusableDataError(InvalidError):
    """The spec and the dataset do not go together, or a column cannot be a feature; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The chosen columns of all rows as serving receives them, and what was fitted to those of the training rows.

    `background` are rows of JSON that stand for "not known" when an answer is explained. It is empty where none can be made without
    keeping somebody's own values.
    """

    features: tuple[Feature, ...]
    columns: dict[str, npt.NDArray[Any]]
    preparation: Preparer
    background: list[dict[str, Any]]

    def part(self, rows: npt.NDArray[np.int64]) -> Rows:
        """See `Gathered.part`."""
        return self.preparation.apply(self.served(rows))

    def served(self, rows: npt.NDArray[np.int64]) -> Columns:
        """See `Gathered.served`."""
        return rows_of(self.columns, rows)


class Gathered(Protocol):
    """What was gathered of a dataset. `Prepared` is what lies in memory whole."""

    @property
    def features(self) -> tuple[Feature, ...]: ...

    @property
    def preparation(self) -> Preparer: ...

    @property
    def background(self) -> list[dict[str, Any]]: ...

    def part(self, rows: npt.NDArray[np.int64]) -> Rows:
        """Some of the rows, prepared: to learn from."""
        ...

    def served(self, rows: npt.NDArray[np.int64]) -> Columns:
        """Some of the rows as serving receives them."""
        ...


class Gatherer(Protocol):
    """Gathers the material of the recipes that take the same."""

    def choose(self, data: Data, dataset: Dataset, table: Table) -> list[Column]:
        """The columns to learn from.

        Raises:
            UnusableDataError: the spec names others than there are, or a column cannot be learned from.
        """
        ...

    def prepare(self, spec: Spec, chosen: Sequence[Column], *, table: Table, parts: Parts) -> Gathered:
        """The rows, with a preparation that MUST be fitted to the training rows alone. `table` may be larger than memory, and
        `frame_of` takes all of it.

        Raises:
            UnusableFeatureError: the training rows of a column hold nothing to learn from.
        """
        ...
