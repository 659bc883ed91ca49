# SPDX-License-Identifier: Apache-2.0
"""Texts: the one column that a spec names in `data.text`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelward.datasets import Column, ColumnKind, Dataset, Parts, Table
from modelward.training.checking import nearest
from modelward.training.columns import columns_of
from modelward.training.gatherer import Prepared, UnusableDataError
from modelward.training.text_preparation import TextPreparation

if TYPE_CHECKING:
    from modelward.training.spec import Data, Spec


class TextGatherer:
    """Gathers one column of text. It has no background: none can be made of texts without keeping somebody's words."""

    def choose(self, data: Data, dataset: Dataset, table: Table) -> list[Column]:
        assert data.text is not None
        return [_text_column(data.text, dataset)]

    def prepare(self, spec: Spec, chosen: Sequence[Column], *, table: Table, parts: Parts) -> Prepared:
        (column,) = chosen
        preparation = TextPreparation.fit(table.get_column(column.name)[parts.train], spec.data.prepare)
        feature = preparation.feature(nullable=column.nullable)
        return Prepared((feature,), columns_of(table, (feature,)), preparation, [])


def _text_column(name: str, dataset: Dataset) -> Column:
    names = [column.name for column in dataset.features]
    if name not in names:
        raise UnusableDataError(f"data.text: there is no feature {name!r} in {dataset.name!r}; {nearest(name, names)}")
    column = dataset.column(name)
    if column.kind is ColumnKind.SERIES:
        raise UnusableDataError(f"data.text: column {name!r} holds series of numbers. Name it as `data.series` instead.")
    if column.kind not in {ColumnKind.TEXT, ColumnKind.CATEGORY}:
        raise UnusableDataError(
            f"data.text: column {name!r} is a {column.kind} and holds no text. Name another, or leave `data.text` out and learn "
            "from the table."
        )
    return column
