# SPDX-License-Identifier: Apache-2.0
"""Series of numbers: the one column that a spec names in `data.series`, of lists as JSON writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelward.datasets import Column, ColumnKind, Dataset, Parts, Table
from modelward.series import UnfitSeriesError, steps_of
from modelward.training.checking import nearest
from modelward.training.gatherer import Prepared, UnusableDataError
from modelward.training.series_preparation import SeriesPreparation

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    from modelward.training.spec import Data, Spec


class SeriesGatherer:
    """Gathers one column of series. It has no background: an unknown series is one without steps."""

    def choose(self, data: Data, dataset: Dataset, table: Table) -> list[Column]:
        assert data.series is not None
        names = [column.name for column in dataset.features]
        if data.series not in names:
            raise UnusableDataError(
                f"data.series: there is no feature {data.series!r} in {dataset.name!r}; {nearest(data.series, names)}"
            )
        column = dataset.column(data.series)
        # What was registered before series were told from texts is called one.
        if column.kind not in {ColumnKind.SERIES, ColumnKind.TEXT, ColumnKind.CATEGORY}:
            raise UnusableDataError(f"data.series: column {column.name!r} is a {column.kind} and holds no lists. Name another.")
        return [column]

    def prepare(self, spec: Spec, chosen: Sequence[Column], *, table: Table, parts: Parts) -> Prepared:
        (column,) = chosen
        series = _series(table.get_column(column.name))
        training = [series[row] for row in parts.train.tolist()]
        preparation = SeriesPreparation.fit(column.name, training, spec.data.prepare)
        numbers = np.concatenate(training)
        feature = preparation.feature(
            nullable=any(not len(steps) for steps in training),
            minimum=float(np.nanmin(numbers)),
            maximum=float(np.nanmax(numbers)),
        )
        cut = [steps[-preparation.length :] for steps in series]
        return Prepared((feature,), {column.name: feature.sort.column(cut, feature)}, preparation, [])


def _series(values: pl.Series) -> list[npt.NDArray[np.float32]]:
    """The series of each row; all have the channels of the first that has steps."""
    found: list[npt.NDArray[np.float32]] = []
    channels: int | None = None
    for row, text in enumerate(values.to_list(), 1):
        try:
            steps = steps_of(text or "", channels=channels)
        except UnfitSeriesError as unfit:
            raise UnusableDataError(
                f"data.series: row {row:,} of column {values.name!r} {unfit}. Mend it, or leave it empty (no steps)."
            ) from None
        channels = steps.shape[1] if channels is None and len(steps) else channels
        found.append(steps)
    return [steps if len(steps) else np.zeros((0, channels or 1), dtype=np.float32) for steps in found]
