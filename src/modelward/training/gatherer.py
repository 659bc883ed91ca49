# SPDX-License-Identifier: Apache-2.0
"""What gathers one kind of material: which columns are learned from, and what is fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from modelward.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

    from modelward.datasets import Column, Dataset, Parts
    from modelward.registry import Feature
    from modelward.training.preparer import Preparer
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


class Gatherer(Protocol):
    """Gathers the material of the recipes that take the same."""

    def choose(self, data: Data, dataset: Dataset, table: pl.DataFrame) -> list[Column]:
        """The columns to learn from.

        Raises:
            UnusableDataError: the spec names others than there are, or a column cannot be learned from.
        """
        ...

    def prepare(self, spec: Spec, chosen: Sequence[Column], *, table: pl.DataFrame, parts: Parts) -> Prepared:
        """The columns of all rows, with a preparation that MUST be fitted to the training rows alone.

        Raises:
            UnusableFeatureError: the training rows of a column hold nothing to learn from.
        """
        ...
