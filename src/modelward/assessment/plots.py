# SPDX-License-Identifier: Apache-2.0
"""The pictures of a report and of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from modelward.assessment.drawing import INKS, canvas, cut
from modelward.assessment.placing import Box, lead, place
from modelward.assessment.scores import Floats

if TYPE_CHECKING:
    from modelward.assessment.clause import Clause

_INK, _SOFT, _LINE, _CELL, _TONES = INKS
_ACCENT, _MARK = _TONES[0], _TONES[1]
_MOST_NAMES, _MOST_CELLS, _MOST_BOUNDS = 6, 12, 4
_COSTS = {"size_bytes": "model size", "latency_p50_ms": "median time of one row", "energy_joules": "energy of training"}
# What one of each unit is in the unit of the figure; an amount is told in the largest unit that it fills, or the last.
_UNITS = {
    "size_bytes": {"GB": 1e9, "MB": 1e6, "KB": 1e3, "B": 1.0},
    "latency_p50_ms": {"s": 1e3, "ms": 1.0, "µs": 1e-3},
    "energy_joules": {"MJ": 1e6, "kJ": 1e3, "J": 1.0, "mJ": 1e-3},
}
# What a letter of a name takes on the canvas (72 dots an inch), on the safe side for most fonts.
_LETTER_WIDTH, _LETTER_HEIGHT = 5.6, 12.0
# How many amounts an axis of costs names, which leaves each of them room; none lies nearer to an end than this share.
_FEWEST_TICKS, _MOST_TICKS = 2, 4
_END_SHARE = 0.07


class ParetoPoint(Protocol):
    """What the Pareto plot needs of a row of a comparison."""

    @property
    def label(self) -> str: ...
    @property
    def estimate(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def latency_p50_ms(self) -> float: ...
    @property
    def energy_joules(self) -> float | None: ...
    @property
    def is_on_front(self) -> bool: ...
    @property
    def is_recommended(self) -> bool: ...


def confusion_matrix(
    counts: Sequence[Sequence[int]], *, classes: Sequence[str], bounds: Sequence[Sequence[tuple[float, float]]] = ()
) -> bytes:
    """True classes down, decided classes across; each cell its rows and their share of the true class, of few classes between its
    `bounds`.
    """
    table = np.asarray(counts, dtype=np.float64)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    k = len(classes)
    side = min(2.4 + 0.7 * k, 9.0)
    with canvas(side, side * 0.86) as (figure, svg):
        axes = figure.add_subplot()
        for (row, column), share in np.ndenumerate(shares):
            axes.bar(column, 0.96, width=0.96, bottom=row - 0.48, color=_CELL, alpha=0.06 + 0.64 * share)
            if k <= _MOST_CELLS:
                text = f"{int(table[row, column]):,}\n{share:.0%}"
                if bounds and bounds[row] and k <= _MOST_BOUNDS:
                    low, high = bounds[row][column]
                    text += f"\n[{low:.0%}, {high:.0%}]"
                axes.text(column, row, text, ha="center", va="center")
        names = [cut(name) for name in classes]
        axes.set_xticks(range(k), names, rotation=0 if k <= 4 else 45, ha="center" if k <= 4 else "right")
        axes.set_yticks(range(k), names)
        axes.tick_params(length=0)
        axes.set(xlabel="decided", ylabel="true", xlim=(-0.5, k - 0.5), ylim=(k - 0.5, -0.5))
        axes.spines[:].set_visible(False)
    return svg()


def roc_curve(grid: Floats, curves: Mapping[str, Floats], *, band: tuple[Floats, Floats] | None) -> bytes:
    """True positive rate over false positive rate, one line a class, the 95 % band of a single one, and chance."""
    with canvas(4.6, 4.2) as (figure, svg):
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1, dashes=(4, 3))
        axes.text(0.62, 0.56, "chance", color=_SOFT, rotation=45, rotation_mode="anchor", transform_rotates_text=True, va="top")
        if band is not None:
            axes.fill_between(grid, *band, color=_ACCENT, alpha=0.22, linewidth=0)
        for at, (name, rates) in enumerate(curves.items()):
            colour = _TONES[at % len(_TONES)] if at < _MOST_NAMES else _SOFT
            axes.plot(grid, rates, color=colour, linewidth=1.8, solid_joinstyle="round")
            if len(curves) > 1 and at < _MOST_NAMES:
                axes.text(1.0, 0.06 + 0.07 * (min(len(curves), _MOST_NAMES) - 1 - at), cut(name), color=colour, ha="right")
        axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal")
        if band is not None:
            axes.set_title(f"positive: {cut(next(iter(curves)))}", color=_SOFT, fontweight="normal")
    return svg()


def calibration_curve(stated: Floats, observed: Floats, bounds: Sequence[tuple[float, float]], given: Floats) -> bytes:
    """Observed frequency over stated probability with intervals, above the distribution of what was stated."""
    low, high = np.array(bounds).T
    with canvas(4.6, 4.9) as (figure, svg):
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1), gridspec_kw={"hspace": 0.08})
        axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1, dashes=(4, 3))
        axes.vlines(stated, low, high, color=_ACCENT, alpha=0.45, linewidth=2.4)
        axes.plot(stated, observed, color=_ACCENT, linewidth=1.2, marker="o", markersize=4.5)
        axes.set_title("above the line: it happens more often than stated", color=_SOFT, fontsize=9, fontweight="normal")
        axes.set(ylabel="observed frequency", xlim=(-0.01, 1.01), ylim=(-0.02, 1.03))
        axes.tick_params(axis="x", length=0)
        below.hist(given, bins=np.linspace(0, 1, 31), color=_ACCENT, alpha=0.55)
        below.set(xlabel="stated probability", yticks=[])
        below.spines["left"].set_visible(False)
        below.set_ylabel("rows", rotation=0, ha="right", va="center")
    return svg()


def group_rates(drawn: Mapping[str, Sequence[tuple[str, Clause]]]) -> bytes:
    """One panel a rate, one line a group: the estimate as a dot on its interval; what could not be measured is said."""
    groups = len(next(iter(drawn.values())))
    with canvas(2.3 * len(drawn), 0.3 * groups + 0.6) as (figure, svg):
        panels = figure.subplots(1, len(drawn), sharey=True, squeeze=False, gridspec_kw={"wspace": 0.22}).ravel()
        for axes, (title, clauses) in zip(panels, drawn.items(), strict=False):
            axes.set_title(title)
            for at, (_, clause) in enumerate(clauses):
                _dot(axes, at, clause)
            axes.set(xlim=(0, 1), ylim=(groups - 0.5, -0.5))
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_yticks(range(groups), [cut(group) for group, _ in clauses])
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.grid(axis="x", color=_LINE, linewidth=0.6, alpha=0.6)
            axes.set_axisbelow(True)
    return svg()


def losses(drawn: Sequence[tuple[str, Clause]]) -> bytes:
    """What is lost in each case, a dot on its interval; the line is no loss."""
    with canvas(5.4, 0.3 * len(drawn) + 0.7) as (figure, svg):
        axes = figure.add_subplot()
        axes.axvline(0, color=_LINE, linewidth=1, dashes=(4, 3))
        for at, (_, clause) in enumerate(drawn):
            axes.hlines(at, clause.low, clause.high, color=_ACCENT, alpha=0.4, linewidth=4)
            axes.plot(clause.estimate, at, marker="o", color=_ACCENT, markersize=5.5)
        axes.set(xlabel="accuracy lost", ylim=(len(drawn) - 0.5, -0.5))
        axes.margins(x=0.06)
        axes.set_yticks(range(len(drawn)), [cut(name) for name, _ in drawn])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=_LINE, linewidth=0.6, alpha=0.6)
        axes.set_axisbelow(True)
    return svg()


def pareto(points: Sequence[ParetoPoint], *, metric: str, smaller_is_better: bool = False) -> bytes:
    """The metric with its interval over size, latency and energy of training, on logarithmic axes; the pick is ringed.

    A line joins what is best for its cost. Where a smaller metric is better the axis is turned, so that up is always good.
    Versions whose energy was not measured are not in its panel, and there is none where it was measured of fewer than two.
    """
    shown = {key: [point for point in points if getattr(point, key) is not None] for key in _COSTS}
    shown = {key: some for key, some in shown.items() if len(some) > 1 or key != "energy_joules"}
    with canvas(4.2 * len(shown), 4.3) as (figure, svg):
        panels = figure.subplots(1, len(shown), sharey=True, gridspec_kw={"wspace": 0.14})
        sign = -1.0 if smaller_is_better else 1.0
        for axes, (key, some) in zip(panels, shown.items(), strict=True):
            _front(axes, some, key, sign=sign)
            _dress(axes, key)
        if smaller_is_better:
            panels[0].invert_yaxis()
        figure.draw_without_rendering()  # Only now are the limits of the axes known.
        for axes, (key, some) in zip(panels, shown.items(), strict=True):
            _name(axes, some, key, sign=sign)
        panels[0].set_ylabel(metric)
        for axes in panels[1:]:
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
    return svg()


def _dress(axes: Any, key: str) -> None:
    """A logarithmic axis of costs, with a few amounts in plain numbers however little or much it spans."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axes.set(xscale="log", xlabel=_COSTS[key])
    axes.margins(x=0.18, y=0.1)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(*axes.get_xlim())))
    axes.xaxis.set_major_formatter(lambda value, _: _amount(value, key))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=_LINE, linewidth=0.6, alpha=0.6)
    axes.set_axisbelow(True)


