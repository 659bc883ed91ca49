# SPDX-License-Identifier: Apache-2.0
"""Images: the one column that a spec names in `data.image`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.datasets import Column, ColumnKind, Dataset, Parts, Table
from modelward.images import facts_of
from modelward.training.checking import nearest
from modelward.training.columns import Columns, column_of
from modelward.training.gatherer import UnusableDataError
from modelward.training.image_preparation import ImagePreparation
from modelward.training.rows import PreparedPixels

if TYPE_CHECKING:
    import numpy.typing as npt

    from modelward.registry import Feature
    from modelward.training.recipe import Rows
    from modelward.training.spec import Data, Spec


class ImageGatherer:
    """Gathers one column of images, whose pixels stay bytes: only what is learned from at a time becomes numbers."""

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

    def prepare(self, spec: Spec, chosen: Sequence[Column], *, table: Table, parts: Parts) -> PreparedImages:
        (column,) = chosen
        held = table.get_column(column.name)
        preparation = ImagePreparation.fit(column.name, [facts_of(held[row]) for row in parts.train.tolist()], spec.data.prepare)
        feature = preparation.feature()
        return PreparedImages((feature,), preparation, PreparedPixels(np.arange(0), column_of(held, feature)))


@dataclass(frozen=True, slots=True)
class PreparedImages:
    """See `Gathered`."""

    features: tuple[Feature, ...]
    preparation: ImagePreparation
    rows: PreparedPixels

    @property
    def background(self) -> list[dict[str, Any]]:
        """None can be made of images without keeping somebody's."""
        return []

    def part(self, rows: npt.NDArray[np.int64]) -> Rows:
        """See `Gathered.part`."""
        return self.rows.part(rows)

    def served(self, rows: npt.NDArray[np.int64]) -> Columns:
        """See `Gathered.served`."""
        return {self.preparation.name: self.rows.pixels[rows]}
