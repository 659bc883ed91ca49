# SPDX-License-Identifier: Apache-2.0
"""Figures and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.assessment import Clause

NONE = "–"
# Each ladder: steps of a unit, from small to large, each with how many of the clause's own unit it is.
_LADDERS: dict[str, tuple[tuple[str, float], ...]] = {
    "bytes": (("B", 1), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9)),
    "ms": (("ns", 1e-6), ("µs", 1e-3), ("ms", 1), ("s", 1e3), ("min", 6e4)),
    "J": (("mJ", 1e-3), ("J", 1), ("kJ", 1e3), ("MJ", 1e6)),
    "rows/s": (("rows/s", 1), ("k rows/s", 1e3), ("M rows/s", 1e6)),
}


def figure(value: float | None) -> str:
    """A figure in four significant digits; a dash where there is none."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def quantity(value: float | None, unit: str) -> str:
    """A figure with its unit, in the step of the unit that suits it: 0.0374 ms is 37.4 µs."""
    if value is None:
        return NONE
    step, factor = _step(value, unit)
    return f"{_scaled(value, factor, unit)} {step}".strip()


def interval(clause: Clause) -> str:
    """The 95 % interval of a clause, in the unit its estimate is shown in; empty where the figure is exact."""
    if clause.low is None or clause.high is None or clause.low == clause.high:
        return ""
    _, factor = _step(clause.estimate or 0.0, clause.unit)
    return f"{_scaled(clause.low, factor, clause.unit)} – {_scaled(clause.high, factor, clause.unit)}"


def asked(clause: Clause) -> str:
    """What is asked of a clause; empty where nothing is."""
    if clause.threshold is None:
        return ""
    return f"{'≥' if clause.direction == 'at-least' else '≤'} {quantity(clause.threshold, clause.unit)}"


def size(size_bytes: float) -> str:
    """Bytes in the unit that suits them."""
    return quantity(size_bytes, "bytes")


def minute(moment: datetime) -> str:
    """A moment in UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def second(moment: datetime) -> str:
    """A moment in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def iso(moment: datetime) -> str:
    """A moment for machines."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _step(value: float, unit: str) -> tuple[str, float]:
    ladder = _LADDERS.get(unit, ((unit, 1.0),))
    return next((step for step in reversed(ladder) if abs(value) >= step[1]), ladder[0])


def _scaled(value: float, factor: float, unit: str) -> str:
    return f"{value / factor:.3g}" if unit in _LADDERS and abs(value / factor) < 1000 else figure(value / factor)