def _ticks(low: float, high: float) -> list[float]:
    """Round amounts between the ends of a logarithmic axis: the powers of ten where there are enough, else rounder ones first."""
    span = high / low
    first, last = low * span**_END_SHARE, high / span**_END_SHARE
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    powers = [[10.0**at for at in decades[start::step]] for step in range(len(decades), 0, -1) for start in range(step)]
    within = [[part * 10.0**at for at in decades for part in parts] for parts in ((1, 3), (1, 2, 5))]
    steps = [part * 10.0**at for at in range(decades[-1], decades[0] - 4, -1) for part in (5, 2, 1)]
    evenly = ([step * at for at in range(ceil(first / step), floor(last / step) + 1)] for step in steps if last / step < 1e4)
    best: list[float] = []
    for ticks in chain(powers, within, evenly):
        inside = [tick for tick in ticks if first <= tick <= last]
        if len(best) < len(inside) <= _MOST_TICKS:
            best = inside
        if len(best) > _FEWEST_TICKS:
            break
    return best


def _dot(axes: Any, at: int, clause: Clause) -> None:
    if clause.estimate is None or clause.low is None or clause.high is None:
        axes.text(0.02, at, f"not measurable: {clause.n} rows", va="center", color=_SOFT, fontsize=9, style="italic")
        return
    axes.hlines(at, clause.low, clause.high, color=_ACCENT, alpha=0.4, linewidth=4, clip_on=False)
    axes.plot(clause.estimate, at, marker="o", color=_ACCENT, markersize=5.5, clip_on=False)
    is_right = clause.high > 0.72
    where = clause.low - 0.03 if is_right else clause.high + 0.03
    axes.text(where, at, f"{clause.estimate:.2f}", va="center", ha="right" if is_right else "left", color=_INK, fontsize=9)


