# SPDX-License-Identifier: Apache-2.0
"""The kinds of material, by what recipes take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelward.training.gatherers.image import ImageGatherer
from modelward.training.gatherers.series import SeriesGatherer
from modelward.training.gatherers.table import TableGatherer
from modelward.training.gatherers.text import TextGatherer

if TYPE_CHECKING:
    from modelward.training.gatherer import Gatherer

GATHERERS: Mapping[str, Gatherer] = {
    "table": TableGatherer(),
    "text": TextGatherer(),
    "image": ImageGatherer(),
    "series": SeriesGatherer(),
}
