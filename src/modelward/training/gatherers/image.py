# SPDX-License-Identifier: Apache-2.0
"""Images: the one column that a spec names in `data.image`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelward.datasets import Column, ColumnKind, Dataset, Parts, Table
from modelward.images import facts_of
from modelward.training.checking import nearest
from modelward.training.columns import columns_of
from modelward.training.gatherer import Prepared, UnusableDataError
from modelward.training.image_preparation import ImagePreparation

if TYPE_CHECKING:
    from modelward.training.spec import Data, Spec


class ImageGatherer:
    """Gathers one column of images. It has no background: none can be made of images without keeping somebody's."""

    def choose(self, data: Data, dataset: Dataset, table: Table) -> list[Column]:
        assert data.image is not None
        held = [column.name for column in dataset.features if column.kind is ColumnKind.IMAGE]
        if data.image not in held:
            found = f"{nearest(data.image, held)}" if held else "It has none; leave the key out."
            raise UnusableDataError(f"data.image: there is no column of images {data.image!r} in {dataset.name!r}. {found}")
        if missing := table.get_column(data.image).null_count():
            raise UnusableDataError(
                f"data.image: {missing:,} of {table.height:,} rows of {dataset.name!r} have no image in {data.image!r}. Register "
                "the data without these rows."
            )
        return [dataset.column(data.image)]

    def prepare(self, spec: Spec, chosen: Sequence[Column], *, table: Table, parts: Parts) -> Prepared:
        (column,) = chosen
        seen = [facts_of(data) for data in table.get_column(column.name)[parts.train]]
        preparation = ImagePreparation.fit(column.name, seen, spec.data.prepare)
        feature = preparation.feature()
        return Prepared((feature,), columns_of(table, (feature,)), preparation, [])