def _front(axes: Any, points: Sequence[ParetoPoint], key: str, *, sign: float) -> None:
    """Points with intervals, and the line of the best that can be had for what it costs."""
    axes.plot(*zip(*_staircase(points, key, sign=sign), strict=True), color=_LINE, linewidth=1.2)
    for point in points:
        colour = _ACCENT if point.is_on_front else _SOFT
        at = getattr(point, key)
        axes.vlines(at, point.low, point.high, color=colour, alpha=0.4, linewidth=2.6)
        axes.plot(at, point.estimate, marker="o", color=colour, markersize=6)
        if point.is_recommended:
            axes.plot(at, point.estimate, marker="o", markersize=13, fillstyle="none", color=_MARK, markeredgewidth=1.8)


def _staircase(points: Sequence[ParetoPoint], key: str, *, sign: float) -> list[tuple[float, float]]:
    """The corners of the line that joins what is best for its cost."""
    best: list[tuple[float, float]] = []
    for cost, estimate in sorted((getattr(point, key), point.estimate) for point in points):
        if not best:
            best.append((cost, estimate))
        elif sign * estimate > sign * best[-1][1]:
            best += [(cost, best[-1][1]), (cost, estimate)]
    return best


def _name(axes: Any, points: Sequence[ParetoPoint], key: str, *, sign: float) -> None:
    """Names beside their points; the pick and the front choose first, and a name that would be struck through is left out."""
    axes.autoscale(enable=False)
    order = sorted(points, key=lambda point: (not point.is_recommended, not point.is_on_front, getattr(point, key)))
    to_screen = axes.transData.transform
    ends = [(to_screen((getattr(one, key), one.low)), to_screen((getattr(one, key), one.high))) for one in order]
    taken = [Box(low[0] - 6, min(low[1], high[1]) - 2, low[0] + 6, max(low[1], high[1]) + 2) for low, high in ends]
    names = [cut(point.label) for point in order]
    sizes = [(_LETTER_WIDTH * len(name), _LETTER_HEIGHT) for name in names]
    frame = Box(*axes.bbox.extents)
    corners = [to_screen(corner) for corner in _staircase(points, key, sign=sign)]
    lines = [Box(*np.minimum(one, other) - 1.5, *np.maximum(one, other) + 1.5) for one, other in pairwise(corners)]
    for point, name, dot, box in zip(order, names, taken, place(taken, sizes, frame=frame, lines=lines), strict=True):
        if box is None:
            continue
        side, at = ("left", box.left) if box.left > dot.left else ("right", box.right)
        if box.left < dot.left and box.right > dot.right:
            side, at = "center", (box.left + box.right) / 2
        if line := lead(dot, box):
            axes.plot(*axes.transData.inverted().transform(line).T, color=_SOFT, linewidth=0.6, zorder=0.5)
        spot = axes.transData.inverted().transform((at, (box.bottom + box.top) / 2))
        weight = "bold" if point.is_recommended else "normal"
        axes.text(*spot, name, ha=side, va="center", fontsize=9, fontweight=weight, color=_INK if point.is_on_front else _SOFT)


def _amount(value: float, key: str) -> str:
    units = _UNITS[key]
    unit = next((unit for unit, size in units.items() if value >= size), [*units][-1])
    return f"{value / units[unit]:.4g} {unit}"
