# SPDX-License-Identifier: Apache-2.0
"""Data: every dataset, and the profile of one in pictures and words. No row is read for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelward.access import Permission, TermsNotAcceptedError
from modelward.datasets import ColumnProfile
from modelward.entrances.console.visit import Visit

COLUMNS_SHOWN = 200
_MOST_BARS = 12
_MOST_CHANNELS = 16
_MOST_RUNS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram in a picture that is 100 high, and the numbers it stands for."""

    height: float
    rows: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Range:
    """Where the numbers of a channel lie, in a picture that is 100 wide, from the least of all channels to the greatest."""

    left: float
    width: float
    told: str


async def show_all(visit: Visit) -> Response:
    """Every dataset."""
    found = await run_in_threadpool(visit.platform.datasets.list, by=visit.by)
    return visit.page("data.html", section="data", datasets=found)


def shown_dataset(visit: Visit) -> dict[str, Any]:
    """What one dataset looks like, column by column, and what to look at before training on it."""
    name = visit.path["name"]
    dataset = visit.platform.datasets.show(name, by=visit.by)
    try:
        profile = visit.platform.datasets.profile(name, by=visit.by)
    except TermsNotAcceptedError:
        return {"dataset": dataset, "profile": None, **_learnt(visit, dataset.name)}
    return {
        "dataset": dataset,
        "profile": profile,
        "classes": _shares(profile.classes),
        "columns": [(column, bars_of(column), _sizes(column), ranges_of(column)) for column in profile.columns[:COLUMNS_SHOWN]],
        **_learnt(visit, dataset.name),
        "left_out": max(0, len(profile.columns) - COLUMNS_SHOWN),
        "left_out_classes": max(0, len(profile.classes) - _MOST_BARS),
    }


def _learnt(visit: Visit, dataset: str) -> dict[str, Any]:
    """The latest runs that learnt from it, where the visitor may see runs."""
    runs = visit.platform.training.runs(by=visit.by) if visit.by.may(Permission.TRAINING_READ) else []
    found = [run for run in runs if run.dataset == dataset]
    return {
        "runs": found[:_MOST_RUNS],
        "left_out_runs": max(0, len(found) - _MOST_RUNS),
        "may_see_models": visit.by.may(Permission.MODELS_READ),
    }


def bars_of(column: ColumnProfile) -> list[Bar]:
    """The bars of a column's histogram, the highest of them 100 high; none where it has no histogram."""
    if (found := column.histogram) is None or not any(found.counts):
        return []
    width, highest = (found.high - found.low) / len(found.counts), max(found.counts)
    return [
        Bar(100 * count / highest, count, found.low + place * width, found.low + (place + 1) * width)
        for place, count in enumerate(found.counts)
    ]


def ranges_of(column: ColumnProfile) -> list[Range]:
    """The ranges of the first channels of a column of series."""
    if (series := column.series) is None or (whole := series.range) is None:
        return []
    least, spread = whole[0], (whole[1] - whole[0]) or 1.0
    found = []
    for low, high in series.ranges[:_MOST_CHANNELS]:
        if low is None or high is None:
            found.append(Range(0.0, 0.0, "–"))
        else:
            found.append(Range(100 * (low - least) / spread, 100 * (high - low) / spread, f"{low:.4g} – {high:.4g}"))
    return found


def _sizes(column: ColumnProfile) -> list[tuple[str, float, int]]:
    return _shares(column.images.sizes) if column.images else []


def _shares(counts: Mapping[str, int]) -> list[tuple[str, float, int]]:
    """Names with their share of all and their rows, the most frequent twelve."""
    whole = max(sum(counts.values()), 1)
    return [(name, count / whole, count) for name, count in list(counts.items())[:_MOST_BARS]]
